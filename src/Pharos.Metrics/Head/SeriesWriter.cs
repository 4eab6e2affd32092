using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>
/// Puts samples into series and keeps account of it: of one request, of what one worker of a replay does, or of a whole head.
/// </summary>
internal sealed class SeriesWriter(long rangeMs)
{
    /// <summary>Chunks that were begun, less those that were let go.</summary>
    public int Chunks { get; set; }

    /// <summary>Late samples that were taken.</summary>
    public long Late { get; private set; }

    /// <summary>Bounds of the samples in order that were put; min above max where there are none.</summary>
    public long MinMs { get; set; } = long.MaxValue;
    public long MaxMs { get; set; } = long.MinValue;

    /// <summary>Bounds of late samples; never narrowed.</summary>
    public long OldestLateMs { get; set; } = long.MaxValue;
    public long NewestLateMs { get; set; } = long.MinValue;

    /// <summary>Puts a sample where its time belongs: behind the newest, or among the late ones.</summary>
    /// <param name="minValidMs">What is older belongs to a block that is cut already, and is late however new it is in its own series.</param>
    /// <param name="arena">Takes the chunk that this finishes.</param>
    public void Put(MemSeries series, long timestampMs, double value, Histogram? histogram, long minValidMs, ChunkArena arena)
    {
        if (timestampMs > series.MaxMs && timestampMs >= minValidMs)
        {
            Chunks += histogram is null ? series.Append(timestampMs, value, rangeMs, arena) : series.Append(timestampMs, histogram, rangeMs, arena);
            if (timestampMs > MaxMs) MaxMs = timestampMs;
            if (timestampMs < MinMs) MinMs = timestampMs;
        }
        else if (timestampMs != series.MaxMs)
        {
            if (!series.InsertOutOfOrder(timestampMs, value, histogram)) return;
            Late++;
            OldestLateMs = Math.Min(OldestLateMs, timestampMs);
            NewestLateMs = Math.Max(NewestLateMs, timestampMs);
        }
    }

    /// <summary>Takes a series into the account, as a snapshot brought it.</summary>
    public void Loaded(MemSeries series)
    {
        Chunks += series.ChunkCount;
        MinMs = Math.Min(MinMs, series.MinMs);
        MaxMs = Math.Max(MaxMs, series.MaxMs);
    }

    /// <summary>Takes over the account of another one, which is not used any more.</summary>
    public void TakeOver(SeriesWriter other)
    {
        Chunks += other.Chunks;
        Late += other.Late;
        MinMs = Math.Min(MinMs, other.MinMs);
        MaxMs = Math.Max(MaxMs, other.MaxMs);
        OldestLateMs = Math.Min(OldestLateMs, other.OldestLateMs);
        NewestLateMs = Math.Max(NewestLateMs, other.NewestLateMs);
    }
}
