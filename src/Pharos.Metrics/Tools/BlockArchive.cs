using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tools;

/// <summary>A folder of blocks opened for reading, without a store. What a running server still has in memory is not seen.</summary>
public sealed class BlockArchive
{
    private readonly List<IBlock> blocks = [];
    private readonly List<FileProblem> damaged = [];
    private readonly InstrumentCell damage;
    private readonly ILogger logger;

    private BlockArchive(ILogger logger)
    {
        this.logger = logger;
        damage = new Instruments().Counter("damaged_total", "Damaged blocks, series and chunks that were left out.").With();
    }

    /// <summary>The blocks that could be opened, oldest first.</summary>
    public IReadOnlyList<BlockStatus> Blocks => [.. blocks.Select(StatusOf)];

    /// <summary>Blocks that could not be opened.</summary>
    public IReadOnlyList<FileProblem> Damaged => damaged;

    /// <summary>How many blocks, series and chunks were left out of answers so far because they are damaged.</summary>
    public long LeftOut => (long)damage.Value;

    /// <param name="logger">Told of damaged series and chunks as reading meets them.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static BlockArchive Open(string folder, ILogger logger)
    {
        var archive = new BlockArchive(logger);
        foreach (string path in FoldersIn(folder)) archive.Add(path);
        archive.blocks.Sort((a, b) => (a.Meta.MinMs, a.Meta.Id).CompareTo((b.Meta.MinMs, b.Meta.Id)));
        return archive;
    }

    /// <summary>The folders of blocks in a folder, by name; the folder itself where it is one block.</summary>
    public static IReadOnlyList<string> FoldersIn(string folder)
    {
        folder = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder} is no folder");
        if (Ulid.IsUlid(Path.GetFileName(folder))) return [folder];
        return [.. Directory.EnumerateDirectories(folder).Where(d => Ulid.IsUlid(Path.GetFileName(d))).Order(StringComparer.Ordinal)];
    }

    /// <summary>Series that match, sorted by labels, as a query would see them.</summary>
    public IReadOnlyList<ISeries> Select(IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        var all = new List<ISeries>();
        BlockQuery.Add(BlockQuery.Overlapping(blocks, range), matchers, range, [], all, null, damage, logger, cancel);
        all.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return all;
    }

    /// <summary>Counts what a block holds.</summary>
    /// <param name="id">A block's name; null for the newest.</param>
    /// <param name="limit">Longest list.</param>
    /// <exception cref="ArgumentException">There is no such block.</exception>
    public BlockAnalysis Analyze(string? id, IReadOnlyList<Matcher> matchers, int limit, CancellationToken cancel)
    {
        var block = id is null ? blocks.LastOrDefault() : blocks.Find(b => b.Meta.Id == id);
        if (block is null) throw new ArgumentException(id is null ? "the folder holds no block" : $"the folder holds no block {id}");
        return BlockAnalysis.Of(block, StatusOf(block), matchers, limit, cancel);
    }

    internal IReadOnlyList<IBlock> Opened => blocks;

    private void Add(string path)
    {
        try
        {
            blocks.Add(Block.Open(path, FileDisk.Instance, logger, damage));
        }
        catch (Exception wrong) when (wrong is CorruptBlockException or IOException or UnauthorizedAccessException)
        {
            damaged.Add(new FileProblem(path, wrong.Message));
        }
    }

    private static BlockStatus StatusOf(IBlock b) => new(
        b.Meta.Id, b.Meta.MinMs, b.Meta.EndMs, b.Meta.Level, b.Meta.Series, b.Meta.FloatSamples + b.Meta.HistogramSamples, b.Meta.Chunks, b.Bytes, b.Folder);
}
