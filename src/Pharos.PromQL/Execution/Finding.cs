using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>What an evaluation found fault with: a warning or an info.</summary>
/// <param name="Place">Its last place in the query, as an index into the text.</param>
/// <param name="Steps">The first and the last step at which it arises, <see cref="TimeRange.All"/> for every step; null where it is not known at which of those evaluated it does.</param>
internal sealed record Finding(bool IsWarning, string Text, int Place, TimeRange? Steps)
{
    /// <summary>The same text found twice.</summary>
    public Finding With(Finding other) => this with
    {
        Place = Math.Max(Place, other.Place),
        Steps = Steps is { } own && other.Steps is { } more ? new TimeRange(Math.Min(own.MinMs, more.MinMs), Math.Max(own.MaxMs, more.MaxMs)) : null,
    };

    /// <summary>Whether it arises in some of the steps; null where that is not known.</summary>
    /// <param name="of">All steps that were evaluated when it was found.</param>
    public bool? ArisesIn(TimeRange steps, TimeRange of)
    {
        if (steps.MinMs <= of.MinMs && steps.MaxMs >= of.MaxMs) return true;
        if (Steps is not { } known) return null;
        if (known == TimeRange.All || steps.Contains(known.MinMs) || steps.Contains(known.MaxMs)) return true;
        return steps.Overlaps(known.MinMs, known.MaxMs) ? null : false;
    }

    /// <summary>Whether all that is known of it is of those steps alone, or of none of them, or the same for every step.</summary>
    /// <param name="of">All steps that were evaluated when it was found.</param>
    public bool IsTold(TimeRange steps, TimeRange of)
    {
        if (Steps == TimeRange.All || (of.MinMs >= steps.MinMs && of.MaxMs <= steps.MaxMs)) return true;
        return Steps is { } known && (!steps.Overlaps(known.MinMs, known.MaxMs) || (known.MinMs >= steps.MinMs && known.MaxMs <= steps.MaxMs));
    }

    /// <summary>Each text once.</summary>
    public static IReadOnlyList<Finding> Join(IEnumerable<Finding> findings) =>
        [.. findings.GroupBy(f => f.Text, StringComparer.Ordinal).Select(same => same.Aggregate((a, b) => a.With(b)))];

    /// <summary>The texts with their places, in the order of these.</summary>
    public static IReadOnlyList<string> Texts(IEnumerable<Finding> findings, bool warnings, string query) =>
    [
        .. findings.Where(f => f.IsWarning == warnings).OrderBy(f => f.Place).ThenBy(f => f.Text, StringComparer.Ordinal)
            .Select(f => $"{f.Text} ({SourcePosition.At(query, f.Place)})"),
    ];
}
