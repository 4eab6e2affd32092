using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>A chunk on its way into a block.</summary>
internal readonly record struct ChunkToWrite(ChunkEncoding Encoding, long MinMs, long MaxMs, ReadOnlyMemory<byte> Data);

/// <summary>
/// Writes one block: first all labels are announced, then the series come, sorted by labels.
/// The block appears under its name whole and durable, or not at all.
/// </summary>
internal sealed class BlockWriter : IDisposable
{
    public const string Unfinished = ".tmp-for-creation";

    private readonly IDisk disk;
    private readonly string parent;
    private readonly string folder;
    private readonly SymbolTable symbols = new();
    private readonly ChunkFileWriter chunks;
    private readonly List<ChunkMeta> metas = [];
    private IndexWriter? index;
    private long seriesCount;
    private long chunkCount;
    private long floats;
    private long histograms;

    public BlockWriter(IDisk disk, string parent, string id)
    {
        this.disk = disk;
        this.parent = parent;
        Id = id;
        folder = Path.Combine(parent, id + Unfinished);
        disk.CreateFolder(Path.Combine(folder, "chunks"));
        chunks = new ChunkFileWriter(disk, Path.Combine(folder, "chunks"));
    }

    public string Id { get; }

    public void Announce(Labels labels)
    {
        foreach (var label in labels)
        {
            symbols.Add(label.NameUtf8);
            symbols.Add(label.ValueUtf8);
        }
    }

    public void AddSeries(Labels labels, IReadOnlyList<ChunkToWrite> series)
    {
        if (series.Count == 0) return;
        index ??= new IndexWriter(disk, Path.Combine(folder, "index"), symbols);
        metas.Clear();
        foreach (var chunk in series)
        {
            metas.Add(new ChunkMeta(chunk.MinMs, chunk.MaxMs, chunks.Write(chunk.Encoding, chunk.Data.Span)));
            int samples = ChunkReader.Count(chunk.Data.Span);
            if (chunk.Encoding is ChunkEncoding.Histogram or ChunkEncoding.FloatHistogram) histograms += samples;
            else floats += samples;
        }
        index.AddSeries(labels, metas);
        seriesCount++;
        chunkCount += series.Count;
    }

    /// <summary>Finishes the block. Null where it holds nothing; then there is none.</summary>
    public BlockMeta? Finish(BlockMeta frame)
    {
        if (index is null) return null;
        index.Finish();
        chunks.Finish();
        var meta = frame with
        {
            Id = Id,
            Series = seriesCount,
            Chunks = chunkCount,
            FloatSamples = floats,
            HistogramSamples = histograms,
            Sources = frame.Sources.Count == 0 ? [Id] : frame.Sources,
        };
        Tombstones.Write(disk, folder, new Dictionary<uint, DeletedRanges>());
        DurableFiles.Replace(disk, Path.Combine(folder, "meta.json"), meta.ToJson());
        disk.SyncFolder(Path.Combine(folder, "chunks"));
        Publish(disk, parent, Id);
        return meta;
    }

    /// <summary>Gives a block that was written whole its name.</summary>
    public static void Publish(IDisk disk, string parent, string id)
    {
        string whole = Path.Combine(parent, id), folder = whole + Unfinished;
        disk.Move(folder, whole);
        try
        {
            disk.SyncFolder(parent);
        }
        catch (IOException)
        {
            // A block that nobody knows of would bring back what is deleted elsewhere meanwhile.
            disk.Move(whole, folder);
            throw;
        }
    }

    /// <summary>Removes a block that did not come to be.</summary>
    public static void Discard(IDisk disk, string unfinished)
    {
        try
        {
            if (Directory.Exists(unfinished)) disk.DeleteFolder(unfinished);
        }
        catch (IOException)
        {
            // What made the block fail goes to the caller; the folder is removed at the next start.
        }
    }

    public void Dispose()
    {
        index?.Dispose();
        chunks.Dispose();
        Discard(disk, folder);
    }
}
