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
            Refill(perSecond, burst);
            if (amount > tokens) return false;
            tokens -= amount;
            return true;
        }
    }

    /// <summary>Whether <see cref="TryTake"/> would take the amount now. Takes nothing.</summary>
    public bool Has(double amount, double perSecond, double burst)
    {
        lock (gate)
        {
            Refill(perSecond, burst);
            return amount <= tokens;
        }
    }

    private void Refill(double perSecond, double burst)
    {
        long now = time.GetTimestamp();
        tokens = double.IsNaN(tokens) ? burst : Math.Min(burst, tokens + (time.GetElapsedTime(last, now).TotalSeconds * perSecond));
        last = now;
    }
}
