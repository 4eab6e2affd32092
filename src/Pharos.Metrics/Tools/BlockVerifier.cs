using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tools;

/// <summary>
/// Reads every file of a block as far as it goes: checksums, order, references, and each sample of each chunk.
/// What a reader would stumble over is named with its file; a file is named at most <see cref="ProblemsPerFileMax"/> times.
/// </summary>
public sealed class BlockVerifier
{
    public const int ProblemsPerFileMax = 10;

    private readonly string folder;
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly List<FileProblem> problems = [];
    private BlockMeta? meta;
    private long series;
    private long chunkCount;
    private long samples;

    private readonly bool readsChunks;

    private BlockVerifier(string folder, bool readsChunks) => (this.folder, this.readsChunks) = (folder, readsChunks);

    /// <param name="blockFolder">The folder of one block.</param>
    /// <param name="progress">Called with series read and series in all.</param>
    /// <returns>What is wrong; empty for a block without damage.</returns>
    public static IReadOnlyList<FileProblem> Verify(string blockFolder, Action<long, long>? progress, CancellationToken cancel) => Verify(blockFolder, true, progress, cancel);

    /// <inheritdoc cref="Verify(string, Action{long, long}, CancellationToken)"/>
    /// <param name="readsChunks">False: samples are not read.</param>
    public static IReadOnlyList<FileProblem> Verify(string blockFolder, bool readsChunks, Action<long, long>? progress, CancellationToken cancel)
    {
        var verifier = new BlockVerifier(blockFolder, readsChunks);
        verifier.Verify(progress, cancel);
        foreach (var (path, count) in verifier.counts.Where(c => c.Value > ProblemsPerFileMax))
            verifier.problems.Add(new FileProblem(path, $"and {count - ProblemsPerFileMax} more of the kind"));
        return verifier.problems;
    }

    private void Verify(Action<long, long>? progress, CancellationToken cancel)
    {
        CheckMeta();
        string tombstones = Path.Combine(folder, "tombstones"), indexPath = Path.Combine(folder, "index"), chunkFolder = Path.Combine(folder, "chunks");
        Try(tombstones, () => Tombstones.Read(folder));
        if (meta is { Tombstones: > 0 } && !File.Exists(tombstones)) Report(tombstones, $"is missing; meta.json says that {meta.Tombstones} ranges are deleted");
        if (!File.Exists(indexPath)) Report(indexPath, "is missing");
        if (!Directory.Exists(chunkFolder)) Report(chunkFolder, "is missing");
        IndexReader? index = null;
        ChunkFiles? chunks = null;
        if (File.Exists(indexPath)) Try(indexPath, () => index = new IndexReader(indexPath));
        if (Directory.Exists(chunkFolder)) Try(chunkFolder, () => chunks = new ChunkFiles(chunkFolder));
        if (index is null) return;
        var pairs = new Dictionary<string, long>(StringComparer.Ordinal);
        bool read = false;
        Try(indexPath, () => read = CheckSeries(index, indexPath, chunks, pairs, progress, cancel));
        Try(indexPath, () => CheckPostings(index, indexPath, pairs, cancel));
        if (read && readsChunks && chunks is not null && problems.Count == 0) CheckCounts();
    }

    private void CheckMeta()
    {
        string path = Path.Combine(folder, "meta.json");
        if (!File.Exists(path))
        {
            Report(path, "is missing");
            return;
        }
        Try(path, () => meta = BlockMeta.Parse(File.ReadAllBytes(path), path));
        if (meta is null) return;
        if (meta.Id != Path.GetFileName(folder)) Report(path, $"names block {meta.Id}; the folder is {Path.GetFileName(folder)}");
        if (meta.MinMs >= meta.EndMs) Report(path, $"says that the block ends ({meta.EndMs}) before it starts ({meta.MinMs})");
    }

    private bool CheckSeries(
        IndexReader index, string path, ChunkFiles? chunks, Dictionary<string, long> pairs, Action<long, long>? progress, CancellationToken cancel)
    {
        var all = index.All();
        var buffer = new ByteBuffer();
        var metas = new List<ChunkMeta>();
        using var columns = new SampleColumns();
        Labels? last = null;
        foreach (uint number in all.ToArray())
        {
            cancel.ThrowIfCancellationRequested();
            Try(path, () =>
            {
                var labels = index.LabelsOf(number, buffer);
                if (last is not null && last.CompareTo(labels) >= 0) Report(path, $"series {labels} stands behind {last}, out of order");
                last = labels;
                foreach (var label in labels) pairs[label.Name] = pairs.GetValueOrDefault(label.Name) + 1;
                metas.Clear();
                index.Chunks(number, TimeRange.All, metas);
                if (chunks is not null && readsChunks) CheckChunks(labels, metas, chunks, columns);
            });
            series++;
            if (series % 1000 == 0 || series == all.Length) progress?.Invoke(series, all.Length);
        }
        return true;
    }

    private void CheckChunks(Labels labels, List<ChunkMeta> metas, ChunkFiles chunks, SampleColumns columns)
    {
        long last = long.MinValue;
        foreach (var chunk in metas)
        {
            string path = chunks.PathOf(chunk);
            chunkCount++;
            Try(path, () =>
            {
                columns.Clear();
                var bytes = chunks.Chunk(chunk, out var encoding);
                ChunkReader.Read(encoding, bytes, TimeRange.All, columns);
                samples += columns.Count;
                if (columns.Count == 0) Report(path, $"the chunk at {(uint)chunk.Ref} of {labels} is empty");
                foreach (long t in columns.Timestamps)
                {
                    if (t <= last) Report(path, $"the chunk at {(uint)chunk.Ref} of {labels} has time {t} behind {last}");
                    last = t;
                }
                if (columns.Count > 0 && (columns.Timestamps[0] != chunk.MinMs || columns.Timestamps[^1] != chunk.MaxMs))
                    Report(path, $"the chunk at {(uint)chunk.Ref} of {labels} goes from {columns.Timestamps[0]} to {columns.Timestamps[^1]}; the index says {chunk.MinMs} to {chunk.MaxMs}");
                if (meta is not null && (chunk.MinMs < meta.MinMs || chunk.MaxMs >= meta.EndMs))
                    Report(path, $"the chunk at {(uint)chunk.Ref} of {labels} goes from {chunk.MinMs} to {chunk.MaxMs}, outside the block's {meta.MinMs} to {meta.EndMs}");
            });
        }
    }

    private void CheckPostings(IndexReader index, string path, Dictionary<string, long> pairs, CancellationToken cancel)
    {
        foreach (string name in index.Names)
        {
            cancel.ThrowIfCancellationRequested();
            long entries = 0;
            foreach (string value in index.Values(name))
            {
                Try(path, () =>
                {
                    var of = index.Of(name, value).Span;
                    entries += of.Length;
                    for (int i = 1; i < of.Length; i++)
                    {
                        if (of[i] <= of[i - 1]) Report(path, $"the postings of {name}=\"{value}\" are not sorted");
                    }
                });
            }
            long counted = pairs.GetValueOrDefault(name);
            if (entries != counted) Report(path, $"label {name} is on {counted} series and its postings hold {entries}");
        }
    }

    private void CheckCounts()
    {
        string path = Path.Combine(folder, "meta.json");
        if (meta is null) return;
        Compare("series", meta.Series, series);
        Compare("chunks", meta.Chunks, chunkCount);
        Compare("samples", meta.FloatSamples + meta.HistogramSamples, samples);

        void Compare(string what, long said, long counted)
        {
            if (said != counted) Report(path, $"says {said} {what}; the block holds {counted}");
        }
    }

    private void Try(string path, Action read)
    {
        try
        {
            read();
        }
        catch (Exception wrong) when (wrong is CorruptBlockException or CorruptChunkException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Report(path, wrong.Message);
        }
    }

    private void Report(string path, string problem)
    {
        int count = counts[path] = counts.GetValueOrDefault(path) + 1;
        if (count <= ProblemsPerFileMax) problems.Add(new FileProblem(path, problem));
    }
}
