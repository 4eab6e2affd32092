using Pharos.Core;

namespace Pharos.PromQL.Caching;

/// <summary>Names what may share finished steps: the query as printed, its step and where its steps fall, on one UTC day.</summary>
internal readonly record struct PartKey(TenantId Tenant, string Query, long StepMs, long PhaseMs, long LookbackMs, long Day);

/// <summary>Finished steps, one after the other, of a range query on one day.</summary>
/// <param name="FromMs">First step; <paramref name="ToMs"/> the last.</param>
/// <param name="Version">Of the store's samples that they could see, read before they were evaluated.</param>
internal sealed record Part(long FromMs, long ToMs, long Version, IReadOnlyList<MatrixSeries> Series)
{
    public long Bytes { get; } = 200 + Series.Sum(s => 150L + s.Labels.Encoded.Length + (s.Timestamps.Count * 16L) + (s.Histograms?.Sum(h => h is null ? 8L : Running.QueryMemory.BytesOf(h)) ?? 0));
}
