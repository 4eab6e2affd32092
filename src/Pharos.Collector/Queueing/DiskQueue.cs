using Microsoft.Extensions.Logging;

namespace Pharos.Collector.Queueing;

/// <summary>
/// A <see cref="RecordLog"/> with one reader whose place is durable: what was appended comes out again after a crash, and what was
/// committed does not. A record that was delivered but not yet committed when the process was killed comes out a second time.
/// Bounded in size. Safe for several writers and one reader.
/// </summary>
internal sealed class DiskQueue : IDisposable
{
    private readonly DiskQueueOptions options;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly RecordLog log;
    private readonly PositionFile committed;
    private RecordReader reader;
    private TaskCompletionSource changed = NewSignal();

    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    public DiskQueue(DiskQueueOptions options, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.logger = logger;
        log = new RecordLog(options.Folder, time, options.SegmentBytesMax);
        committed = new PositionFile(Path.Combine(options.Folder, "position"));
        reader = new RecordReader(log, committed.Stored ?? log.First);
        log.Release(reader.Position);
        SegmentsBefore.TakeOver(options.Folder, log, logger);
        log.Appended += Signal;
    }

    /// <summary>Bytes of records that are not committed.</summary>
    public long PendingBytes => log.BytesAfter(committed.Stored ?? log.First);

    /// <summary>Adds a record; waits while the queue is full. The payload may be reused afterwards.</summary>
    /// <exception cref="IOException">It could not be written; nothing of it is in the queue.</exception>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        while (true)
        {
            Task wait;
            lock (gate) wait = changed.Task;
            if (PendingBytes < options.BytesMax)
            {
                log.Append(payload.Span);
                return;
            }
            await wait.WaitAsync(cancel);
        }
    }

    /// <summary>The next record behind the last one read, or null where there is none yet.</summary>
    public QueuedRecord? TryRead()
    {
        int damaged = reader.Corruptions;
        bool any = reader.TryRead(out var payload);
        if (reader.Corruptions > damaged) QueueLog.Damaged(logger, options.Folder);
        return any ? new QueuedRecord(payload, reader.Position) : null;
    }

    /// <summary>Completes when there may be something to read that was not there before.</summary>
    public async Task WaitAsync(CancellationToken cancel)
    {
        Task wait;
        lock (gate) wait = changed.Task;
        if (log.BytesAfter(reader.Position) == 0) await wait.WaitAsync(cancel);
    }

    /// <summary>Everything up to here was delivered: it will not come out again, and its space is freed.</summary>
    public void Commit(RecordPosition end)
    {
        if (committed.Stored is { } before && end <= before) return;
        committed.Store(end);
        log.Release(end);
        Signal();
    }

    /// <summary>Goes back to the last committed place, so that what was read since comes out again.</summary>
    public void Rewind()
    {
        reader.Dispose();
        reader = new RecordReader(log, committed.Stored ?? log.First);
    }

    public void Dispose()
    {
        reader.Dispose();
        committed.Dispose();
        log.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        lock (gate)
        {
            changed.TrySetResult();
            changed = NewSignal();
        }
    }
}

internal static partial class QueueLog
{
    [LoggerMessage(6101, LogLevel.Warning, "A segment of the queue in {Folder} is cut off or damaged; what is behind that place in it is left out")]
    public static partial void Damaged(ILogger logger, string folder);

    [LoggerMessage(6102, LogLevel.Information, "{Records} records of an older version were taken over into the queue in {Folder}")]
    public static partial void TakenOver(ILogger logger, string folder, int records);
}
