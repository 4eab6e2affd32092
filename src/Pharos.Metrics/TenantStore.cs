using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>One tenant: its head, its blocks, and the steps that move samples from one to the other.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its store; the semaphore has no handle to free.")]
internal sealed partial class TenantStore
{
    private readonly MetricStoreOptions options;
    private readonly MetricInstruments instruments;
    private readonly ILogger logger;
    private readonly TimeProvider time;
    private readonly IWriteLog log;

    // One cut, merge or deletion at a time.
    private readonly SemaphoreSlim changing = new(1, 1);

    // Blocks found damaged by a merge: they are read as far as they can be, and not merged again.
    private readonly HashSet<string> unmergeable = new(StringComparer.Ordinal);
    private readonly BlockRetention retention;
    private CutMark mark;
    private bool overRate;
    private bool markSaved = true;
    private HeadReplay? replay;
    private SnapshotPlaces? loaded;

    // What the snapshot on disk holds: of which cut, up to where; default where there is none of use.
    private (CutMark? Mark, WriteLogPosition AppliedTo) saved;

    public TenantStore(TenantId tenant, MetricStoreOptions options, MetricInstruments instruments, ILogger logger, TimeProvider time, IWriteLog log)
    {
        Tenant = tenant;
        this.options = options;
        this.instruments = instruments;
        this.logger = logger;
        this.time = time;
        this.log = log;
        Folder = Path.Combine(options.Folder, tenant.Name);
        chunkBytesDue = options.HeadChunkBytes;
        Rate = new TokenBucket(time);
        Chunks = new HeadChunks(Folder, options.Disk, instruments, logger);
        Head = new TenantHead(tenant, options, instruments, Chunks);
        Blocks = new BlockSet(Folder, options.Disk, instruments, logger);
        retention = new BlockRetention(tenant, Blocks, options.BlockRangeMs, instruments, logger);
        mark = CutMark.Load(Folder, logger);
        Blocks.Load(start: true);
        Head.MinValidMs = ValidFrom();
    }

    public TenantId Tenant { get; }
    public string Folder { get; }
    public TenantHead Head { get; private set; }
    public HeadChunks Chunks { get; }
    public BlockSet Blocks { get; }
    public TokenBucket Rate { get; }

    /// <summary>Whether the last request was refused by <see cref="Rate"/>.</summary>
    public bool IsOverRate
    {
        get => Volatile.Read(ref overRate);
        set => Volatile.Write(ref overRate, value);
    }
    public ChangeCounts Changes { get; } = new(60_000, stretchesMax: 20_000);

    public HeadReplay Replay(ReplayWorkers workers) => replay ??= new HeadReplay(Head, mark, loaded, workers, logger, time.UnixMs());

    /// <summary>Whether the head was filled from its snapshot.</summary>
    public bool HasLoaded => loaded is not null;

    /// <summary>Whether the snapshot on disk was taken before the last cut, so that a restart would not use it.</summary>
    public bool IsSnapshotStale => saved.Mark is not null && saved.Mark != mark;

    /// <summary>Fills the head from its snapshot, where there is a good one. To be called once, before the replay.</summary>
    public void LoadSnapshot()
    {
        try
        {
            loaded = HeadSnapshot.Load(Head, mark, Folder, time.UnixMs());
        }
        catch (Exception wrong) when (wrong is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            instruments.SnapshotsDamaged.Add(1);
            MetricsLog.SnapshotDamaged(logger, HeadSnapshot.PathIn(Folder), wrong.Message);
            Head = new TenantHead(Tenant, options, instruments, Chunks) { MinValidMs = ValidFrom() };
        }
        if (loaded is null) Chunks.Discard();
        // A log that lost its end, or was deleted, must not use places again that the mark and the snapshot speak of.
        log.StartBehind(mark.Applied);
        if (loaded is null) return;
        log.StartBehind(loaded.Last);
        saved = (mark, Head.AppliedTo);
    }

    /// <summary>Saves the head, unless what is on disk still says all.</summary>
    /// <returns>From where a restart must read the log for this tenant; null where there is nothing to save.</returns>
    /// <exception cref="IOException">The file could not be written; the old one is as before.</exception>
    public async Task<WriteLogPosition?> SaveHeadAsync(CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            WriteLogPosition appliedTo;
            using (Head.Locks.HoldAll())
            {
                if (Head.Table.Count == 0) return null;
                appliedTo = Head.AppliedTo;
                if (saved == (mark, appliedTo)) return Head.KnownTo(log.End);
            }
            Directory.CreateDirectory(Folder);
            var needed = await Task.Run(() => Head.WithChunksWritten(files => HeadSnapshot.Write(Head, mark, files, Folder, log, options.Disk)), cancel);
            saved = (mark, appliedTo);
            return needed;
        }
        finally
        {
            changing.Release();
        }
    }

    public long FinishReplay()
    {
        replay?.Finish();
        Head.CountActive(time.UnixMs());
        long samples = replay?.Samples ?? 0;
        replay = null;
        return samples;
    }

    /// <summary>Whether the head holds a whole range that is old enough to be cut, or was idle for long.</summary>
    public long? CutDue()
    {
        using (Head.Locks.HoldAll())
        {
            if (Head.Table.Count == 0) return null;
            if (Head.MaxMs == long.MinValue || time.UnixMs() - Head.LastAppendMs >= (long)options.IdleTime.TotalMilliseconds) return long.MaxValue;
            long below = TimeRanges.Floor(Head.MaxMs - (options.BlockRangeMs / 2), options.BlockRangeMs);
            return Head.MinMs < below ? below : null;
        }
    }

    /// <summary>Moves all samples before a time into blocks. Samples that come later for that time are late.</summary>
    /// <exception cref="IOException">The blocks could not be written; the head is as before.</exception>
    public async Task CutAsync(long belowMs, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            instruments.HeadCuts.Add(1);
            Task? drained;
            using (Head.Locks.HoldAll())
            {
                if (Head.Table.Count == 0) return;
                if (belowMs == long.MaxValue) 
                {
                    long newest = Math.Max(Head.MaxMs, Head.NewestLateMs);
                    belowMs = newest == long.MinValue ? long.MinValue : newest + 1;
                }
                Head.MinValidMs = Math.Max(Head.MinValidMs, belowMs);
                drained = Head.Drained();
            }
            if (drained is not null) await drained.WaitAsync(cancel);
            await Task.Run(() => Cut(belowMs, cancel), cancel);
            await WriteDefinitionsAsync();
            Head.Needs(belowMs, mark.Applied);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or StoreUnavailableException)
        {
            instruments.HeadCutsFailed.Add(1);
            instruments.CompactionsFailed.Add(1);
            MetricsLog.CutFailed(logger, Tenant.Name, failure.Message);
            throw;
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Merges blocks until the plan has no more to do.</summary>
    public async Task CompactAsync(CancellationToken cancel)
    {
        var widths = CompactionPlan.Widths(options.BlockRangeMs, (long)options.BlockRangeMax.TotalMilliseconds);
        var failed = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            await changing.WaitAsync(cancel);
            try
            {
                var blocks = Blocks.Current;
                var cleaning = blocks.Where(b => b.DeletedShare >= BlockRetention.ShareWorthCleaning).Select(b => b.Meta.Id).ToHashSet(StringComparer.Ordinal);
                var plan = CompactionPlan.Next([.. blocks.Select(b => b.Meta).Where(m => !failed.Contains(m.Id) && !unmergeable.Contains(m.Id))], widths, cleaning);
                if (plan.Count == 0) return;
                var chosen = plan.Select(m => blocks.First(b => b.Meta.Id == m.Id)).ToList();
                if (!await Task.Run(() => Merge(chosen, cancel), cancel)) failed.UnionWith(plan.Select(m => m.Id));
            }
            finally
            {
                changing.Release();
            }
        }
    }

    /// <summary>Rewrites blocks that hold deleted samples, so that those leave the disk.</summary>
    public async Task CleanTombstonesAsync(CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            foreach (var block in Blocks.Current.Where(b => b.HasDeleted)) await Task.Run(() => Merge([block], cancel), cancel);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Takes in blocks that were put into the folder, and lets go what the tenant's retention says.</summary>
    public async Task RetainAsync(TenantLimits limits, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            await Task.Run(() =>
            {
                var before = Blocks.Current;
                Blocks.Load(start: false);
                if (!markSaved) SaveMark();
                bool hid = retention.Run(limits, time.UnixMs(), cancel);
                // Blocks were put into the folder, or are gone, or samples of them are hidden.
                if (hid || !before.SequenceEqual(Blocks.Current)) Changes.Note(long.MinValue, long.MaxValue);
            }, cancel);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Deletes samples of matching series; they are hidden when this returns.</summary>
    public async Task DeleteAsync(IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            if (!markSaved) SaveMark();
            var ids = PostingSearch.Find(Head.Index, matchers, cancel).ToArray();
            var deletions = new List<(int Id, TimeRange Range)>();
            using (Head.Locks.HoldAll())
            {
                foreach (uint id in ids)
                {
                    if (Head.Table.Get((int)id) is not { HasSamples: true } series) continue;
                    var part = series.Capture();
                    if (!range.Overlaps(part.MinMs, part.MaxMs)) continue;
                    var clipped = new TimeRange(Math.Max(range.MinMs, part.MinMs), Math.Min(range.MaxMs, part.MaxMs));
                    deletions.Add((series.Id, clipped));
                }
            }
            if (deletions.Count > 0)
            {
                var record = new ByteBuffer();
                MetricRecord.WriteDeletions(record, deletions);
                await log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
                using (Head.Locks.HoldAll())
                {
                    foreach (var (id, clipped) in deletions)
                    {
                        if (Head.Table.Get(id) is { } series) series.Deleted = DeletedRanges.Add(series.Deleted, clipped);
                    }
                }
                // What is saved does not know of it.
                saved = (saved.Mark, default);
            }
            foreach (var block in BlockQuery.Overlapping(Blocks.Current, range))
            {
                var gone = block.Select(matchers, range, cancel).ToDictionary(
                    s => s.Number, _ => new TimeRange(Math.Max(range.MinMs, block.Meta.MinMs), Math.Min(range.MaxMs, block.Meta.MaxMs)));
                if (gone.Count > 0) block.Delete(gone);
            }
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Deletes everything: hides it at once, then empties the head into blocks and drops all of them.</summary>
    public async Task DeleteAllAsync(CancellationToken cancel)
    {
        await DeleteAsync([], TimeRange.All, cancel);
        Changes.Note(long.MinValue, long.MaxValue);
        Head.ForgetExtras();
        await CutAsync(long.MaxValue, cancel);
        await changing.WaitAsync(cancel);
        try
        {
            Blocks.Change([], [.. Blocks.Current], "the tenant was deleted");
            Changes.Note(long.MinValue, long.MaxValue);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Copies the blocks, and the head as further blocks, into a folder.</summary>
    public async Task SnapshotAsync(string target, bool withHead, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            MakeFolder(target);
            await Task.Run(() =>
            {
                foreach (var block in Blocks.Current) FolderCopy.Link(options.Disk, block.Folder, Path.Combine(target, block.Meta.Id));
                long below = Head.MaxMs;
                if (withHead && below != long.MinValue) HeadCut.Write(Head, options.Disk, target, below + 1, options.BlockRangeMs, snapshot: true, time.UnixMs(), cancel);
            }, cancel);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Makes a folder for blocks, with an empty folder <c>wal</c>, without which Prometheus's tools do not take it for a database.</summary>
    private void MakeFolder(string folder) => options.Disk.CreateFolder(Path.Combine(folder, "wal"));

    private void SaveMark()
    {
        markSaved = false;
        mark.Save(options.Disk, Folder);
        markSaved = true;
    }

    private void Cut(long belowMs, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        var applied = Head.AppliedTo;
        Head.StartOutOfOrderCut(belowMs);
        List<IBlock> added;
        try
        {
            MakeFolder(Folder);
            var metas = HeadCut.Write(Head, options.Disk, Folder, belowMs, options.BlockRangeMs, snapshot: false, time.UnixMs(), cancel);
            added = Blocks.OpenNew(metas);
            foreach (var meta in metas) MetricsLog.Cut(logger, meta.Id, Tenant.Name, meta.MinMs, meta.EndMs, meta.Series, meta.FloatSamples + meta.HistogramSamples);
        }
        catch
        {
            Head.TakeBackOutOfOrderCut();
            throw;
        }
        // Readers look at the head first and at blocks second: from here on they see the samples twice, never not at all.
        Blocks.Change(added, [], "");
        mark = new CutMark(belowMs, applied);
        try
        {
            SaveMark();
        }
        catch (IOException failure)
        {
            // Without it a replay puts samples into the head that are in blocks too; queries merge them, and nothing is deleted until it is saved.
            MetricsLog.CutMarkNotSaved(logger, Tenant.Name, failure.Message);
        }
        Head.Truncate(belowMs);
        // A mark that is not saved would let a restart use the snapshot, which speaks of these files.
        if (markSaved) Chunks.Drop(belowMs);
        instruments.Compactions.Add(added.Count);
        instruments.CompactionSeconds.Observe(time.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Writes what the head still needs of the log's old part to its end, so that the old part can go.</summary>
    private async Task WriteDefinitionsAsync()
    {
        var record = new ByteBuffer();
        var deletions = new List<(int Id, TimeRange Range)>();
        if (Head.OtherNumbers.Count > 0)
        {
            MetricRecord.WriteDefinitions(record, Head.OtherNumbers, []);
            await log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
        }
        foreach (var step in Head.AllLogged())
        {
            record.Clear();
            // Nothing leaves the head meanwhile, so the label pairs of these series stay.
            MetricRecord.WriteBatch(record, Head.Pairs, step, [], [], [], []);
            await log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
            foreach (var series in step)
            {
                foreach (var range in series.Deleted?.Ranges ?? []) deletions.Add((series.Id, range));
            }
        }
        if (deletions.Count > 0)
        {
            record.Clear();
            MetricRecord.WriteDeletions(record, deletions);
            await log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
        }
        List<MetricMetadata> metadata;
        lock (Head.Extras) metadata = [.. Head.Metadata.All];
        foreach (var part in metadata.Chunk(1000))
        {
            record.Clear();
            MetricRecord.WriteDefinitions(record, [], part);
            await log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
        }
    }

    private bool Merge(List<IBlock> chosen, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        try
        {
            using var writer = new BlockWriter(options.Disk, Folder, Ulid.New(time.UnixMs()));
            var meta = SeriesMerge.Write(writer, chosen, new BlockMeta
            {
                Id = writer.Id,
                MinMs = chosen.Min(b => b.Meta.MinMs),
                EndMs = chosen.Max(b => b.Meta.EndMs),
                Level = chosen.Max(b => b.Meta.Level) + (chosen.Count > 1 ? 1 : 0),
                Sources = [.. chosen.SelectMany(b => b.Meta.Sources).Distinct().Order(StringComparer.Ordinal)],
                Hints = [.. chosen[0].Meta.Hints.Where(h => chosen.All(b => b.Meta.Hints.Contains(h)))],
                Parents = [.. chosen.Select(b => new BlockParent(b.Meta.Id, b.Meta.MinMs, b.Meta.EndMs))],
            }, cancel);
            Blocks.Change(meta is null ? [] : Blocks.OpenNew([meta]), chosen, "a merged block holds its samples");
            instruments.Compactions.Add(1);
            instruments.CompactionSeconds.Observe(time.GetElapsedTime(started).TotalSeconds);
            if (meta is not null)
                MetricsLog.Merged(logger, chosen.Count, Tenant.Name, meta.Id, meta.MinMs, meta.EndMs, meta.Series, meta.FloatSamples + meta.HistogramSamples);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CorruptBlockException or InvalidDataException or InvalidOperationException)
        {
            instruments.CompactionsFailed.Add(1);
            if (failure is CorruptBlockException or InvalidDataException) unmergeable.UnionWith(chosen.Where(b => !SeriesMerge.IsWhole(b, cancel)).Select(b => b.Meta.Id));
            MetricsLog.MergeFailed(logger, string.Join(", ", chosen.Select(b => b.Meta.Id)), Tenant.Name, failure.Message);
            return false;
        }
    }

    /// <summary>Samples in order start behind the newest block of the whole head.</summary>
    private long ValidFrom()
    {
        long from = mark.BelowMs;
        foreach (var block in Blocks.Current)
        {
            if (!block.Meta.IsPartial && block.Meta.EndMs <= time.UnixMs()) from = Math.Max(from, block.Meta.EndMs);
        }
        return from;
    }
}
