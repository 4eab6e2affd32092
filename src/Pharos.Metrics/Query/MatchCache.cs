using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>Names a question to an index: which values of a label match an expression, or do not.</summary>
internal readonly record struct MatchKey(MatchOp Op, string Name, string Value, bool Matching)
{
    /// <summary>Fewer values are looked at faster than they are kept.</summary>
    private const int ValuesMin = 128;

    /// <summary>The question to be kept; null where it is answered quickly anyway.</summary>
    public static MatchKey? Of(Matcher matcher, bool matching, int values) =>
        values >= ValuesMin && matcher.Op is (MatchOp.Regex or MatchOp.NotRegex) ? new MatchKey(matcher.Op, matcher.Name, matcher.Value, matching) : null;

    public int Bytes => 200 + ((Name.Length + Value.Length) * 2);
}
