namespace Pharos.Core;

/// <summary>A rate limit with bursts. Safe for several threads.</summary>
public sealed class TokenBucket(TimeProvider time)
{
    private readonly Lock gate = new();
    private double tokens = double.NaN;
    private long last;

    /// <summary>Takes all of the amount or nothing.</summary>
    /// <param name="perSecond">Refill; the burst is the most that can be saved up.</param>
    public bool TryTake(double amount, double perSecond, double burst)
    {
        lock (gate)
        {
            long now = time.GetTimestamp();
            tokens = double.IsNaN(tokens) ? burst : Math.Min(burst, tokens + (time.GetElapsedTime(last, now).TotalSeconds * perSecond));
            last = now;
            if (amount > tokens) return false;
            tokens -= amount;
            return true;
        }
    }
}
