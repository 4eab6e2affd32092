using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>What line filters say of lines as they were stored, for the store to look for.</summary>
internal sealed class StoredLines
{
    private readonly List<ReadOnlyMemory<byte>> literals = [];
    private readonly List<ReadOnlyMemory<byte>> excludedLiterals = [];
    private readonly List<string> excludedExpressions = [];
    private FoldedNeedle? folded;
    private string? expression;

    /// <summary>Adds a filter of the stored line. True: the selection says all that the filter asks for.</summary>
    public bool Add(LineFilterSyntax filter)
    {
        literals.AddRange(Required(filter).Select(l => (ReadOnlyMemory<byte>)l));
        if (filter.Terms.Any(t => t.IsIp || t.Text.Length == 0)) return false;
        switch (filter.Op)
        {
            case LineFilterOp.Contains when filter.Terms.Count == 1:
                return true;
            case LineFilterOp.Matches when folded is null && filter.Terms is [var only] && FoldedMatcher.TryNeedle(only.Text) is { } needle:
                folded = needle;
                return true;
            case LineFilterOp.Contains or LineFilterOp.Matches when expression is null:
                expression = Expression(filter);
                return expression is not null;
            case LineFilterOp.NotContains:
                excludedLiterals.AddRange(filter.Terms.Select(t => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(t.Text)));
                return true;
            case LineFilterOp.NotMatches when filter.Terms.All(t => Ascii.IsValid(t.Text)):
                excludedExpressions.AddRange(filter.Terms.Select(t => $"(?:{t.Text})"));
                return true;
            default:
                return false;
        }
    }

    /// <summary>A selection of lines that may pass.</summary>
    public LogSelection Narrow(LogSelection selection) => selection with
    {
        RequiredLiterals = literals,
        RequiredFolded = folded,
        RequiredExpression = expression,
        ExcludedLiterals = excludedLiterals,
        ExcludedExpression = excludedExpressions.Count == 0 ? null : string.Join('|', excludedExpressions),
    };

    /// <summary>Null where the filter is no expression, says no more than its literal, needs care with text beyond ASCII, or is passed by every line.</summary>
    private static string? Expression(LineFilterSyntax filter)
    {
        if (filter.Terms.Any(t => t.IsIp || t.Text is "" or ".*" || !Ascii.IsValid(t.Text))) return null;
        return filter.Op switch
        {
            LineFilterOp.Contains when filter.Terms.Count > 1 => string.Join('|', filter.Terms.Select(t => LinearRegex.Escape(t.Text))),
            LineFilterOp.Matches => string.Join('|', filter.Terms.Select(t => $"(?:{t.Text})")),
            _ => null,
        };
    }

    private static IEnumerable<byte[]> Required(LineFilterSyntax filter)
    {
        if (filter.Terms.Count != 1 || filter.Terms[0].IsIp) return [];
        string text = filter.Terms[0].Text;
        return filter.Op switch
        {
            LineFilterOp.Contains when text.Length > 0 => [Encoding.UTF8.GetBytes(text)],
            LineFilterOp.Matches => RegexLiterals.Required(text).Select(Encoding.UTF8.GetBytes),
            LineFilterOp.Pattern => PatternText.Parse(text).Where(p => !p.IsCapture).Select(p => Encoding.UTF8.GetBytes(p.Text)),
            _ => [],
        };
    }
}
