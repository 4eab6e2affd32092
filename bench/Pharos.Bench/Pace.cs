namespace Pharos.Bench;

/// <summary>
/// Requests at a steady rate, whoever sends them, and how long each took from the moment it was due: a system that falls behind
/// pays for the requests that it makes wait. Safe for several senders.
/// </summary>
internal sealed class Pace(double requestsPerSecond)
{
    private readonly long started = TimeProvider.System.GetTimestamp();
    private readonly Lock gate = new();
    private readonly List<double> milliseconds = [];
    private long sent;

    /// <summary>Waits until the next request is due; returns that time, as a timestamp of the system's clock.</summary>
    public async Task<long> NextAsync()
    {
        long number = Interlocked.Increment(ref sent) - 1;
        long due = started + (long)(number / requestsPerSecond * TimeProvider.System.TimestampFrequency);
        var wait = TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), due);
        if (wait > TimeSpan.Zero) await Task.Delay(wait, TimeProvider.System);
        return due;
    }

    public void Answered(long due)
    {
        double took = TimeProvider.System.GetElapsedTime(due).TotalMilliseconds;
        lock (gate) milliseconds.Add(took);
    }

    /// <param name="quantile">0 to 1.</param>
    public double Quantile(double quantile)
    {
        lock (gate) return milliseconds.Order().ElementAt((int)((milliseconds.Count - 1) * quantile));
    }
}
