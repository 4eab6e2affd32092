using System.Runtime.InteropServices;

namespace Pharos.Metrics.Blocks;

/// <summary>Copies of blocks that share their files with the original where the file system can.</summary>
internal static partial class FolderCopy
{
    public static void Link(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from))
        {
            string target = Path.Combine(to, Path.GetFileName(path));
            // Tombstones are replaced, never changed, so all files may be shared.
            if (OperatingSystem.IsWindows() || HardLink(path, target) != 0) File.Copy(path, target);
        }
        foreach (string path in Directory.EnumerateDirectories(from)) Link(path, Path.Combine(to, Path.GetFileName(path)));
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int HardLink(string from, string to);
}
