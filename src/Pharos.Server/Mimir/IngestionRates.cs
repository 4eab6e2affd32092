using System.Collections.Concurrent;
using Pharos.Core;

namespace Pharos.Server.Mimir;

/// <summary>Samples per second of each tenant, over the last minute: pushed, and recorded by rules. Safe for several threads.</summary>
internal sealed class IngestionRates(TimeProvider time)
{
    private readonly ConcurrentDictionary<TenantId, Pair> tenants = new();

    public void Pushed(TenantId tenant, long samples) => Of(tenant).Pushed.Add(samples, Second());

    public void Recorded(TenantId tenant, long samples) => Of(tenant).Recorded.Add(samples, Second());

    public (double Pushed, double Recorded) PerSecond(TenantId tenant) =>
        tenants.TryGetValue(tenant, out var rates) ? (rates.Pushed.PerSecond(Second()), rates.Recorded.PerSecond(Second())) : (0, 0);

    private Pair Of(TenantId tenant) => tenants.GetOrAdd(tenant, static _ => new Pair());

    private long Second() => time.UnixMs() / 1000;

    private sealed class Pair
    {
        public Minute Pushed { get; } = new();
        public Minute Recorded { get; } = new();
    }

    /// <summary>A count for each of the last sixty seconds.</summary>
    private sealed class Minute
    {
        private readonly Lock gate = new();
        private readonly long[] counts = new long[60];
        private readonly long[] seconds = new long[60];

        public void Add(long count, long second)
        {
            int at = (int)(second % 60);
            lock (gate)
            {
                if (seconds[at] != second) counts[at] = 0;
                seconds[at] = second;
                counts[at] += count;
            }
        }

        public double PerSecond(long now)
        {
            long sum = 0;
            lock (gate)
            {
                for (int i = 0; i < 60; i++)
                {
                    if (now - seconds[i] is >= 0 and < 60) sum += counts[i];
                }
            }
            return sum / 60.0;
        }
    }
}
