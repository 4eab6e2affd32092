namespace Pharos.Metrics;

/// <summary>Time cut into ranges of equal width on the absolute grid.</summary>
internal static class TimeRanges
{
    /// <summary>Start of the range that holds a time; right for times before 1970 too.</summary>
    public static long Floor(long timestampMs, long rangeMs)
    {
        long rest = timestampMs % rangeMs;
        return timestampMs - (rest < 0 ? rest + rangeMs : rest);
    }
}
