using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;
using Pharos.Logs.Upkeep;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs;

/// <summary>
/// The log store: streams by tenant, open blocks in memory behind the write log, immutable parts by UTC day on disk.
/// An entry that was acknowledged is in the write log or in a part, whatever happens. Safe for several threads.
/// </summary>
public sealed class LogStore : ILogSink, ILogQueryable, ILogDeletion, ILogChanges, IAsyncDisposable
{
    private readonly LogStoreOptions options;
    private readonly IWriteLog log;
    private readonly ITenantLimits limits;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly LogInstruments instruments;
    private readonly ConcurrentDictionary<string, TenantLogs> tenants = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim flushing = new(1, 1);
    private readonly SemaphoreSlim compacting = new(1, 1);
    private readonly IndexCache cache;
    private readonly LogFlusher flusher;
    private readonly LogUpkeep upkeep;
    private readonly CancellationTokenSource closing = new();
    private ITimer? timer;
    private Task background = Task.CompletedTask;
    private Task compaction = Task.CompletedTask;

    public LogStore(LogStoreOptions options, IWriteLog log, ITenantLimits limits, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.log = log;
        this.limits = limits;
        this.time = time;
        this.logger = logger;
        this.instruments = new LogInstruments(instruments);
        cache = new IndexCache(options.IndexCacheBytes, this.instruments.IndexPagesRead);
        upkeep = new LogUpkeep(options, cache, limits, time, this.instruments, logger);
        flusher = new LogFlusher(options, log, tenants, cache, time, this.instruments, logger);
        instruments.BeforeRead(() =>
        {
            this.instruments.MemoryBytes.Set(flusher.Memory.Bytes);
            foreach (var (name, logs) in tenants) this.instruments.MemoryStreams.With(name).Set(logs.ActiveStreams);
        });
    }

    /// <summary>Tenants that have streams, sorted.</summary>
    public IReadOnlyList<string> Tenants => [.. tenants.Where(t => !t.Value.IsEmpty).Select(t => t.Key).Order(StringComparer.Ordinal)];

    /// <summary>Loads parts, replays the write log and starts flushing. To be called once, before the first append.</summary>
    public void Start()
    {
        Directory.CreateDirectory(options.Folder);
        if (BlockCodecs.Best != BlockCodec.Zstd) LogsLog.NoZstd(logger, Wire.Compression.Zstd.MissingMessage);
        long started = time.GetTimestamp();
        var found = FlushMarks.Read(options.Folder, logger);
        flusher.Start(LoadParts(found), found is not null);
        // They are behind because their parts could not be written; what comes back of theirs must not keep others out until that is tried again.
        foreach (var (tenant, own) in flusher.Marks.Own)
        {
            if (own.Position < flusher.Marks.Others.Position) flusher.HasFailedBefore(TenantOf(TenantId.Parse(tenant)));
        }
        Replay();
        instruments.ReplaySeconds.Set(time.GetElapsedTime(started).TotalSeconds);
        timer = time.CreateTimer(_ => Tick(again: true), null, options.CheckInterval, options.CheckInterval);
    }

    public async ValueTask<LogAppendResult> AppendAsync(TenantId tenant, LogBatch batch, CancellationToken cancel)
    {
        var logs = TenantOf(tenant);
        if (flusher.Memory.ReachedBy(logs.Memory) is { } most)
        {
            FlushSoon();
            throw new StoreUnavailableException($"more than {most} bytes of logs wait to be written to {options.Folder}; send again later, and check that the disk has room");
        }
        using var pending = new PendingAppend(options, instruments, logs, limits.For(tenant), time.UnixNs());
        // Streams are looked up inside the gate: a flush, which sets them aside, waits until their entries have arrived.
        await flusher.Gate.EnterAsync(cancel);
        try
        {
            pending.Prepare(batch);
            if (pending.Entries == 0) return new LogAppendResult(0, 0, pending.Errors);
            await log.AppendAsync(RecordKind.Logs, tenant, pending.Record, cancel);
            flusher.Logged(pending.Record.Length);
            Apply(logs, pending.Streams, pending.Record.Span, pending.EntriesAt);
        }
        finally
        {
            flusher.Gate.Exit();
        }
        FlushSoon();
        return new LogAppendResult(pending.Entries, pending.Bytes, pending.Errors);
    }

    public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel)
    {
        if (!selection.Ordered) return OpenSplit(tenant, selection, 1, cancel)[0];
        var (ranges, contextOf) = Ranges(tenant, selection, cancel);
        return new LogCursor(ranges, contextOf, selection);
    }

    public ILogSections OpenSections(TenantId tenant, LogSelection selection, CancellationToken cancel)
    {
        if (!selection.Ordered) throw new ArgumentException("only a selection in order has sections in order", nameof(selection));
        var (ranges, contextOf) = Ranges(tenant, selection, cancel);
        return new OrderedSections(ranges, contextOf);
    }

    public IReadOnlyList<ILogCursor> OpenSplit(TenantId tenant, LogSelection selection, int cursorsMax, CancellationToken cancel)
    {
        if (selection.Ordered || selection.Backward) throw new ArgumentException("only a selection without an order can be read by several", nameof(selection));
        tenants.TryGetValue(tenant.Name, out var logs);
        var deletions = logs?.Deletes.Active ?? [];
        var streams = logs?.Select(selection.Matchers, Damaged);
        int readers = Math.Max(1, cursorsMax);
        if (streams is not null && CountedStreams.For(streams, selection, deletions.Count > 0, cancel) is { } counted)
            return [.. Enumerable.Range(0, Math.Min(counted.Pages, readers)).Select(_ => new SectionCursor(counted, selection.Matchers, NewContext()))];
        var queue = new SectionQueue(streams?.Read(selection.StartNs, selection.EndNs) ?? [], selection.Counting is not null, cancel);
        return [.. Enumerable.Range(0, queue.AtLeast(readers)).Select(_ => new SectionCursor(queue, NewContext()))];

        ReadContext NewContext() => new(selection, deletions, Damaged, cancel) { Time = time };
    }

    public IReadOnlyList<Labels> Streams(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel)
    {
        if (matcherSets.Count <= 1) return [.. Volumes(tenant, matcherSets.Count == 0 ? [] : matcherSets[0], startNs, endNs, cancel).Select(v => v.Stream)];
        return [.. matcherSets.SelectMany(m => Volumes(tenant, m, startNs, endNs, cancel)).Select(v => v.Stream).Distinct().Order()];
    }

    public IReadOnlyCollection<string> LabelNames(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
        OfPairs(tenant, null, matchers, startNs, endNs, cancel);

    public IReadOnlyCollection<string> LabelValues(TenantId tenant, string name, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
        OfPairs(tenant, name, matchers, startNs, endNs, cancel);

    public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant.Name, out var logs)) return [];
        var volumes = new List<(Labels, LogVolume)>();
        var deletions = logs.Deletes.Active;
        foreach (var (labels, content) in logs.Select(matchers, Damaged).Read(startNs, endNs))
        {
            cancel.ThrowIfCancellationRequested();
            var volume = StreamVolume.Of(labels, content, deletions, startNs, endNs);
            if (volume.Entries > 0) volumes.Add((labels, volume));
        }
        return volumes;
    }

    public IReadOnlyList<(Labels Stream, IReadOnlyList<(int Step, long Bytes)> Steps)> VolumesBySteps(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, long stepNs, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant.Name, out var logs)) return [];
        var found = new List<(Labels, IReadOnlyList<(int, long)>)>();
        var deletions = logs.Deletes.Active;
        foreach (var (labels, content) in logs.Select(matchers, Damaged).Read(startNs, endNs))
        {
            cancel.ThrowIfCancellationRequested();
            var steps = StreamVolume.BySteps(labels, content, deletions, startNs, endNs, stepNs);
            if (steps.Count > 0) found.Add((labels, steps));
        }
        return found;
    }

    public LogDeleteRequest Delete(TenantId tenant, string query, long startNs, long endNs)
    {
        var logs = TenantOf(tenant);
        var request = logs.Deletes.Add(query, startNs, endNs, time.GetUtcNow());
        logs.Changes.Note(startNs, endNs);
        return request;
    }

    public IReadOnlyList<LogDeleteRequest> Deletions(TenantId tenant) => tenants.TryGetValue(tenant.Name, out var logs) ? logs.Deletes.All : [];

    public bool CancelDeletion(TenantId tenant, string id)
    {
        if (!tenants.TryGetValue(tenant.Name, out var logs) || logs.Deletes.All.FirstOrDefault(r => r.Id == id) is not { } request) return false;
        // From then on entries may be leaving the disk, part by part.
        if (request.CreatedAt + options.DeletionDelay <= time.GetUtcNow() || !logs.Deletes.Cancel(id)) return false;
        logs.Changes.Note(request.StartNs, request.EndNs);
        return true;
    }

    /// <inheritdoc/>
    public long VersionOf(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs) =>
        tenants.TryGetValue(tenant.Name, out var logs) ? logs.Changes.VersionOf(matchers, startNs, endNs - 1) : 0;

    /// <summary>Opens a live tail of what is stored from now on.</summary>
    public LogTail Tail(TenantId tenant, IReadOnlyList<Matcher> matchers) => TenantOf(tenant).Tailers.Add(matchers);

    /// <summary>Writes everything in memory to parts and lets the write log go. Appends go on meanwhile.</summary>
    /// <param name="who">Whom the answer is about; null for everybody.</param>
    /// <returns>False: the disk failed for some tenants, which was logged. Nothing is lost, and all of theirs is still in memory and in the write log.</returns>
    public async Task<bool> FlushAsync(CancellationToken cancel, TenantId? who = null)
    {
        await flushing.WaitAsync(cancel);
        try
        {
            return await flusher.RunAsync(FlushOf.All, "forced") || (who is { } tenant && !TenantOf(tenant).Memory.IsFailing);
        }
        finally
        {
            flushing.Release();
        }
    }

    /// <summary>Deletes parts that are older than their tenant's retention.</summary>
    public void ApplyRetention() => upkeep.ApplyRetention(tenants.Values);

    /// <summary>Merges parts, and takes off the disk what was deleted long enough ago or is older than retention keeps it.</summary>
    /// <exception cref="IOException">The disk failed; nothing is lost.</exception>
    public async Task CompactAsync(CancellationToken cancel)
    {
        await compacting.WaitAsync(cancel);
        try
        {
            // Deleted entries must be in parts to go with them.
            var due = tenants.Values.Where(upkeep.HasDueDeletions).ToHashSet();
            if (due.Count > 0) await FlushAsync(cancel);
            await Task.Run(() => upkeep.Run(tenants.Values, flusher.Marks, logs => due.Contains(logs) && !logs.Memory.IsFailing, cancel), cancel);
        }
        finally
        {
            compacting.Release();
        }
    }

    /// <summary>
    /// Makes a data folder with a tenant's logs as they are now: links to its parts, which take no room until the parts here go. Appends go on meanwhile.
    /// </summary>
    /// <returns>The folder's name, in <see cref="LogStoreOptions.SnapshotFolder"/>.</returns>
    /// <exception cref="IOException">It could not be written; there is none.</exception>
    public async Task<string> SnapshotAsync(TenantId tenant, CancellationToken cancel)
    {
        // No part comes or goes while they are linked.
        await compacting.WaitAsync(cancel);
        try
        {
            await flushing.WaitAsync(cancel);
            try
            {
                var logs = TenantOf(tenant);
                (IReadOnlyList<LogDeleteRequest>, FlushMark) deletions = ([], FlushMark.None);
                if (!await flusher.RunAsync(FlushOf.All, "forced", () => deletions = logs.Deletes.Record) && logs.Memory.IsFailing) throw new IOException($"entries in memory cannot be written to parts in {options.Folder}; the log says why");
                return LogSnapshot.Take(options, logs, deletions, time.GetUtcNow(), cancel);
            }
            finally
            {
                flushing.Release();
            }
        }
        finally
        {
            compacting.Release();
        }
    }

    /// <summary>Stops. What is in memory stays in the write log and comes back at the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        if (closing.IsCancellationRequested) return;
        await closing.CancelAsync();
        if (timer is not null) await timer.DisposeAsync();
        await background;
        await compaction;
        await flushing.WaitAsync();
        flushing.Release();
        closing.Dispose();
        flushing.Dispose();
        compacting.Dispose();
    }

    private (StreamRanges Ranges, Func<LogSelection, ReadContext> ContextOf) Ranges(TenantId tenant, LogSelection selection, CancellationToken cancel)
    {
        tenants.TryGetValue(tenant.Name, out var logs);
        // Before the parts: those that are processed later are hidden in them still.
        var deletions = logs?.Deletes.Active ?? [];
        return (new StreamRanges(logs?.Select(selection.Matchers, Damaged), options.StreamsAtOnceMax, selection, cancel),
            range => new ReadContext(range, deletions, Damaged, cancel) { Time = time });
    }

    /// <summary>Values of a label, or all label names, sorted.</summary>
    private List<string> OfPairs(TenantId tenant, string? name, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant.Name, out var logs)) return [];
        var deletions = logs.Deletes.Active;
        var selection = logs.Select(matchers, Damaged);
        var pairs = deletions.Any(d => d.Request.StartNs < endNs && d.Request.EndNs > startNs)
            // What is deleted as a whole does not count.
            ? selection.Read(startNs, endNs).Where(s => StreamVolume.Of(s.Labels, s.Content, deletions, startNs, endNs).Entries > 0).SelectMany(s => LabelPair.AllOf(s.Labels))
            : selection.Pairs(name, startNs, endNs);
        byte[] nameUtf8 = System.Text.Encoding.UTF8.GetBytes(name ?? "");
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (byte[] pair in pairs)
        {
            cancel.ThrowIfCancellationRequested();
            if (name is null) found.Add(System.Text.Encoding.UTF8.GetString(LabelPair.NameOf(pair)));
            else if (LabelPair.NameOf(pair).SequenceEqual(nameUtf8)) found.Add(System.Text.Encoding.UTF8.GetString(LabelPair.ValueOf(pair)));
        }
        List<string> sorted = [.. found];
        sorted.Sort(StringComparer.Ordinal);
        return sorted;
    }

    private TenantLogs TenantOf(TenantId tenant) => tenants.GetOrAdd(tenant.Name, _ => new TenantLogs(
        tenant, time, new DeleteRequests(new DeleteFile(Path.Combine(options.Folder, tenant.Name, DeleteFile.FileName), options.Disk), options.FilterLanguage)));

    private void Apply(TenantLogs logs, List<LogStream> streams, ReadOnlySpan<byte> record, int entriesAt)
    {
        var reader = new LogRecord.Reader(record, entriesAt);
        long grown = 0, duplicateBytes = 0, firstNs = long.MaxValue, lastNs = long.MinValue;
        bool tailed = logs.Tailers.Any;
        while (reader.Next())
        {
            if ((uint)reader.Stream >= (uint)streams.Count) throw new InvalidDataException("an entry names a stream that the record does not have");
            var stream = streams[reader.Stream];
            (firstNs, lastNs) = (Math.Min(firstNs, reader.TimestampNs), Math.Max(lastNs, reader.TimestampNs));
            grown += stream.Append(reader.TimestampNs, reader.Line, reader.Metadata, options, out bool duplicate);
            if (duplicate) duplicateBytes += reader.Line.Length;
            else if (tailed) logs.Tailers.Offer(stream.Labels, reader.TimestampNs, reader.Line, reader.Metadata);
        }
        if (lastNs >= firstNs) logs.Changes.Note(firstNs, lastNs, ChangedBy(streams, firstNs));
        if (duplicateBytes > 0) instruments.DuplicateLines.With(logs.Tenant.Name).Add(duplicateBytes);
        flusher.Memory.Grow(logs.Memory, grown);
    }

    /// <summary>Which streams changed, where entries are late: the present hour changes all the time, and nobody keeps answers of it.</summary>
    private UInt128 ChangedBy(List<LogStream> streams, long firstNs)
    {
        if (firstNs >= TimeRanges.Floor(time.UnixNs(), ILogChanges.GrainNs)) return UInt128.MaxValue;
        UInt128 groups = 0;
        foreach (var stream in streams) groups |= StreamChanges.GroupsOf(stream.Labels.Encoded);
        return groups;
    }

    private void Replay()
    {
        long records = 0, entries = 0;
        log.Replay(RecordKind.Logs, (position, tenant, payload) =>
        {
            flusher.Logged(payload.Length);
            if (position < flusher.Marks.Of(tenant).Position) return;
            records++;
            try
            {
                entries += LogRecord.Check(payload);
                var logs = TenantOf(tenant);
                var streams = LogRecord.ReadStreams(payload, out int at).ConvertAll(l => logs.Stream(Labels.FromEncoded(l)));
                Apply(logs, streams, payload, at);
            }
            catch (InvalidDataException e)
            {
                instruments.Corruptions.Add();
                LogsLog.DamagedRecord(logger, tenant.Name, position.Segment, position.Offset, e.Message);
            }
        });
        if (records > 0) LogsLog.Replayed(logger, entries, records);
    }

    /// <summary>Loads all parts.</summary>
    /// <param name="found">Null where they are lost: then all parts count, and each tenant's own tell what of the write log is in them.</param>
    /// <returns>The marks that hold; no part has a higher number.</returns>
    private FlushMarks LoadParts(FlushMarks? found)
    {
        long newest = found?.Others.Sequence ?? 0;
        var known = new Dictionary<string, FlushMark>(StringComparer.Ordinal);
        var loader = new PartLoader(options, cache, instruments, logger);
        foreach (string folder in Directory.GetDirectories(options.Folder).Order(StringComparer.Ordinal))
        {
            if (!TenantId.TryParse(Path.GetFileName(folder), out var tenant, out _)) continue;
            var ofDeletions = LoadDeletions(TenantOf(tenant));
            var ofParts = loader.Load(TenantOf(tenant), folder, found?.Of(tenant).Sequence);
            var last = FlushMark.Newer(ofDeletions, ofParts.Known);
            newest = Math.Max(newest, Math.Max(ofParts.Newest, last.Sequence));
            if (last.Position > default(WriteLogPosition)) known[tenant.Name] = last;
        }
        return found is null
            ? new FlushMarks(new FlushMark(newest, default), known.ToDictionary(k => k.Key, k => k.Value with { Sequence = newest }, StringComparer.Ordinal))
            : found with { Others = found.Others with { Sequence = newest } };
    }

    private FlushMark LoadDeletions(TenantLogs logs)
    {
        string path = Path.Combine(options.Folder, logs.Tenant.Name, DeleteFile.FileName);
        try
        {
            return logs.Deletes.Load();
        }
        catch (Exception e) when (e is InvalidDataException or QueryException)
        {
            instruments.Corruptions.Add();
            LogsLog.DamagedDeletions(logger, path, e.Message, PartLoader.SetAside(options.Disk, path));
            return FlushMark.None;
        }
    }

    /// <summary>Flushes, if need be, before the timer says so; a flush that failed is tried again by the timer alone.</summary>
    private void FlushSoon()
    {
        if (flusher.Memory.MustFlush) Tick(again: false);
    }

    /// <param name="again">Whether flushes that failed are tried again.</param>
    private void Tick(bool again)
    {
        if (closing.IsCancellationRequested || !flushing.Wait(0)) return;
        background = Task.Run(async () =>
        {
            try
            {
                bool full = flusher.Memory.MustFlush, due = full || flusher.SinceLast >= options.FlushInterval, failing = again && flusher.HasFailed;
                if (due || failing) await flusher.RunAsync(!due ? FlushOf.Failing : failing ? FlushOf.All : FlushOf.Others, full ? "full" : "max_age");
                ApplyRetention();
                PagePool.Trim();
                if (compaction.IsCompleted) compaction = Task.Run(CompactLoggedAsync);
            }
            catch (Exception e)
            {
                LogsLog.UpkeepFailed(logger, e.Message, Unforeseen(e));
            }
            finally
            {
                flushing.Release();
            }
        });
    }

    private async Task CompactLoggedAsync()
    {
        try
        {
            await CompactAsync(closing.Token);
        }
        catch (OperationCanceledException)
        {
            // The store is closing.
        }
        catch (Exception e)
        {
            LogsLog.CompactionFailed(logger, e.Message, Unforeseen(e));
        }
    }

    /// <summary>An exception that tells of a mistake in the program, to be logged with all that it knows; null for what the disk says.</summary>
    internal static Exception? Unforeseen(Exception e) => e is IOException or UnauthorizedAccessException or StoreUnavailableException ? null : e;

    private void Damaged(PartFile part, Exception e)
    {
        // A part that retention removed during a query is no damage.
        if (e is FileNotFoundException or DirectoryNotFoundException) return;
        instruments.Corruptions.Add();
        LogsLog.DamagedIndex(logger, part.Path, e.Message);
    }

    private void Damaged(BlockRef block, Labels stream, Exception e)
    {
        // A part that retention removed during a query is no damage.
        if (e is FileNotFoundException or DirectoryNotFoundException) return;
        instruments.Corruptions.Add();
        LogsLog.DamagedBlock(logger, block.Source.Name, block.Header.Offset, stream.ToString(), e.Message, block.Header.Entries);
    }
}
