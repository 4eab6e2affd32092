using Pharos.Core;

namespace Pharos.PromQL.Running;

/// <summary>Bytes that all queries of a process, and what is kept of their results, may hold together. Safe for several threads.</summary>
internal sealed class ProcessMemory(long bytesMax)
{
    private long used;

    /// <summary>0: no limit.</summary>
    public long BytesMax => bytesMax;

    public long BytesUsed => Interlocked.Read(ref used);

    /// <summary>Lets go of what is only kept in case it is asked for again, so many bytes at least where it can.</summary>
    public Action<long>? Shed { get; set; }

    public bool TryTake(long bytes)
    {
        if (TryTakeSpare(bytes)) return true;
        Shed?.Invoke(bytes);
        return TryTakeSpare(bytes);
    }

    /// <summary>Takes bytes only where nobody has to give some up.</summary>
    public bool TryTakeSpare(long bytes)
    {
        long before = Interlocked.Read(ref used);
        while (true)
        {
            if (bytesMax > 0 && before + bytes > bytesMax) return false;
            long seen = Interlocked.CompareExchange(ref used, before + bytes, before);
            if (seen == before) return true;
            before = seen;
        }
    }

    public void Return(long bytes) => Interlocked.Add(ref used, -bytes);
}

/// <summary>
/// Bytes that one query holds, out of those of the process: columns, the samples being read, series found and the result.
/// Taken from the process in slabs, so that the threads of many queries do not meet at one counter. Safe for several threads.
/// </summary>
/// <param name="bytesMax">Most bytes of this query; 0 for no limit.</param>
internal sealed class QueryMemory(ProcessMemory process, long bytesMax)
{
    private const long SlabBytes = 1 << 20;

    private readonly Lock gate = new();
    private long held;
    private long peak;
    private long reserved;

    /// <summary>Makes the error of a query that needs more than it may have; the flag is set where the process's bytes are gone.</summary>
    public Func<long, bool, QueryException>? OverBudget { get; set; }

    public long BytesMax => bytesMax;

    public long BytesHeld => Interlocked.Read(ref held);

    public long BytesPeak => Interlocked.Read(ref peak);

    /// <summary>What a histogram takes in memory, about.</summary>
    public static long BytesOf(Histogram h) =>
        200 + ((h.PositiveBuckets.Length + h.NegativeBuckets.Length + h.PositiveSpans.Length + h.NegativeSpans.Length) * 8L);

    /// <exception cref="QueryException">The bytes of the query or of the process are used up.</exception>
    public void Take(long bytes)
    {
        long now = Interlocked.Add(ref held, bytes);
        long most = Interlocked.Read(ref peak);
        while (now > most && Interlocked.CompareExchange(ref peak, now, most) is var seen && seen != most) most = seen;
        if (bytesMax > 0 && now > bytesMax) throw Over(now, ofProcess: false);
        if (now > Interlocked.Read(ref reserved)) Reserve();
    }

    public void Return(long bytes) => Interlocked.Add(ref held, -bytes);

    /// <summary>Gives everything back to the process but what the result holds on to.</summary>
    public ResultMemory Finish(long resultBytes)
    {
        lock (gate)
        {
            long kept = Math.Min(resultBytes, reserved);
            process.Return(reserved - kept);
            reserved = 0;
            return new ResultMemory(process, kept);
        }
    }

    private void Reserve()
    {
        lock (gate)
        {
            long now = Interlocked.Read(ref held);
            if (now <= reserved) return;
            // Near the end of what the process has, what is needed is taken without a reserve.
            long least = now - reserved, more = least + SlabBytes;
            if (!process.TryTake(more))
            {
                more = least;
                if (!process.TryTake(more)) throw Over(now, ofProcess: true);
            }
            Interlocked.Add(ref reserved, more);
        }
    }

    private QueryException Over(long bytes, bool ofProcess) =>
        OverBudget?.Invoke(bytes, ofProcess) ?? new QueryException(QueryErrorKind.Execution, $"query needs {bytes} bytes of memory, more than it may use");
}

/// <summary>The bytes of a result, given back when it was written, or at the latest when nobody knows it any more.</summary>
internal sealed class ResultMemory(ProcessMemory process, long bytes) : IDisposable
{
    private long bytes = bytes;

    ~ResultMemory() => Return();

    public void Dispose()
    {
        Return();
        GC.SuppressFinalize(this);
    }

    private void Return() => process.Return(Interlocked.Exchange(ref bytes, 0));
}
