namespace Pharos.Server.Prometheus;

/// <summary>The store's own account of its head, in the API's shape.</summary>
internal static class MetricStatus
{
    public static TsdbStatus Of(Metrics.TsdbStatus head) => new()
    {
        SeriesCount = head.SeriesCount,
        LabelPairCount = head.LabelPairCount,
        ChunkCount = head.ChunkCount,
        MinTimeMs = head.MinTimeMs,
        MaxTimeMs = head.MaxTimeMs,
        SeriesByMetric = Counts(head.SeriesCountByMetricName),
        ValuesByLabel = Counts(head.LabelValueCountByLabelName),
        BytesByLabel = Counts(head.MemoryInBytesByLabelName),
        SeriesByLabelPair = Counts(head.SeriesCountByLabelValuePair),
    };

    private static NamedCount[] Counts(IReadOnlyList<Metrics.NamedCount> counts) => [.. counts.Select(c => new NamedCount(c.Name, c.Value))];
}
