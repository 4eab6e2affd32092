using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs;

/// <summary>Whose entries a flush writes.</summary>
internal enum FlushOf
{
    All,

    /// <summary>Of those whose last flush did not fail.</summary>
    Others,

    /// <summary>Of those whose last flush failed.</summary>
    Failing,
}

/// <summary>
/// Takes entries out of memory into parts, and lets the write log go. A tenant whose parts cannot be written keeps its entries in memory and in the write log,
/// with a mark of its own; the others go on. One call at a time.
/// </summary>
internal sealed class LogFlusher(
    LogStoreOptions options, IWriteLog log, ConcurrentDictionary<string, TenantLogs> tenants, IndexCache cache, TimeProvider time, LogInstruments instruments, ILogger logger)
{
    /// <summary>Tenants that a message names.</summary>
    private const int NamesMax = 5;

    /// <summary>By tenant whose flushes fail: bytes that had been logged when its entries went into the write log, and their bytes where they went there anew.</summary>
    private readonly Dictionary<TenantLogs, (long LoggedAt, long Bytes)> behind = [];

    private FlushMarks marks = FlushMarks.None;
    private long logged;
    private long last = time.GetTimestamp();

    /// <summary>Marks that could not be written may be in the place of those that hold.</summary>
    private volatile bool unsure;

    /// <summary>Appends are inside while their entries get from the write log into memory.</summary>
    public FlushGate Gate { get; } = new();

    public LogMemory Memory { get; } = new(options.FlushBytes);

    /// <summary>The marks that hold.</summary>
    public FlushMarks Marks => Volatile.Read(ref marks);

    /// <summary>How long ago the last flush began that was not of failing tenants alone.</summary>
    public TimeSpan SinceLast => time.GetElapsedTime(Volatile.Read(ref last));

    /// <summary>Whether something waits to be tried again.</summary>
    public bool HasFailed => unsure || Memory.AnyFailing;

    /// <summary>
    /// Begins with the marks of a start. A write log that ends before them is a new one: its places say nothing about the old flushes. What is in it is
    /// replayed, also at later starts, and what is appended gets places behind those that parts know of.
    /// </summary>
    /// <param name="written">Whether they are in their file.</param>
    public void Start(FlushMarks found, bool written)
    {
        marks = found;
        if (log.End < found.Highest)
        {
            log.StartBehind(found.Highest);
            marks = new FlushMarks(new FlushMark(found.Others.Sequence + 1, default));
        }
        // Parts without marks would look like damage where the first flush was cut off.
        else if (written || found.Highest > default(WriteLogPosition) || found.Others.Sequence > 0) return;
        try
        {
            marks.Write(options.Disk, options.Folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            MarkFailed(e);
        }
    }

    /// <summary>At a start, a tenant's parts could not be written before.</summary>
    public void HasFailedBefore(TenantLogs logs)
    {
        Memory.Failed(logs.Memory);
        behind[logs] = (0, 0);
    }

    /// <summary>A push's record went into the write log, or is in it at a start.</summary>
    public void Logged(long bytes) => Interlocked.Add(ref logged, bytes);

    /// <returns>False where it failed for somebody, whose entries all stay in memory, and that was logged.</returns>
    /// <param name="atThatMoment">Runs while no push can end, when what came is set aside.</param>
    public async Task<bool> RunAsync(FlushOf of, string reason, Action? atThatMoment = null)
    {
        long started = time.GetTimestamp();
        var frozen = new List<(TenantLogs Logs, IReadOnlyList<HeadStreams> From)>();
        WriteLogPosition end;
        await Gate.CloseAsync();
        try
        {
            end = log.End;
            atThatMoment?.Invoke();
            foreach (var logs in tenants.Values)
            {
                if (logs.Memory.IsFailing ? of == FlushOf.Others : of == FlushOf.Failing) continue;
                var from = logs.Freeze();
                if (from.Count == 0 && !logs.Memory.IsFailing) continue;
                frozen.Add((logs, from));
                Memory.SetAside(logs.Memory);
            }
        }
        finally
        {
            Gate.Open();
        }
        if (of != FlushOf.Failing) Volatile.Write(ref last, started);
        if (frozen.Count == 0 && !unsure && (of == FlushOf.Failing || end <= marks.Others.Position)) return true;
        var flush = new Flush(options, cache, marks, Memory);
        // While marks of before may not be those in the file, no part may go that these speak of.
        bool done = (!unsure || TryMark(marks)) && Write(flush, frozen, of, end);
        if (!done) Fail(frozen.Select(f => f.Logs).Except(flush.Failed.Select(f => f.Logs)));
        else
        {
            flush.Commit();
            log.Release(RecordKind.Logs, marks.Lowest);
            instruments.ChunksFlushed.With(reason).Add(flush.Blocks);
            instruments.FlushSeconds.Observe(time.GetElapsedTime(started).TotalSeconds);
        }
        if (flush.Failed.Count > 0)
        {
            Fail(flush.Failed.Select(f => f.Logs));
            var (_, why) = flush.Failed[0];
            string[] names = [.. flush.Failed.Take(NamesMax).Select(f => f.Logs.Tenant.Name)];
            LogsLog.FlushFailed(logger, why.Message, $"{string.Join(", ", names)}{(flush.Failed.Count > names.Length ? $" and {flush.Failed.Count - names.Length} other tenants" : "")}", LogStore.Unforeseen(why));
        }
        foreach (var healed in behind.Keys.Where(t => !t.Memory.IsFailing).ToList()) behind.Remove(healed);
        await CarryAsync(frozen.Where(f => f.Logs.Memory.IsFailing), end);
        if (done && flush.Failed.Count == 0) return true;
        instruments.FlushFailures.Add();
        return false;
    }

    /// <summary>
    /// The write log keeps everybody's records from the place on where a failing tenant's begin. Where that becomes much, the tenant's go into it once more, at its end. A stop
    /// before the marks say so leaves them there twice, which is shown once.
    /// </summary>
    /// <param name="end">All entries that are set aside are from before it.</param>
    private async Task CarryAsync(IEnumerable<(TenantLogs Logs, IReadOnlyList<HeadStreams> From)> failing, WriteLogPosition end)
    {
        foreach (var (logs, from) in failing)
        {
            long now = Interlocked.Read(ref logged);
            if (!behind.TryGetValue(logs, out var since)) behind[logs] = since = (now, 0);
            if (unsure || marks.Of(logs.Tenant).Position >= marks.Others.Position || now - since.LoggedAt < Math.Max(options.CarryBytes, 4 * since.Bytes)) continue;
            try
            {
                behind[logs] = (now, await CarriedEntries.WriteAsync(log, logs.Tenant, from, CancellationToken.None));
            }
            catch (Exception e)
            {
                LogsLog.CannotCarry(logger, logs.Tenant.Name, e.Message);
                continue;
            }
            var next = marks with { Own = new Dictionary<string, FlushMark>(marks.Own, StringComparer.Ordinal) { [logs.Tenant.Name] = marks.Of(logs.Tenant) with { Position = end } } };
            unsure = true;
            if (!TryMark(next)) continue;
            Volatile.Write(ref marks, next);
            log.Release(RecordKind.Logs, marks.Lowest);
        }
    }

    /// <summary>False where nothing was written, and what there was has been taken away again.</summary>
    private bool Write(Flush flush, List<(TenantLogs Logs, IReadOnlyList<HeadStreams> From)> frozen, FlushOf of, WriteLogPosition end)
    {
        flush.Write(frozen);
        if (frozen.Count > 0 && flush.Failed.Count == frozen.Count) return false;
        var next = Next(flush, of, end);
        unsure = true;
        if (TryMark(next))
        {
            Volatile.Write(ref marks, next);
            return true;
        }
        // While the new marks may be in place, their parts must stay.
        unsure = true;
        if (TryMark(marks)) flush.Undo();
        return false;
    }

    /// <summary>The marks after a flush.</summary>
    private FlushMarks Next(Flush flush, FlushOf of, WriteLogPosition end)
    {
        var own = new Dictionary<string, FlushMark>(of == FlushOf.Failing ? marks.Own : [], StringComparer.Ordinal);
        if (of == FlushOf.Failing)
        {
            foreach (var logs in flush.Written) own[logs.Tenant.Name] = new FlushMark(marks.Of(logs.Tenant).Sequence + 1, end);
        }
        else
        {
            foreach (var logs in tenants.Values.Where(t => t.Memory.IsFailing).Except(flush.Written)) own[logs.Tenant.Name] = marks.Of(logs.Tenant);
        }
        foreach (var (logs, _) in flush.Failed) own[logs.Tenant.Name] = marks.Of(logs.Tenant);
        return new FlushMarks(new FlushMark(marks.Others.Sequence + 1, of == FlushOf.Failing ? marks.Others.Position : end), own);
    }

    private bool TryMark(FlushMarks which)
    {
        try
        {
            which.Write(options.Disk, options.Folder);
            unsure = false;
            return true;
        }
        catch (Exception e)
        {
            MarkFailed(e);
            return false;
        }
    }

    private void Fail(IEnumerable<TenantLogs> which)
    {
        foreach (var logs in which) Memory.Failed(logs.Memory);
    }

    private void MarkFailed(Exception e) => LogsLog.MarkFailed(logger, Path.Combine(options.Folder, FlushMarks.FileName), e.Message, LogStore.Unforeseen(e));
}
