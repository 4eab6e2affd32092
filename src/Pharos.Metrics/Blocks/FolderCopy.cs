using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>Copies of blocks.</summary>
internal static class FolderCopy
{
    private static readonly string[] Files = ["meta.json", "index", "tombstones"];

    /// <summary>Copies a folder with all that is in it; files are shared with the original where the file system can.</summary>
    /// <exception cref="IOException">Something could not be written; part of the copy may be there.</exception>
    public static void Link(IDisk disk, string from, string to)
    {
        disk.CreateFolder(to);
        // Tombstones are replaced, never changed, so all files may be shared.
        foreach (string path in Directory.EnumerateFiles(from)) disk.Link(path, Path.Combine(to, Path.GetFileName(path)));
        foreach (string path in Directory.EnumerateDirectories(from)) Link(disk, path, Path.Combine(to, Path.GetFileName(path)));
        disk.SyncFolder(to);
    }

    /// <summary>Copies the files of a block into a folder of blocks. It appears there under its name whole and durable, or not at all.</summary>
    /// <exception cref="IOException">The block could not be written.</exception>
    public static void CopyBlock(IDisk disk, string from, string parent, string id)
    {
        string unfinished = Path.Combine(parent, id + BlockWriter.Unfinished), whole = Path.Combine(parent, id);
        if (Directory.Exists(unfinished)) disk.DeleteFolder(unfinished);
        try
        {
            string chunks = Path.Combine(unfinished, "chunks");
            disk.CreateFolder(chunks);
            foreach (string name in Files)
            {
                if (File.Exists(Path.Combine(from, name))) DurableFiles.Copy(disk, Path.Combine(from, name), Path.Combine(unfinished, name));
            }
            foreach (string path in Directory.EnumerateFiles(Path.Combine(from, "chunks"))) DurableFiles.Copy(disk, path, Path.Combine(chunks, Path.GetFileName(path)));
            disk.SyncFolder(chunks);
            disk.SyncFolder(unfinished);
            BlockWriter.Publish(disk, parent, id);
        }
        catch
        {
            BlockWriter.Discard(disk, unfinished);
            throw;
        }
    }
}
