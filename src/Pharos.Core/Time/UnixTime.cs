namespace Pharos.Core;

/// <summary>Unix time from the injected clock.</summary>
public static class UnixTime
{
    /// <summary>Milliseconds since 1970, UTC.</summary>
    public static long UnixMs(this TimeProvider time) => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Nanoseconds since 1970, UTC; the clock itself ticks every 100 ns.</summary>
    public static long UnixNs(this TimeProvider time) => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    public static DateTimeOffset FromMs(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs);

    public static DateTimeOffset FromNs(long unixNs) => DateTimeOffset.UnixEpoch.AddTicks(unixNs / 100);
}

/// <summary>A span of time, both ends inclusive, in Unix milliseconds.</summary>
public readonly record struct TimeRange(long MinMs, long MaxMs)
{
    public static TimeRange All { get; } = new(long.MinValue, long.MaxValue);

    public bool Contains(long ms) => MinMs <= ms && ms <= MaxMs;

    public bool Overlaps(long minMs, long maxMs) => MinMs <= maxMs && minMs <= MaxMs;
}
