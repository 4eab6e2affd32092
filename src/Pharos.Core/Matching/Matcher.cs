using System.Text;

namespace Pharos.Core;

public enum MatchOp
{
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

/// <summary>
/// Compares one label with a value or an anchored RE2 expression in which <c>.</c> matches a newline too.
/// An absent label compares as the empty string. Immutable, safe for several threads.
/// </summary>
public sealed class Matcher : IEquatable<Matcher>
{
    private readonly byte[] valueUtf8;
    private readonly WholeExpression? expression;
    private readonly RegexShape? shape;
    private readonly HashSet<string>? alternatives;
    private readonly byte[] prefix = [];

    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public Matcher(MatchOp op, string name, string value)
    {
        Op = op;
        Name = name;
        Value = value;
        NameUtf8 = Encoding.UTF8.GetBytes(name);
        valueUtf8 = Encoding.UTF8.GetBytes(value);
        if (op is MatchOp.Regex or MatchOp.NotRegex)
        {
            shape = RegexShape.Of(value);
            if (LinearRegex.TryLiteralAlternatives(value, out string[]? literals) || (literals = shape?.Literals) is not null)
            {
                alternatives = new HashSet<string>(literals, StringComparer.Ordinal);
            }
            else if (shape is not null)
            {
                prefix = shape.PrefixUtf8.ToArray();
            }
            else
            {
                expression = new WholeExpression(value, dotMatchesNewline: true);
                prefix = Encoding.UTF8.GetBytes(LinearRegex.LiteralPrefix(value));
            }
        }
        MatchesEmpty = Matches("");
    }

    public MatchOp Op { get; }
    public string Name { get; }
    public string Value { get; }
    public ReadOnlyMemory<byte> NameUtf8 { get; }

    /// <summary>
    /// The only values that the expression of a <c>=~</c> or <c>!~</c> matcher matches, where they are few, as in <c>a|b[12]</c>; else null.
    /// An index can look these up instead of scanning all values.
    /// </summary>
    public IReadOnlyCollection<string>? Alternatives => alternatives;

    /// <summary>True where a series without this label matches.</summary>
    public bool MatchesEmpty { get; }

    /// <summary>What every value that the expression of a <c>=~</c> or <c>!~</c> matcher matches begins with; empty where nothing is known.</summary>
    public ReadOnlySpan<byte> PrefixUtf8 => prefix;

    public bool Matches(string value) => Op switch
    {
        MatchOp.Equal => value == Value,
        MatchOp.NotEqual => value != Value,
        MatchOp.Regex => RegexMatches(value),
        _ => !RegexMatches(value),
    };

    public bool Matches(ReadOnlySpan<byte> value) => Op switch
    {
        MatchOp.Equal => value.SequenceEqual(valueUtf8),
        MatchOp.NotEqual => !value.SequenceEqual(valueUtf8),
        MatchOp.Regex => RegexMatches(value),
        _ => !RegexMatches(value),
    };

    /// <summary>Whether the label set's value of this label matches.</summary>
    public bool Matches(Labels labels)
    {
        labels.TryGetUtf8(NameUtf8.Span, out var value);
        return Matches(value);
    }

    public static bool All(IReadOnlyList<Matcher> matchers, Labels labels)
    {
        for (int i = 0; i < matchers.Count; i++)
        {
            if (!matchers[i].Matches(labels)) return false;
        }
        return true;
    }

    public static string Symbol(MatchOp op) => op switch
    {
        MatchOp.Equal => "=",
        MatchOp.NotEqual => "!=",
        MatchOp.Regex => "=~",
        _ => "!~",
    };

    public bool Equals(Matcher? other) => other is not null && Op == other.Op && Name == other.Name && Value == other.Value;

    public override bool Equals(object? obj) => Equals(obj as Matcher);

    public override int GetHashCode() => HashCode.Combine(Op, Name, Value);

    public override string ToString() =>
        $"{(LabelNames.IsLegacy(Name) ? Name : GoString.Quote(Name))}{Symbol(Op)}{GoString.Quote(Value)}";

    private bool RegexMatches(ReadOnlySpan<byte> value)
    {
        const int stackMax = 512;
        if (alternatives is null) return shape is not null ? shape.Matches(value) : value.StartsWith(prefix) && expression!.IsMatch(value);
        if (value.Length > stackMax) return RegexMatches(Encoding.UTF8.GetString(value));
        Span<char> text = stackalloc char[value.Length];
        return alternatives.GetAlternateLookup<ReadOnlySpan<char>>().Contains(text[..Encoding.UTF8.GetChars(value, text)]);
    }

    private bool RegexMatches(string value) =>
        alternatives is not null ? alternatives.Contains(value) : shape is not null ? shape.Matches(Encoding.UTF8.GetBytes(value)) : expression!.IsMatch(value);
}
