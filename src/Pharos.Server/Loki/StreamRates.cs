using System.Collections.Concurrent;
using Pharos.Core;

namespace Pharos.Server.Loki;

/// <summary>Token buckets of single streams. Those that were not used for long are full again and forgotten. Safe for several threads.</summary>
internal sealed class StreamRates(TimeProvider time)
{
    private const int StreamsMax = 100_000;

    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(TenantId Tenant, ulong Stream), Rate> streams = new();
    private readonly Lock sweeping = new();

    private sealed class Rate(TimeProvider time)
    {
        public TokenBucket Bucket { get; } = new(time);
        public long LastUse;
    }

    public TokenBucket Of(TenantId tenant, ReadOnlySpan<byte> labels)
    {
        var rate = streams.GetOrAdd((tenant, LabelCodec.Hash(labels)), static (_, clock) => new Rate(clock), time);
        Volatile.Write(ref rate.LastUse, time.GetTimestamp());
        if (streams.Count > StreamsMax) Sweep();
        return rate.Bucket;
    }

    private void Sweep()
    {
        if (!sweeping.TryEnter()) return;
        try
        {
            foreach (var (key, rate) in streams)
            {
                if (time.GetElapsedTime(Volatile.Read(ref rate.LastUse)) > IdleMax) streams.TryRemove(key, out _);
            }
            // All of them in use: the oldest half starts anew with a full bucket.
            if (streams.Count <= StreamsMax) return;
            foreach (var (key, _) in streams.OrderBy(s => Volatile.Read(ref s.Value.LastUse)).Take(StreamsMax / 2).ToList()) streams.TryRemove(key, out _);
        }
        finally
        {
            sweeping.Exit();
        }
    }
}
