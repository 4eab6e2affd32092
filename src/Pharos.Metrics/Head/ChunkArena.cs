namespace Pharos.Metrics.Head;

/// <summary>
/// Room for finished chunks until they are written into a file: arrays that are filled one after the other. Nothing is given back; an array
/// goes when the last chunk in it does, and chunks that are finished at one time leave memory at one time. Used under the stripe of
/// the series that are in it, or by one thread.
/// </summary>
internal sealed class ChunkArena
{
    private const int BytesMin = 4 << 10;
    private const int BytesMax = 64 << 10;

    private byte[] current = [];
    private int used;
    private long bytes;
    private List<MemSeries> waiting = [];

    /// <summary>Bytes of the chunks that wait to be written. May be read without a lock.</summary>
    public long WaitingBytes => Interlocked.Read(ref bytes);

    public byte[] Take(int count, out int start)
    {
        if (used + count > current.Length)
        {
            // Small tenants get small arrays.
            current = new byte[Math.Max(count, Math.Clamp(current.Length * 2, BytesMin, BytesMax))];
            used = 0;
        }
        start = used;
        used += count;
        Interlocked.Add(ref bytes, count);
        return current;
    }

    /// <summary>The series got a finished chunk that is in memory only.</summary>
    public void Finished(MemSeries series) => waiting.Add(series);

    /// <summary>The series whose chunks wait; some may stand there twice, or have left the head.</summary>
    public List<MemSeries> TakeWaiting(out long waitingBytes)
    {
        var taken = waiting;
        waiting = [];
        waitingBytes = Interlocked.Exchange(ref bytes, 0);
        // What comes now goes into another array, so that this one can go as a whole.
        current = [];
        used = 0;
        return taken;
    }

    /// <summary>They could not be written and wait again.</summary>
    public void GiveBack(List<MemSeries> series, long waitingBytes)
    {
        waiting.InsertRange(0, series);
        Interlocked.Add(ref bytes, waitingBytes);
    }

    /// <summary>Takes over what waits in another arena.</summary>
    public void TakeOver(ChunkArena other)
    {
        var taken = other.TakeWaiting(out long waitingBytes);
        GiveBack(taken, waitingBytes);
    }
}
