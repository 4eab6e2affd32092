using Pharos.Core;
using Pharos.PromQL.Execution;

namespace Pharos.PromQL.Caching;

/// <summary>Names what may share finished steps: the query as printed, its step and where its steps fall, on one UTC day.</summary>
internal readonly record struct PartKey(TenantId Tenant, string Query, long StepMs, long PhaseMs, long LookbackMs, long Day);

/// <summary>Finished steps, one after the other, of a range query on one day.</summary>
/// <param name="FromMs">First step; <paramref name="ToMs"/> the last.</param>
/// <param name="Version">Of the store's samples that they could see, read before they were evaluated.</param>
/// <param name="Query">The text whose places the findings name; empty where there are none.</param>
internal sealed record Part(long FromMs, long ToMs, long Version, IReadOnlyList<MatrixSeries> Series, string Query, IReadOnlyList<Finding> Findings)
{
    public long Bytes { get; } = 200 + (Query.Length * 2L) + Findings.Sum(f => 120L + (f.Text.Length * 2))
        + Series.Sum(s => 150L + s.Labels.Encoded.Length + (s.Timestamps.Count * 16L) + (s.Histograms?.Sum(h => h is null ? 8L : Running.QueryMemory.BytesOf(h)) ?? 0));

    /// <summary>Whether it is known which of the findings arise in some of its steps, for a query of that text.</summary>
    public bool Tells(string query, TimeRange steps) =>
        Findings.Count == 0 || (Query == query && Findings.All(f => f.ArisesIn(steps, new TimeRange(FromMs, ToMs)) is not null));
}
