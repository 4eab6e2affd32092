using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>The blocks of one tenant. Readers take the current list, which never changes; changes make a new one.</summary>
internal sealed class BlockSet(string folder, MetricInstruments instruments, ILogger logger)
{
    private const string Leaving = ".tmp-for-deletion";

    private readonly Lock gate = new();
    private readonly HashSet<string> damaged = new(StringComparer.Ordinal);
    private volatile Block[] current = [];

    /// <summary>Sorted by start.</summary>
    public Block[] Current => current;

    public string Folder => folder;

    /// <summary>Opens blocks that are in the folder and not in the list: at the start, and later ones that somebody put there.</summary>
    public void Load(bool start)
    {
        if (!Directory.Exists(folder)) return;
        if (start) RemoveLeftovers();
        var known = current.Select(b => b.Meta.Id).ToHashSet(StringComparer.Ordinal);
        var opened = new List<Block>();
        foreach (string path in Directory.EnumerateDirectories(folder))
        {
            string id = Path.GetFileName(path);
            if (!Ulid.IsUlid(id) || known.Contains(id) || damaged.Contains(id)) continue;
            if (!File.Exists(Path.Combine(path, "meta.json"))) continue;
            try
            {
                opened.Add(Block.Open(path, logger, instruments.ChunksDamaged));
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or IOException or UnauthorizedAccessException)
            {
                damaged.Add(id);
                instruments.BlocksDamaged.Add(1);
                MetricsLog.DamagedBlock(logger, path, wrong.Message);
            }
        }
        if (opened.Count == 0) return;
        var replaced = opened.SelectMany(b => b.Meta.Parents).Select(p => p.Id).ToHashSet(StringComparer.Ordinal);
        var gone = current.Concat(opened).Where(b => replaced.Contains(b.Meta.Id)).ToList();
        Change([.. opened.Except(gone)], gone, "a merged block holds its samples");
        foreach (var block in gone.Where(opened.Contains)) DeleteFolder(block.Folder);
    }

    public Block Open(BlockMeta meta) => Block.Open(Path.Combine(folder, meta.Id), logger, instruments.ChunksDamaged);

    /// <summary>Adds blocks and takes others away in one step; files of the latter are deleted.</summary>
    public void Change(IReadOnlyCollection<Block> add, IReadOnlyCollection<Block> remove, string why)
    {
        List<Block> removed;
        lock (gate)
        {
            removed = [.. current.Where(remove.Contains)];
            current = [.. current.Except(removed).Concat(add).OrderBy(b => b.Meta.MinMs).ThenBy(b => b.Meta.Id, StringComparer.Ordinal)];
        }
        foreach (var block in removed)
        {
            DeleteFolder(block.Folder);
            MetricsLog.Deleted(logger, block.Meta.Id, Path.GetFileName(folder), why);
        }
    }

    private void DeleteFolder(string path)
    {
        try
        {
            string leaving = path + Leaving;
            if (Directory.Exists(leaving)) Directory.Delete(leaving, recursive: true);
            Directory.Move(path, leaving);
            Directory.Delete(leaving, recursive: true);
        }
        catch (IOException failure)
        {
            MetricsLog.CannotDelete(logger, path, failure.Message);
        }
    }

    private void RemoveLeftovers()
    {
        foreach (string path in Directory.EnumerateDirectories(folder))
        {
            if (!path.EndsWith(BlockWriter.Unfinished, StringComparison.Ordinal) && !path.EndsWith(Leaving, StringComparison.Ordinal)) continue;
            try
            {
                Directory.Delete(path, recursive: true);
            }
            catch (IOException failure)
            {
                MetricsLog.CannotDelete(logger, path, failure.Message);
            }
        }
    }
}
