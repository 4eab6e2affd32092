using Pharos.Core;

namespace Pharos.Server.Page;

/// <summary>
/// Rates of one tenant's share of this process's own counters over the last minute, from samples that it takes of them every two seconds.
/// A tenant sees its own numbers alone.
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

    /// <summary>Sum of a tenant's children of a family now; a histogram counts its observations.</summary>
    public double Total(string name, TenantId tenant)
    {
        var family = instruments.Read().FirstOrDefault(f => f.Name == name);
        return family is null ? 0 : Sum(family).GetValueOrDefault(tenant.Name);
    }

    /// <summary>Rise per second over the time that is kept (at most a minute); null before there are two samples.</summary>
    public double? PerSecond(string name, TenantId tenant)
    {
        lock (gate)
        {
            if (samples.Count == 0) return null;
            var first = samples.Peek();
            double seconds = (time.GetUtcNow() - first.At).TotalSeconds;
            if (seconds < 1) return null;
            return Math.Max(0, Total(name, tenant) - first.Totals.GetValueOrDefault((name, tenant.Name))) / seconds;
        }
    }

    public ValueTask DisposeAsync() => timer.DisposeAsync();

    private void Take()
    {
        var totals = new Dictionary<(string Name, string Tenant), double>();
        foreach (var family in instruments.Read().Where(f => f.Type is MetricType.Counter or MetricType.Histogram))
        {
            foreach (var (tenant, sum) in Sum(family)) totals[(family.Name, tenant)] = sum;
        }
        lock (gate)
        {
            samples.Enqueue(new Taken(time.GetUtcNow(), totals));
            while (samples.Count > SamplesMax) samples.Dequeue();
        }
    }

    /// <summary>Sums by tenant of a family that has a label for it; nothing for other families, which are the process's own.</summary>
    private static Dictionary<string, double> Sum(InstrumentFamily family)
    {
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        int at = family.LabelNames.Count - 1;
        while (at >= 0 && family.LabelNames[at] is not ("user" or "tenant")) at--;
        if (at < 0) return sums;
        foreach (var cell in family.Cells)
        {
            string tenant = cell.LabelValues[at];
            sums[tenant] = sums.GetValueOrDefault(tenant) + (family.Type == MetricType.Histogram ? cell.Count : cell.Value);
        }
        return sums;
    }

    private sealed record Taken(DateTimeOffset At, Dictionary<(string Name, string Tenant), double> Totals);
}
