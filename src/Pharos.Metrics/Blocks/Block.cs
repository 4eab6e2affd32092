using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>A block in Prometheus's format, version 2, opened for reading.</summary>
internal sealed class Block : IBlock
{
    private readonly IDisk disk;
    private readonly ILogger logger;
    private readonly InstrumentCell damaged;
    private readonly IndexReader index;
    private readonly ChunkFiles chunks;
    private volatile IReadOnlyDictionary<uint, DeletedRanges> deleted;
    private volatile BlockMeta meta;

    private Block(string folder, BlockMeta meta, IDisk disk, ILogger logger, InstrumentCell damaged)
    {
        Folder = folder;
        this.meta = meta;
        this.disk = disk;
        this.logger = logger;
        this.damaged = damaged;
        index = new IndexReader(Path.Combine(folder, "index"));
        chunks = new ChunkFiles(Path.Combine(folder, "chunks"));
        deleted = Tombstones.Read(folder);
        if (meta.Tombstones > 0 && deleted.Count == 0) throw new CorruptBlockException($"{Path.Combine(folder, "tombstones")} is missing or empty; meta.json says that {meta.Tombstones} ranges are deleted");
        Bytes = index.Bytes + chunks.Bytes;
        DeletedShare = CoveredShare();
    }

    public string Folder { get; }
    public BlockMeta Meta => meta;
    public long Bytes { get; }
    public bool HasDeleted => deleted.Count > 0;
    public double DeletedShare { get; private set; }
    public IEnumerable<string> LabelNames => index.Names;

    /// <exception cref="CorruptBlockException">A file is damaged; the message names it.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static Block Open(string folder, IDisk disk, ILogger logger, InstrumentCell damaged)
    {
        string path = Path.Combine(folder, "meta.json");
        var meta = BlockMeta.Parse(File.ReadAllBytes(path), path);
        try
        {
            return new Block(folder, meta, disk, logger, damaged);
        }
        catch (InvalidDataException wrong)
        {
            throw new CorruptBlockException($"the block in {folder} is damaged: {wrong.Message}", wrong);
        }
    }

    public Utf8Texts Values(string name) => index.Values(name);

    public Utf8Texts Values(string name, IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        var nameUtf8 = Encoding.UTF8.GetBytes(name);
        ulong? nameSymbol = null;
        return index.Texts([.. Matching(matchers, range, (series, _) => index.ValueOf(series, nameUtf8, ref nameSymbol), cancel).OfType<ulong>().Distinct()]);
    }

    public IEnumerable<BlockSeries> Select(IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        var buffer = new ByteBuffer();
        return Matching(matchers, range, (series, chunks) => Found(series, chunks, buffer), cancel);
    }

    /// <summary>What is made of each matching series and those of its chunks that overlap the range.</summary>
    private IEnumerable<T> Matching<T>(IReadOnlyList<Matcher> matchers, TimeRange range, Func<uint, List<ChunkMeta>, T> make, CancellationToken cancel)
    {
        var metas = new List<ChunkMeta>();
        using var found = PostingSearch.Find(index, matchers, cancel);
        for (int i = 0; i < found.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            uint series = found.Span[i];
            T made;
            try
            {
                if (!HasSamples(series, range, metas)) continue;
                made = make(series, metas);
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or InvalidDataException)
            {
                damaged.Add(1);
                MetricsLog.DamagedSeries(logger, Folder, wrong.Message);
                continue;
            }
            yield return made;
        }
    }

    public IEnumerable<BlockSeries> All(CancellationToken cancel)
    {
        var buffer = new ByteBuffer();
        var metas = new List<ChunkMeta>();
        var all = index.All();
        for (int i = 0; i < all.Length; i++)
        {
            uint series = all.Span[i];
            cancel.ThrowIfCancellationRequested();
            if (HasSamples(series, TimeRange.All, metas)) yield return Found(series, metas, buffer);
        }
    }

    public void ReadChunks(uint series, List<ChunkToWrite> into, out bool touched)
    {
        var metas = new List<ChunkMeta>();
        index.Chunks(series, TimeRange.All, metas);
        touched = deleted.TryGetValue(series, out var gone) && metas.Exists(m => gone.Touches(m.MinMs, m.MaxMs));
        foreach (var chunk in metas)
        {
            var bytes = chunks.Chunk(chunk, out var encoding).ToArray();
            into.Add(new ChunkToWrite(encoding, chunk.MinMs, chunk.MaxMs, bytes));
        }
    }

    public long ChunkBytes(uint series, TimeRange range)
    {
        var metas = new List<ChunkMeta>();
        index.Chunks(series, range, metas);
        return metas.Sum(chunks.BytesOf);
    }

    public void Read(uint series, TimeRange range, SampleColumns into) => Read(series, range, into, leaveOut: true);

    public void ReadWhole(uint series, SampleColumns into) => Read(series, TimeRange.All, into, leaveOut: false);

    public void Delete(IReadOnlyDictionary<uint, TimeRange> ranges)
    {
        var next = new Dictionary<uint, DeletedRanges>(deleted);
        foreach (var (series, range) in ranges) next[series] = DeletedRanges.Add(next.GetValueOrDefault(series), range);
        Tombstones.Write(disk, Folder, next);
        deleted = next;
        DeletedShare = CoveredShare();
        // The number of ranges stands in meta.json too; Prometheus and its tools go by it.
        var counted = meta with { Tombstones = next.Values.Sum(r => (long)r.Ranges.Count) };
        try
        {
            DurableFiles.Replace(disk, Path.Combine(Folder, "meta.json"), counted.ToJson());
            meta = counted;
        }
        catch (IOException failure)
        {
            MetricsLog.TombstonesNotCounted(logger, Folder, failure.Message);
        }
    }

    /// <summary>Whether something is left of a series in the range; which chunks.</summary>
    private bool HasSamples(uint series, TimeRange range, List<ChunkMeta> metas)
    {
        metas.Clear();
        index.Chunks(series, range, metas);
        return metas.Count > 0 && !(deleted.TryGetValue(series, out var gone) && metas.TrueForAll(c => gone.Covers(c.MinMs, c.MaxMs)));
    }

    private BlockSeries Found(uint series, List<ChunkMeta> metas, ByteBuffer buffer) =>
        new(index.LabelsOf(series, buffer), series, metas[0].MinMs, metas[^1].MaxMs, metas.Count);

    private void Read(uint series, TimeRange range, SampleColumns into, bool leaveOut)
    {
        if (!deleted.TryGetValue(series, out var gone))
        {
            ReadWithDeleted(series, range, into, leaveOut);
            return;
        }
        using var all = new SampleColumns();
        ReadWithDeleted(series, range, all, leaveOut);
        gone.Filter(all, into);
    }

    private void ReadWithDeleted(uint series, TimeRange range, SampleColumns into, bool leaveOut)
    {
        var metas = new List<ChunkMeta>();
        try
        {
            index.Chunks(series, range, metas);
            foreach (var chunk in metas) ReadChunk(chunk, range, into, leaveOut);
        }
        catch (Exception wrong) when (leaveOut && wrong is CorruptBlockException or InvalidDataException)
        {
            damaged.Add(1);
            MetricsLog.DamagedSeries(logger, Folder, wrong.Message);
        }
        GC.KeepAlive(this);
    }

    private void ReadChunk(ChunkMeta chunk, TimeRange range, SampleColumns into, bool leaveOut)
    {
        try
        {
            var bytes = chunks.Chunk(chunk, out var encoding);
            ChunkReader.Read(encoding, bytes, range, into);
        }
        catch (Exception wrong) when (wrong is CorruptBlockException or CorruptChunkException or InvalidDataException)
        {
            if (!leaveOut) throw new CorruptBlockException($"{chunks.PathOf(chunk)}: the chunk at {(uint)chunk.Ref} is damaged: {wrong.Message}", wrong);
            damaged.Add(1);
            MetricsLog.DamagedChunk(logger, Folder, wrong.Message);
        }
    }

    private double CoveredShare()
    {
        double covered = 0;
        var metas = new List<ChunkMeta>();
        foreach (var (series, gone) in deleted)
        {
            metas.Clear();
            try
            {
                index.Chunks(series, TimeRange.All, metas);
                foreach (var chunk in metas)
                {
                    if (gone.Touches(chunk.MinMs, chunk.MaxMs))
                        covered += ChunkReader.Count(chunks.Chunk(chunk, out _)) * gone.CoveredMs(chunk.MinMs, chunk.MaxMs) / (chunk.MaxMs - chunk.MinMs + 1.0);
                }
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or CorruptChunkException or InvalidDataException)
            {
                // Damage, or tombstones of another block: reading names it, here it does not count.
            }
        }
        return covered / Math.Max(1, meta.FloatSamples + meta.HistogramSamples);
    }
}
