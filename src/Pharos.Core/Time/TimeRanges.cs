namespace Pharos.Core;

/// <summary>
/// Time cut into ranges of equal width on the absolute grid; right for times before 1970 too. Times and widths are in one unit, widths above 0.
/// </summary>
public static class TimeRanges
{
    /// <summary>Start of the range that holds a time.</summary>
    public static long Floor(long time, long width) => time - Into(time, width);

    /// <summary>Number of the range that holds a time, whatever the time; 0 begins at 1970.</summary>
    public static long Number(long time, long width) => time >= 0 ? time / width : ((time + 1) / width) - 1;

    /// <summary>How far a time is behind the start of its range.</summary>
    public static long Into(long time, long width)
    {
        long rest = time % width;
        return rest < 0 ? rest + width : rest;
    }
}
