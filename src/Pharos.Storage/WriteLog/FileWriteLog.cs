using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Storage.WriteLog;

/// <summary>
/// The write log in local files. One thread writes; appends that arrive while it writes share the next write and fsync.
/// After a failed write or fsync the file is cut back to its last good offset before anything else is written,
/// so a record that was not acknowledged does not come back.
/// </summary>
public sealed class FileWriteLog : IWriteLog
{
    /// <summary>Held by the process that uses the folder.</summary>
    internal const string LockFile = "lock";

    private readonly WriteLogOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly IDisk disk;
    private readonly WriteLogInstruments instruments;
    private readonly SegmentFolder folder;
    private readonly FileStream lockFile;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim work = new(0);
    private readonly Thread writer;
    private readonly ITimer? syncTimer;

    // Guarded by the gate.
    private LogBatch pending = new();
    private LogBatch? spare;
    private bool closing;

    // Completed once everybody who waited for room in a batch has a place: records keep the order in which they came.
    private Task lastPlaced = Task.CompletedTask;
    private long endSegment;
    private long endOffset;

    // The writer thread's own.
    private SafeFileHandle? file;
    private long segment;
    private long good;
    private bool mustCutBack;
    private bool mustRoll;
    private bool unsynced;
    private bool unavailable;
    private volatile bool syncDue;

    /// <summary>Opens the folder and cuts a torn tail off its last segment.</summary>
    /// <param name="disk">What segments are written to; null for the real one.</param>
    /// <exception cref="IOException">Another process uses the folder, or it cannot be read.</exception>
    public FileWriteLog(WriteLogOptions options, TimeProvider time, Instruments instruments, ILogger logger, IDisk? disk = null)
    {
        this.options = options;
        this.time = time;
        this.logger = logger;
        this.disk = disk ?? FileDisk.Instance;
        Directory.CreateDirectory(options.Folder);
        lockFile = Lock(options.Folder);
        try
        {
            this.instruments = new WriteLogInstruments(instruments);
            folder = new SegmentFolder(options.Folder, this.disk, logger, this.instruments);
            (segment, good) = folder.Open();
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
        (endSegment, endOffset) = (segment, good);
        instruments.BeforeRead(() => this.instruments.Bytes.Set(folder.Bytes));
        if (options.Sync == SyncPolicy.Interval)
        {
            syncTimer = time.CreateTimer(_ =>
            {
                syncDue = true;
                work.Release();
            }, null, options.SyncInterval, options.SyncInterval);
        }
        writer = new Thread(Write) { IsBackground = true, Name = "write log" };
        writer.Start();
    }

    public WriteLogPosition End
    {
        get
        {
            lock (gate) return new WriteLogPosition(endSegment, endOffset);
        }
    }

    /// <summary>Bytes of all kept segments.</summary>
    public long Bytes => folder.Bytes;

    public async ValueTask<WriteLogPosition> AppendAsync(
        RecordKind kind, TenantId tenant, ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        int size = LogFormat.RecordBytes(Encoding.UTF8.GetByteCount(tenant.Name), payload.Length);
        if (size > LogFormat.BodyBytesMax) throw new ArgumentException($"a record of {size} bytes is over the {LogFormat.BodyBytesMax} that the write log takes", nameof(payload));
        cancel.ThrowIfCancellationRequested();
        Task<WriteLogPosition>? written;
        int at;
        Task ahead;
        TaskCompletionSource? placed = null;
        lock (gate)
        {
            ahead = lastPlaced;
            at = 0;
            written = ahead.IsCompleted ? TryAdd(kind, tenant, payload.Span, size, out at) : null;
            if (written is null) lastPlaced = (placed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        if (placed is not null)
        {
            try
            {
                (written, at) = await WaitForPlaceAsync(ahead, kind, tenant, payload, size, cancel);
            }
            finally
            {
                placed.SetResult();
            }
        }
        if (at == 0) work.Release();
        var start = await written!;
        return new WriteLogPosition(start.Segment, start.Offset + at);
    }

    /// <summary>The bound on waiting bytes: behind those who wait already, then for batch after batch, whatever becomes of them.</summary>
    private async Task<(Task<WriteLogPosition> Written, int At)> WaitForPlaceAsync(
        Task ahead, RecordKind kind, TenantId tenant, ReadOnlyMemory<byte> payload, int size, CancellationToken cancel)
    {
        await ahead;
        while (true)
        {
            Task full;
            lock (gate)
            {
                if (TryAdd(kind, tenant, payload.Span, size, out int at) is { } written) return (written, at);
                full = pending.Written;
            }
            await full.ContinueWith(static _ => { }, cancel, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Adds a record to the pending batch. Null where it is full. Under the gate.</summary>
    private Task<WriteLogPosition>? TryAdd(RecordKind kind, TenantId tenant, ReadOnlySpan<byte> payload, int size, out int at)
    {
        ObjectDisposedException.ThrowIf(closing, this);
        at = 0;
        if (pending.Length > 0 && pending.Length + size > options.PendingBytesMax) return null;
        at = pending.Add(kind, tenant, payload, size);
        return pending.Written;
    }

    public void Replay(RecordKind kind, ReplayHandler handler, WriteLogPosition from = default) => folder.Replay(kind, handler, from);

    public void StartBehind(WriteLogPosition place)
    {
        lock (gate)
        {
            if (new WriteLogPosition(endSegment, endOffset) >= place) return;
            // Nothing was appended yet, so the writer thread waits and has no file open.
            (segment, good) = (place.Segment + 1, 0);
            (endSegment, endOffset) = (segment, good);
        }
    }

    public void Release(RecordKind kind, WriteLogPosition before)
    {
        long current;
        lock (gate) current = endSegment;
        folder.Release(kind, before, current);
        instruments.Truncations.Add();
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (closing) return;
            closing = true;
        }
        if (syncTimer is not null) await syncTimer.DisposeAsync();
        work.Release();
        await Task.Run(writer.Join);
        file?.Dispose();
        await lockFile.DisposeAsync();
        work.Dispose();
    }

    private static FileStream Lock(string folder)
    {
        string path = Path.Combine(folder, LockFile);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure)
        {
            throw new IOException($"{path} is held by another process: one data folder serves one process; stop the other or use another folder", failure);
        }
    }

    private void Write()
    {
        while (true)
        {
            work.Wait();
            LogBatch? batch = null;
            bool last;
            lock (gate)
            {
                last = closing;
                if (pending.Length > 0)
                {
                    batch = pending;
                    pending = spare ?? new LogBatch();
                    spare = null;
                }
            }
            if (batch is not null) Write(batch);
            if (syncDue || last)
            {
                syncDue = false;
                SyncLate();
            }
            if (last) return;
        }
    }

    private void Write(LogBatch batch)
    {
        try
        {
            Prepare(batch.Length);
            var start = new WriteLogPosition(segment, good);
            disk.Write(file!, batch.Bytes, good);
            if (options.Sync == SyncPolicy.Always) Sync();
            else unsynced = true;
            folder.Written(segment, good, batch);
            good += batch.Length;
            if (unavailable)
            {
                unavailable = false;
                instruments.Writable.Set(1);
                StorageLog.AvailableAgain(logger);
            }
            lock (gate) (endSegment, endOffset) = (segment, good);
            batch.Complete(start);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or StoreUnavailableException)
        {
            mustCutBack = file is not null;
            TryCutBack();
            instruments.WritesFailed.Add();
            if (!unavailable)
            {
                unavailable = true;
                instruments.Writable.Set(0);
                StorageLog.Unavailable(logger, failure.Message);
            }
            batch.Fail(new StoreUnavailableException($"the write log in {options.Folder} cannot be written: {failure.Message}", failure));
        }
        lock (gate) spare = batch.Reset() ? batch : spare;
    }

    /// <summary>Brings the file to a state in which the next batch may be written at the good offset.</summary>
    private void Prepare(int bytes)
    {
        long free = disk.FreeBytes(options.Folder);
        if (free < options.FreeBytesMin + bytes)
            throw new StoreUnavailableException($"{free} bytes are free and at least {options.FreeBytesMin + bytes} are wanted; make room on the disk or shorten retention");
        if (mustCutBack) CutBack();
        if (file is not null && (mustRoll || (good > LogFormat.SegmentHeaderBytes && good + bytes > options.SegmentBytesMax))) Roll();
        file ??= OpenSegment();
    }

    private SafeFileHandle OpenSegment()
    {
        string path = folder.PathOf(segment);
        bool isNew = good == 0;
        var opened = disk.Open(path, FileMode.OpenOrCreate);
        try
        {
            if (isNew)
            {
                Span<byte> header = stackalloc byte[LogFormat.SegmentHeaderBytes];
                LogFormat.WriteSegmentHeader(header, segment, folder.ContentOf(segment - 1));
                disk.Write(opened, header, 0);
                disk.SyncFolder(options.Folder);
                good = header.Length;
                folder.Created(segment, good);
            }
            instruments.Segment.Set(segment);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private void Roll()
    {
        if (options.Sync != SyncPolicy.Os && unsynced && !mustRoll) Sync();
        unsynced = false;
        file!.Dispose();
        file = null;
        segment++;
        good = 0;
        mustRoll = false;
    }

    private void Sync()
    {
        long started = time.GetTimestamp();
        try
        {
            disk.Sync(file!);
        }
        catch (IOException)
        {
            // After a failed fsync the kernel may hold the written pages as clean: that file is not trusted with more.
            mustRoll = true;
            throw;
        }
        unsynced = false;
        instruments.Syncs.Observe(time.GetElapsedTime(started).TotalSeconds);
    }

    private void SyncLate()
    {
        if (!unsynced || file is null) return;
        try
        {
            Sync();
        }
        catch (IOException failure)
        {
            instruments.WritesFailed.Add();
            StorageLog.Unavailable(logger, failure.Message);
        }
    }

    private void TryCutBack()
    {
        if (!mustCutBack) return;
        try
        {
            CutBack();
        }
        catch (IOException)
        {
            // The next append tries again before it writes.
        }
    }

    private void CutBack()
    {
        disk.SetLength(file!, good);
        mustCutBack = false;
    }
}
