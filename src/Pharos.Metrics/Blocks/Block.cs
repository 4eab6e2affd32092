using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Blocks;

/// <summary>An immutable block on disk, opened for reading; only its tombstones change.</summary>
internal sealed class Block
{
    private readonly MappedFile[] chunkFiles;
    private readonly ILogger logger;
    private readonly InstrumentCell damaged;
    private volatile IReadOnlyDictionary<uint, DeletedRanges> deleted;

    private Block(string folder, BlockMeta meta, ILogger logger, InstrumentCell damaged)
    {
        Folder = folder;
        Meta = meta;
        this.logger = logger;
        this.damaged = damaged;
        Index = new IndexReader(Path.Combine(folder, "index"));
        chunkFiles = [.. Directory.EnumerateFiles(Path.Combine(folder, "chunks")).Order(StringComparer.Ordinal).Select(p => new MappedFile(p))];
        foreach (var file in chunkFiles)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(file.Span(0, 4)) != ChunkFileWriter.Magic || file.Span(4, 1)[0] != 1)
                throw new CorruptBlockException($"{file.Path} is no chunk file of version 1");
        }
        deleted = Tombstones.Read(folder);
        Bytes = Index.Bytes + chunkFiles.Sum(f => f.Length);
    }

    public string Folder { get; }
    public BlockMeta Meta { get; }
    public IndexReader Index { get; }
    public long Bytes { get; }

    /// <summary>Last timestamp that may be in the block.</summary>
    public long MaxMs => Meta.EndMs - 1;

    public IReadOnlyDictionary<uint, DeletedRanges> Deleted => deleted;

    public bool Overlaps(TimeRange range) => range.Overlaps(Meta.MinMs, MaxMs);

    /// <exception cref="CorruptBlockException">A file is damaged; the message names it.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static Block Open(string folder, ILogger logger, InstrumentCell damaged)
    {
        string path = Path.Combine(folder, "meta.json");
        var meta = BlockMeta.Parse(File.ReadAllBytes(path), path);
        try
        {
            return new Block(folder, meta, logger, damaged);
        }
        catch (InvalidDataException wrong)
        {
            throw new CorruptBlockException($"the block in {folder} is damaged: {wrong.Message}", wrong);
        }
    }

    /// <summary>Series that match, with samples in the range, in the order of the index.</summary>
    public IEnumerable<(Labels Labels, BlockPart Part)> Select(IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        var buffer = new ByteBuffer();
        var chunks = new List<ChunkMeta>();
        foreach (uint series in PostingSearch.Find(Index, matchers, cancel))
        {
            cancel.ThrowIfCancellationRequested();
            chunks.Clear();
            Index.Chunks(series, range, chunks);
            if (chunks.Count == 0) continue;
            if (deleted.TryGetValue(series, out var gone) && chunks.TrueForAll(c => gone.Covers(c.MinMs, c.MaxMs))) continue;
            yield return (Index.LabelsOf(series, buffer), new BlockPart(this, series, chunks[0].MinMs, chunks[^1].MaxMs, chunks.Count));
        }
    }

    /// <summary>The bytes of a chunk; hold this block as long as them.</summary>
    public ReadOnlySpan<byte> Chunk(ChunkMeta meta, out ChunkEncoding encoding)
    {
        int number = (int)(meta.Ref >> 32);
        long at = (uint)meta.Ref;
        if (number >= chunkFiles.Length) throw new CorruptBlockException($"{Folder}: chunk file {number + 1} is missing");
        var file = chunkFiles[number];
        var head = file.UpTo(at, 5);
        var reader = new ByteReader(head);
        long length = (long)reader.Uvarint();
        long start = at + head.Length - reader.Remaining;
        var covered = file.Span(start, length + 1);
        if (Crc32C.Of(covered) != BinaryPrimitives.ReadUInt32BigEndian(file.Span(start + length + 1, 4)))
            throw new CorruptBlockException($"{file.Path}: the chunk at {at} has a wrong checksum");
        encoding = (ChunkEncoding)covered[0];
        return covered[1..];
    }

    /// <summary>Bytes of a series' chunks in a range. A chunk that is not where the index says counts nothing here; reading it will tell.</summary>
    public long ChunkBytes(uint series, TimeRange range)
    {
        var chunks = new List<ChunkMeta>();
        Index.Chunks(series, range, chunks);
        long bytes = 0;
        foreach (var chunk in chunks)
        {
            int number = (int)(chunk.Ref >> 32);
            if (number >= chunkFiles.Length) continue;
            bytes += (long)new ByteReader(chunkFiles[number].UpTo((uint)chunk.Ref, 5)).Uvarint();
        }
        return bytes;
    }

    /// <summary>Reads a series' samples, without deleted ones. A damaged chunk is left out, counted and logged.</summary>
    public void Read(uint series, TimeRange range, SampleColumns into)
    {
        if (deleted.TryGetValue(series, out var gone))
        {
            using var all = new SampleColumns();
            ReadAll(series, range, all);
            gone.Filter(all, into);
            return;
        }
        ReadAll(series, range, into);
    }

    /// <summary>Adds deleted ranges; they are durable and hidden when this returns.</summary>
    public void Delete(IReadOnlyDictionary<uint, TimeRange> ranges)
    {
        var next = new Dictionary<uint, DeletedRanges>(deleted);
        foreach (var (series, range) in ranges) next[series] = DeletedRanges.Add(next.GetValueOrDefault(series), range);
        Tombstones.Write(Folder, next);
        deleted = next;
    }

    private void ReadAll(uint series, TimeRange range, SampleColumns into)
    {
        var chunks = new List<ChunkMeta>();
        Index.Chunks(series, range, chunks);
        foreach (var chunk in chunks)
        {
            try
            {
                var bytes = Chunk(chunk, out var encoding);
                ChunkReader.Read(encoding, bytes, range, into);
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or CorruptChunkException or InvalidDataException)
            {
                damaged.Add(1);
                MetricsLog.DamagedChunk(logger, Folder, wrong.Message);
            }
        }
        GC.KeepAlive(this);
    }
}

/// <summary>A series of a block.</summary>
/// <param name="chunks">Chunks in the range that was selected.</param>
internal sealed class BlockPart(Block block, uint series, long minMs, long maxMs, int chunks) : ISeriesPart
{
    public Block Block { get; } = block;
    public uint Series { get; } = series;
    public long MinMs { get; } = minMs;
    public long MaxMs { get; } = maxMs;

    public int ChunkCount(TimeRange range) => chunks;

    public long ChunkBytes(TimeRange range) => Block.ChunkBytes(Series, range);

    public void Read(TimeRange range, SampleColumns into) => Block.Read(Series, range, into);
}
