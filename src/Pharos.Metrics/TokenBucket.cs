namespace Pharos.Metrics;

/// <summary>Admits so many items a second, with a burst above it. Used under a gate.</summary>
internal sealed class TokenBucket
{
    private double tokens;
    private long lastMs = long.MinValue;

    public bool TryTake(int items, double perSecond, double burst, long nowMs)
    {
        if (lastMs == long.MinValue) tokens = burst;
        else tokens = Math.Min(burst, tokens + (Math.Max(0, nowMs - lastMs) / 1000.0 * perSecond));
        lastMs = nowMs;
        if (items > tokens) return false;
        tokens -= items;
        return true;
    }
}
