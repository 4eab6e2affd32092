using System.Text.Json;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tools;

/// <summary>What became of one block that was to be imported.</summary>
/// <param name="NewId">The block's name at its new place; null where it was not taken.</param>
/// <param name="Problems">Why it was not taken; empty where it was, or where it is there already.</param>
public sealed record ImportedBlock(string Id, string? NewId, IReadOnlyList<FileProblem> Problems)
{
    /// <summary>Whether a block of the target holds its samples already.</summary>
    public bool AlreadyThere { get; init; }
}

/// <summary>
/// Brings blocks of Prometheus, Thanos or Mimir into a tenant's folder. Each is verified first, and appears under its name whole and durable;
/// a running server takes it in within a minute. External labels of Thanos become labels of each series, as its queries show them.
/// </summary>
public sealed class BlockImport
{
    private readonly string target;
    private readonly TimeProvider time;
    private readonly IDisk disk;
    private readonly List<BlockMeta> there = [];

    /// <param name="target">The tenant's folder; made if missing.</param>
    public BlockImport(string target, TimeProvider time) : this(target, time, FileDisk.Instance)
    {
    }

    internal BlockImport(string target, TimeProvider time, IDisk disk) => (this.target, this.time, this.disk) = (target, time, disk);

    /// <param name="source">A folder of blocks, such as a Prometheus's data folder, or one block.</param>
    /// <param name="progress">Called with blocks done and blocks in all.</param>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public IReadOnlyList<ImportedBlock> Run(string source, Action<long, long>? progress, CancellationToken cancel)
    {
        disk.CreateFolder(target);
        foreach (string path in BlockArchive.FoldersIn(target)) Remember(path);
        var folders = BlockArchive.FoldersIn(source);
        var done = new List<ImportedBlock>();
        foreach (string path in folders)
        {
            done.Add(Import(path, cancel));
            progress?.Invoke(done.Count, folders.Count);
        }
        return done;
    }

    private void Remember(string path)
    {
        string metaPath = Path.Combine(path, "meta.json");
        try
        {
            there.Add(BlockMeta.Parse(File.ReadAllBytes(metaPath), metaPath));
        }
        catch (Exception wrong) when (wrong is CorruptBlockException or IOException)
        {
            // A damaged block of the target is not in the way of others.
        }
    }

    private ImportedBlock Import(string path, CancellationToken cancel)
    {
        string id = Path.GetFileName(path);
        var problems = BlockVerifier.Verify(path, null, cancel);
        if (problems.Count > 0) return new ImportedBlock(id, null, problems);
        string metaPath = Path.Combine(path, "meta.json");
        var meta = BlockMeta.Parse(File.ReadAllBytes(metaPath), metaPath);
        if (there.Exists(b => b.Id == id || (meta.Sources.Count > 0 && meta.Sources.All(b.Sources.Contains)))) return new ImportedBlock(id, null, []) { AlreadyThere = true };
        var thanos = ReadThanos(metaPath);
        if (File.Exists(Path.Combine(path, "deletion-mark.json"))) return Refused("is marked for deletion (deletion-mark.json)");
        if (thanos.ResolutionMs > 0) return Refused($"is downsampled to {thanos.ResolutionMs} ms; only blocks of raw samples can be imported");
        string? newId = id;
        if (thanos.Labels.Count == 0) FolderCopy.CopyBlock(disk, path, target, id);
        else newId = Rewrite(path, thanos.Labels, meta, cancel);
        there.Add(meta);
        return new ImportedBlock(id, newId, []);

        ImportedBlock Refused(string why) => new(id, null, [new FileProblem(path, why)]);
    }

    /// <summary>Writes the block anew with labels added to each series; a label that a series has already stays as it is.</summary>
    private string? Rewrite(string path, IReadOnlyDictionary<string, string> labels, BlockMeta meta, CancellationToken cancel)
    {
        var archive = BlockArchive.Open(path, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var block = archive.Opened.Single();
        var series = new List<(Labels Labels, BlockSeries From)>();
        foreach (var one in block.All(cancel))
        {
            var builder = new LabelsBuilder(one.Labels);
            foreach (var (name, value) in labels)
            {
                if (!one.Labels.Has(name)) builder.Set(name, value);
            }
            series.Add((builder.ToLabels(), one));
        }
        series.Sort((a, b) => a.Labels.CompareTo(b.Labels));
        using var writer = new BlockWriter(disk, target, Ulid.New(time.UnixMs()));
        foreach (var one in series) writer.Announce(one.Labels);
        var chunks = new List<ChunkToWrite>();
        foreach (var one in series)
        {
            chunks.Clear();
            block.ReadChunks(one.From.Number, chunks, out bool touched);
            if (touched)
            {
                using var samples = new SampleColumns();
                block.ReadWhole(one.From.Number, samples);
                chunks.Clear();
                Chunks.ChunkEncoder.Encode(samples, chunks);
            }
            writer.AddSeries(one.Labels, chunks);
        }
        return writer.Finish(new BlockMeta { Id = writer.Id, MinMs = meta.MinMs, EndMs = meta.EndMs, Level = meta.Level, Sources = [meta.Id, .. meta.Sources] })?.Id;
    }

    /// <summary>The part <c>thanos</c> of a meta.json; Mimir keeps labels of its own there, which begin with two underscores and are not the series'.</summary>
    private static (Dictionary<string, string> Labels, long ResolutionMs) ReadThanos(string metaPath)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        long resolution = 0;
        using var document = JsonDocument.Parse(File.ReadAllBytes(metaPath));
        if (!document.RootElement.TryGetProperty("thanos", out var thanos) || thanos.ValueKind != JsonValueKind.Object) return (labels, 0);
        if (thanos.TryGetProperty("labels", out var all) && all.ValueKind == JsonValueKind.Object)
        {
            foreach (var label in all.EnumerateObject())
            {
                if (!label.Name.StartsWith("__", StringComparison.Ordinal)) labels[label.Name] = label.Value.ToString();
            }
        }
        if (thanos.TryGetProperty("downsample", out var downsample) && downsample.ValueKind == JsonValueKind.Object
            && downsample.TryGetProperty("resolution", out var ms) && ms.TryGetInt64(out long found)) resolution = found;
        return (labels, resolution);
    }
}
