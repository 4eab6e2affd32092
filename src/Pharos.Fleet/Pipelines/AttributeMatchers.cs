using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.Fleet;

/// <summary>
/// Reads matchers as Alertmanager writes them: <c>team="payments"</c>, <c>env=~"prod|stage"</c>, quotes optional.
/// Names may hold dots.
/// </summary>
public static class AttributeMatchers
{
    private static readonly SearchValues<char> NotInNames = SearchValues.Create("{}\", \t");
    private static readonly SearchValues<char> NotBare = SearchValues.Create("\"{},");

    /// <exception cref="FormatException">It is no matcher; says why.</exception>
    public static Matcher Parse(string text)
    {
        string rest = text.Trim();
        if (rest.StartsWith('{') && rest.EndsWith('}')) rest = rest[1..^1].Trim();
        string name;
        if (rest.StartsWith('"'))
        {
            int close = Close(rest);
            if (close < 0) throw new FormatException($"matcher {text}: the name's quote is not closed");
            name = Unquote(rest[..(close + 1)], text);
            rest = rest[(close + 1)..].TrimStart();
        }
        else
        {
            int end = rest.AsSpan().IndexOfAny('=', '!', '~');
            if (end < 0) throw new FormatException($"matcher {text} has no operator; write name=\"value\"");
            name = rest[..end].TrimEnd();
            rest = rest[end..];
        }
        if (name.Length == 0) throw new FormatException($"matcher {text} has no name");
        if (name.AsSpan().ContainsAny(NotInNames)) throw new FormatException($"matcher {text}: \"{name}\" is not a name");
        (var op, int length) = rest switch
        {
            _ when rest.StartsWith("=~", StringComparison.Ordinal) => (MatchOp.Regex, 2),
            _ when rest.StartsWith("!~", StringComparison.Ordinal) => (MatchOp.NotRegex, 2),
            _ when rest.StartsWith("!=", StringComparison.Ordinal) => (MatchOp.NotEqual, 2),
            _ when rest.StartsWith('=') => (MatchOp.Equal, 1),
            _ => throw new FormatException($"matcher {text} has no operator; use =, !=, =~ or !~"),
        };
        string value = rest[length..].Trim();
        if (value.StartsWith('"'))
        {
            if (Close(value) != value.Length - 1) throw new FormatException($"matcher {text}: the value's quote is not closed at its end");
            value = Unquote(value, text);
        }
        else if (value.AsSpan().ContainsAny(NotBare))
        {
            throw new FormatException($"matcher {text}: a value with such characters must be in double quotes");
        }
        try
        {
            return new Matcher(op, name, value);
        }
        catch (Exception bad) when (bad is ArgumentException or FormatException)
        {
            throw new FormatException($"matcher {text}: {bad.Message}", bad);
        }
    }

    public static bool Fit(IReadOnlyList<Matcher> matchers, IReadOnlyDictionary<string, string> attributes) =>
        matchers.All(m => m.Matches(attributes.GetValueOrDefault(m.Name, "")));

    private static int Close(string text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') return i;
        }
        return -1;
    }

    /// <summary>Only <c>\" \\ \n</c> are escapes; any other backslash stands for itself, as regular expressions need it.</summary>
    private static string Unquote(string quoted, string text)
    {
        var value = new StringBuilder();
        for (int i = 1; i < quoted.Length - 1; i++)
        {
            if (quoted[i] != '\\' || i + 1 >= quoted.Length - 1)
            {
                value.Append(quoted[i]);
                continue;
            }
            char next = quoted[++i];
            if (next is '"' or '\\') value.Append(next);
            else if (next == 'n') value.Append('\n');
            else value.Append('\\').Append(next);
        }
        if (quoted.Length < 2) throw new FormatException($"matcher {text}: a quote is not closed");
        return value.ToString();
    }
}
