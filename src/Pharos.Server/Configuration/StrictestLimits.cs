using Pharos.Core;

namespace Pharos.Server.Configuration;

/// <summary>The limits for a read of several tenants: of each limit, the strictest that one of them has. Source: Mimir's federation.</summary>
internal static class StrictestLimits
{
    public static TenantLimits Of(IEnumerable<TenantLimits> limits) => limits.Aggregate((a, b) => a with
    {
        QuerySamplesMax = Least(a.QuerySamplesMax, b.QuerySamplesMax),
        QueryTimeout = Least(a.QueryTimeout, b.QueryTimeout),
        QueryChunksMax = Least(a.QueryChunksMax, b.QueryChunksMax),
        QueryChunkBytesMax = Least(a.QueryChunkBytesMax, b.QueryChunkBytesMax),
        QuerySeriesMax = Least(a.QuerySeriesMax, b.QuerySeriesMax),
        QueryMemoryBytesMax = Least(a.QueryMemoryBytesMax, b.QueryMemoryBytesMax),
        QueryLengthMax = Least(a.QueryLengthMax, b.QueryLengthMax),
        QueryTextBytesMax = (int)Least(a.QueryTextBytesMax, b.QueryTextBytesMax),
        QueryLookbackMax = Least(a.QueryLookbackMax, b.QueryLookbackMax),
        LabelsQueryLengthMax = Least(a.LabelsQueryLengthMax, b.LabelsQueryLengthMax),
        SeriesQueryMax = (int)Least(a.SeriesQueryMax, b.SeriesQueryMax),
        LabelNamesQueryMax = (int)Least(a.LabelNamesQueryMax, b.LabelNamesQueryMax),
        LabelValuesQueryMax = (int)Least(a.LabelValuesQueryMax, b.LabelValuesQueryMax),
        LogQueryEntriesMax = (int)Least(a.LogQueryEntriesMax, b.LogQueryEntriesMax),
        LogQueryLengthMax = Least(a.LogQueryLengthMax, b.LogQueryLengthMax),
        LogQuerySeriesMax = (int)Least(a.LogQuerySeriesMax, b.LogQuerySeriesMax),
        Logs = Of(a.Logs, b.Logs),
        BlockedQueries = [.. a.BlockedQueries, .. b.BlockedQueries],
        LimitedQueries = [.. a.LimitedQueries, .. b.LimitedQueries],
        BlockedRequests = [.. a.BlockedRequests, .. b.BlockedRequests],
    });

    private static LogLimits Of(LogLimits a, LogLimits b) => a with
    {
        RangeMax = Least(a.RangeMax, b.RangeMax),
        QueryBytesMax = Least(a.QueryBytesMax, b.QueryBytesMax),
        OutstandingMax = (int)Least(a.OutstandingMax, b.OutstandingMax),
        RequiredLabels = [.. a.RequiredLabels.Union(b.RequiredLabels, StringComparer.Ordinal)],
        LabelsMin = Math.Max(a.LabelsMin, b.LabelsMin),
        Volumes = a.Volumes && b.Volumes,
        VolumeSeriesMax = (int)Least(a.VolumeSeriesMax, b.VolumeSeriesMax),
        PerRequestLimits = a.PerRequestLimits && b.PerRequestLimits,
    };

    /// <summary>The smaller of two limits, of which zero is none.</summary>
    private static long Least(long a, long b) => a <= 0 ? b : b <= 0 ? a : Math.Min(a, b);

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => new(Least(a.Ticks, b.Ticks));
}
