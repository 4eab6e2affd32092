using System.Buffers;

namespace Pharos.Metrics.Head;

/// <summary>
/// Takes out what the head holds of some series, all as it was at one moment, while appends go on: what an append changes of a series that
/// was not taken yet, it saves here first. So a query sees a request whole or not at all, and keeps no append waiting: a query's thread runs
/// at a lower priority and should not be put aside while it holds locks.
/// </summary>
/// <param name="ids">Sorted numbers of the series.</param>
internal sealed class HeadCapture(TenantHead head, ReadOnlyMemory<uint> ids)
{
    private const int SeriesPerStep = 64;

    // Given back as empty as it is here.
    private readonly HeadPart[] parts = ArrayPool<HeadPart>.Shared.Rent(ids.Length);
    private int taken;

    /// <summary>Saves what a series is before it changes. Under its stripe.</summary>
    public void Save(MemSeries series)
    {
        int at = ids.Span.BinarySearch((uint)series.Id);
        if (at < Volatile.Read(ref taken) || parts[at].IsTaken) return;
        parts[at] = series.Capture();
    }

    /// <summary>Gives an array of <see cref="Take"/> back, empty.</summary>
    public static void Return(HeadPart[] parts, int count)
    {
        parts.AsSpan(0, count).Clear();
        ArrayPool<HeadPart>.Shared.Return(parts);
    }

    /// <summary>By place of the number, in a pooled array; not taken where the series has left. An append may still be saving into it.</summary>
    public HeadPart[] Take(CancellationToken cancel)
    {
        var step = new HeadPart[SeriesPerStep];
        for (int from = 0; from < ids.Length; from += SeriesPerStep)
        {
            cancel.ThrowIfCancellationRequested();
            var wanted = ids.Span.Slice(from, Math.Min(SeriesPerStep, ids.Length - from));
            long version = head.Version;
            Read(wanted, step);
            if (head.IsStill(version))
            {
                Keep(from, step.AsSpan(0, wanted.Length));
            }
            else
            {
                ulong stripes = 0;
                foreach (uint id in wanted) stripes |= HeadLocks.BitOf((int)id);
                using (head.Locks.Hold(stripes))
                {
                    Read(wanted, step);
                    Keep(from, step.AsSpan(0, wanted.Length));
                }
            }
            Volatile.Write(ref taken, from + wanted.Length);
        }
        return parts;
    }

    /// <summary>Without locks what it reads may be a mixture, which the version then tells.</summary>
    private void Read(ReadOnlySpan<uint> wanted, HeadPart[] into)
    {
        for (int i = 0; i < wanted.Length; i++) into[i] = head.Table.Get((int)wanted[i]) is { } series ? series.Capture() : default;
    }

    private void Keep(int from, ReadOnlySpan<HeadPart> read)
    {
        for (int i = 0; i < read.Length; i++)
        {
            // What an append saved is older than what was read after it, or the same.
            if (!parts[from + i].IsTaken) parts[from + i] = read[i];
        }
    }
}
