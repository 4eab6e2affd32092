using System.Text;
using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>The grammar of before 0.27: classic label names, values with or without quotes, a lone backslash is itself.</summary>
internal static partial class ClassicMatcherParser
{
    public static List<Matcher> ParseAll(string text)
    {
        if (text.StartsWith('{')) text = text[1..];
        if (text.EndsWith('}')) text = text[..^1];
        bool quoted = false, escaped = false;
        var token = new StringBuilder();
        var tokens = new List<string>();
        foreach (char c in text)
        {
            switch (c)
            {
                case ',' when !quoted:
                    tokens.Add(token.ToString());
                    token.Clear();
                    continue;
                case '"':
                    if (!escaped) quoted = !quoted;
                    else escaped = false;
                    break;
                case '\\':
                    escaped = !escaped;
                    break;
                default:
                    escaped = false;
                    break;
            }
            token.Append(c);
        }
        string last = token.ToString().Trim();
        if (last.Length > 0) tokens.Add(last);
        return tokens.ConvertAll(One);
    }

    public static MatchOp Operator(string sign) => sign switch
    {
        "=" => MatchOp.Equal,
        "!=" => MatchOp.NotEqual,
        "=~" => MatchOp.Regex,
        _ => MatchOp.NotRegex,
    };

    private static Matcher One(string text)
    {
        var parts = Shape().Match(text);
        if (!parts.Success) throw new FormatException($"bad matcher format: {text}");
        string raw = parts.Groups[3].Value;
        bool quoted = raw.StartsWith('"');
        if (quoted) raw = raw[1..];
        var value = new StringBuilder(raw.Length);
        bool escaped = false, closed = !quoted;
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (escaped)
            {
                escaped = false;
                if (c == 'n') value.Append('\n');
                else if (c is '"' or '\\') value.Append(c);
                else value.Append('\\').Append(c);
            }
            else if (c == '\\' && i < raw.Length - 1)
            {
                escaped = true;
            }
            else if (c == '"')
            {
                if (!quoted || i < raw.Length - 1) throw Quote(parts);
                closed = true;
            }
            else
            {
                value.Append(c);
            }
        }
        if (!closed) throw Quote(parts);
        return new Matcher(Operator(parts.Groups[2].Value), parts.Groups[1].Value, value.ToString());
    }

    private static FormatException Quote(Match parts) => new($"matcher value contains unescaped double quote: {parts.Groups[3].Value}");

    [GeneratedRegex(@"\A\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*((?s:.*?))\s*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
