using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>The blocks of one tenant. Readers take the current list, which never changes; changes make a new one.</summary>
internal sealed class BlockSet(string folder, IDisk disk, MetricInstruments instruments, ILogger logger)
{
    private const string Leaving = ".tmp-for-deletion";

    private readonly Lock gate = new();

    // Folders that could not be opened, with the bytes that they had then: one that is still being copied is tried again.
    private readonly Dictionary<string, long> damaged = new(StringComparer.Ordinal);
    private volatile IBlock[] current = [];

    /// <summary>Sorted by start.</summary>
    public IBlock[] Current => current;

    public string Folder => folder;

    /// <summary>Opens blocks that are in the folder and not in the list: at the start, and later ones that somebody put there.</summary>
    public void Load(bool start)
    {
        if (!Directory.Exists(folder)) return;
        if (start) RemoveLeftovers();
        var known = current.Select(b => b.Meta.Id).ToHashSet(StringComparer.Ordinal);
        var opened = new List<IBlock>();
        foreach (string path in Directory.EnumerateDirectories(folder))
        {
            string id = Path.GetFileName(path);
            if (!Ulid.IsUlid(id) || known.Contains(id) || (damaged.TryGetValue(id, out long bytes) && bytes == BytesOf(path))) continue;
            // While the store runs, meta.json is what says that a block was put there whole.
            if (!start && !File.Exists(Path.Combine(path, "meta.json"))) continue;
            try
            {
                opened.Add(Block.Open(path, disk, logger, instruments.ChunksDamaged));
                damaged.Remove(id);
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or IOException or UnauthorizedAccessException)
            {
                damaged[id] = BytesOf(path);
                instruments.BlocksDamaged.Add(1);
                MetricsLog.DamagedBlock(logger, path, wrong.Message);
            }
        }
        if (opened.Count == 0) return;
        var replaced = current.Concat(opened).SelectMany(b => b.Meta.Parents).Select(p => p.Id).ToHashSet(StringComparer.Ordinal);
        var gone = current.Concat(opened).Where(b => replaced.Contains(b.Meta.Id)).ToList();
        Change([.. opened.Except(gone)], gone, "a merged block holds its samples");
        foreach (var block in gone.Where(opened.Contains)) DeleteFolder(block.Folder);
    }

    /// <summary>Opens blocks that were just written. Where one does not open, all of them are deleted again: one that nobody knows of would bring back what is deleted meanwhile.</summary>
    /// <exception cref="CorruptBlockException">A block is damaged.</exception>
    /// <exception cref="IOException">A block cannot be read.</exception>
    public List<IBlock> OpenNew(IReadOnlyList<BlockMeta> written)
    {
        try
        {
            return [.. written.Select(meta => Block.Open(Path.Combine(folder, meta.Id), disk, logger, instruments.ChunksDamaged))];
        }
        catch
        {
            foreach (var meta in written) DeleteFolder(Path.Combine(folder, meta.Id));
            throw;
        }
    }

    /// <summary>Adds blocks and takes others away in one step; files of the latter are deleted.</summary>
    public void Change(IReadOnlyCollection<IBlock> add, IReadOnlyCollection<IBlock> remove, string why)
    {
        List<IBlock> removed;
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
            if (Directory.Exists(leaving)) disk.DeleteFolder(leaving);
            disk.Move(path, leaving);
            disk.DeleteFolder(leaving);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
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
                disk.DeleteFolder(path);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                MetricsLog.CannotDelete(logger, path, failure.Message);
            }
        }
    }

    private static long BytesOf(string path) => new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
}
