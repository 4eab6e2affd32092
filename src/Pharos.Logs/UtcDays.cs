using Pharos.Core;

namespace Pharos.Logs;

/// <summary>UTC days in Unix nanoseconds.</summary>
internal static class UtcDays
{
    public const long DayNs = 86_400_000_000_000;

    public static long StartOf(long timestampNs)
    {
        long day = Math.DivRem(timestampNs, DayNs, out long rest);
        return (rest < 0 ? day - 1 : day) * DayNs;
    }

    /// <summary>The first nanosecond of the next day; the last representable one where there is no next day.</summary>
    public static long EndOf(long timestampNs)
    {
        long start = StartOf(timestampNs);
        return start > long.MaxValue - DayNs ? long.MaxValue : start + DayNs;
    }

    /// <summary>The day's folder name, <c>2026-08-17</c>.</summary>
    public static string NameOf(long timestampNs) => UnixTime.FromNs(StartOf(timestampNs)).ToString("yyyy-MM-dd");
}
