using Pharos.Core;

namespace Pharos.Server.Page;

/// <summary>
/// Rates of this process's own counters over the last minute, from samples that it takes of them every two seconds.
/// </summary>
internal sealed class RateMeter : IAsyncDisposable
{
    private const int SamplesMax = 30;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private readonly TimeProvider time;
    private readonly Instruments instruments;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly Queue<Taken> samples = new();

    public RateMeter(Instruments instruments, TimeProvider time)
    {
        this.time = time;
        this.instruments = instruments;
        Take();
        timer = time.CreateTimer(_ => Take(), null, Every, Every);
    }

    /// <summary>Sum of a family's children now; a histogram counts its observations.</summary>
    public double Total(string name, Func<InstrumentCell, bool>? wanted = null)
    {
        var family = instruments.Read().FirstOrDefault(f => f.Name == name);
        return family is null ? 0 : Sum(family, wanted);
    }

    /// <summary>Rise per second over the time that is kept (at most a minute); null before there are two samples.</summary>
    public double? PerSecond(string name)
    {
        lock (gate)
        {
            if (samples.Count == 0) return null;
            var first = samples.Peek();
            double seconds = (time.GetUtcNow() - first.At).TotalSeconds;
            if (seconds < 1) return null;
            return Math.Max(0, Total(name) - first.Totals.GetValueOrDefault(name)) / seconds;
        }
    }

    public ValueTask DisposeAsync() => timer.DisposeAsync();

    private void Take()
    {
        var totals = instruments.Read().Where(f => f.Type is MetricType.Counter or MetricType.Histogram).ToDictionary(f => f.Name, f => Sum(f, null));
        lock (gate)
        {
            samples.Enqueue(new Taken(time.GetUtcNow(), totals));
            while (samples.Count > SamplesMax) samples.Dequeue();
        }
    }

    private static double Sum(InstrumentFamily family, Func<InstrumentCell, bool>? wanted) =>
        family.Cells.Where(c => wanted is null || wanted(c)).Sum(c => family.Type == MetricType.Histogram ? c.Count : c.Value);

    private sealed record Taken(DateTimeOffset At, Dictionary<string, double> Totals);
}
