using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Sums of one tenant's delta points: each stream's points become cumulative ones. Bounded; a stream that was silent for five
/// minutes is forgotten, and begins again at its next point. Safe for several threads.
/// </summary>
internal sealed class DeltaStreams(TimeProvider time)
{
    private const long SilentMsMax = 5 * 60 * 1000;

    /// <summary>Buckets that one side of an exponential histogram's sum may have; beyond them its resolution is halved.</summary>
    private const int BucketsMax = 1024;

    private readonly Lock gate = new();
    private readonly Dictionary<Labels, (OtlpPoint Sum, long TouchedMs)> streams = [];
    private long sweptMs;

    /// <summary>The stream's sum with this point added; null, with the reason, where the point cannot be added.</summary>
    /// <param name="undo">Gets what takes the addition back.</param>
    public OtlpPoint? Add(Labels stream, OtlpPoint point, int streamsMax, List<DeltaUndo> undo, out string? fault)
    {
        long now = time.UnixMs();
        lock (gate)
        {
            Sweep(now, full: streams.Count >= streamsMax);
            bool known = streams.TryGetValue(stream, out var before);
            if (!known && streams.Count >= streamsMax)
            {
                fault = $"{streamsMax} delta streams have sums in memory already; send cumulative points, or raise the limit";
                return null;
            }
            var sum = Sum(known ? before.Sum : Nothing(point), point, out fault);
            // The same point again, because its sender got no answer: the sum stands.
            if (known && ReferenceEquals(sum, before.Sum)) return sum;
            if (sum is null) return null;
            streams[stream] = (sum, now);
            undo.Add(new DeltaUndo(stream, sum, known ? before.Sum : null));
            return sum;
        }
    }

    /// <summary>Forgets a stream that has ended.</summary>
    public void End(Labels stream)
    {
        lock (gate) streams.Remove(stream);
    }

    /// <summary>Takes additions back, from one on, whose sums could not be stored. What others added meanwhile stays.</summary>
    public void Undo(List<DeltaUndo> additions, int from = 0)
    {
        lock (gate)
        {
            for (int i = additions.Count - 1; i >= from; i--)
            {
                var (stream, sum, before) = additions[i];
                if (!streams.TryGetValue(stream, out var current) || !ReferenceEquals(current.Sum, sum)) continue;
                if (before is null) streams.Remove(stream);
                else streams[stream] = (before, current.TouchedMs);
            }
        }
        additions.RemoveRange(from, additions.Count - from);
    }

    private void Sweep(long now, bool full)
    {
        if (now - sweptMs < (full ? 1000 : 60_000)) return;
        sweptMs = now;
        foreach (var (stream, (_, touchedMs)) in streams)
        {
            if (now - touchedMs > SilentMsMax) streams.Remove(stream);
        }
    }

    /// <summary>The sum that a stream begins with, before its first point.</summary>
    private static OtlpPoint Nothing(OtlpPoint first) =>
        new() { StartNs = first.StartNs, Scale = first.Scale, Value = first.Value is null ? null : 0, Sum = first.Sum is null ? null : 0 };

    private static OtlpPoint? Sum(OtlpPoint before, OtlpPoint point, out string? fault)
    {
        fault = null;
        if (point.TimeNs == before.TimeNs) return before;
        if (point.TimeNs < before.TimeNs)
        {
            fault = "a delta point is older than one of its stream that was added already";
            return null;
        }
        bool sameBuckets = before.BucketCounts.Count == 0 || point.Bounds.SequenceEqual(before.Bounds);
        // Other buckets cannot be added up: the stream begins again, which readers see as a reset.
        if (!sameBuckets || (before.TimeNs > 0 && before.ZeroThreshold != point.ZeroThreshold)) before = Nothing(point);
        var sum = new OtlpPoint
        {
            StartNs = before.StartNs,
            TimeNs = point.TimeNs,
            Value = before.Value + point.Value,
            Count = before.Count + point.Count,
            Sum = before.Sum + point.Sum,
            ZeroCount = before.ZeroCount + point.ZeroCount,
            ZeroThreshold = point.ZeroThreshold,
        };
        sum.Bounds.AddRange(point.Bounds);
        for (int i = 0; i < Math.Max(before.BucketCounts.Count, point.BucketCounts.Count); i++) sum.BucketCounts.Add(At(before.BucketCounts, i) + At(point.BucketCounts, i));
        sum.Scale = Math.Min(before.Scale, point.Scale);
        while (!TryMerge(before, point, sum.Scale, b => b.Positive, sum.Positive) || !TryMerge(before, point, sum.Scale, b => b.Negative, sum.Negative)) sum.Scale--;
        return sum;
    }

    private static ulong At(List<ulong> counts, int i) => i < counts.Count ? counts[i] : 0;

    /// <summary>False where the sum would have too many buckets at that scale.</summary>
    private static bool TryMerge(OtlpPoint a, OtlpPoint b, int scale, Func<OtlpPoint, OtlpBuckets> side, OtlpBuckets into)
    {
        var first = OtlpHistograms.Downscale(side(a), Math.Min(31, a.Scale - scale));
        var second = OtlpHistograms.Downscale(side(b), Math.Min(31, b.Scale - scale));
        into.Counts.Clear();
        into.Offset = 0;
        if (first.Counts.Count + second.Counts.Count == 0) return true;
        long start = first.Counts.Count == 0 ? second.Offset : second.Counts.Count == 0 ? first.Offset : Math.Min(first.Offset, second.Offset);
        long end = Math.Max(first.Counts.Count == 0 ? long.MinValue : (long)first.Offset + first.Counts.Count, second.Counts.Count == 0 ? long.MinValue : (long)second.Offset + second.Counts.Count);
        if (end - start > BucketsMax) return false;
        into.Offset = (int)start;
        for (long index = start; index < end; index++) into.Counts.Add(Of(first, index) + Of(second, index));
        return true;

        static ulong Of(OtlpBuckets buckets, long index) => index < buckets.Offset || index - buckets.Offset >= buckets.Counts.Count ? 0 : buckets.Counts[(int)(index - buckets.Offset)];
    }
}

/// <summary>One addition to a delta stream: the sum after it, and the one before.</summary>
internal readonly record struct DeltaUndo(Labels Stream, OtlpPoint Sum, OtlpPoint? Before);
