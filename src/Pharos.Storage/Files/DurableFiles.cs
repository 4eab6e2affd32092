using System.Runtime.InteropServices;

namespace Pharos.Storage.Files;

/// <summary>File operations that survive a power cut.</summary>
public static partial class DurableFiles
{
    /// <summary>
    /// Writes a whole file: to a temporary name beside it, synced, then renamed over the old one.
    /// A reader sees the old bytes or the new ones, never a mixture.
    /// </summary>
    public static void Replace(string path, ReadOnlySpan<byte> content) => Replace(FileDisk.Instance, path, content);

    /// <inheritdoc cref="Replace(string, ReadOnlySpan{byte})"/>
    public static void Replace(IDisk disk, string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + ".tmp";
        using (var file = disk.Open(temporary, FileMode.Create))
        {
            disk.Write(file, content, 0);
            disk.Sync(file);
        }
        disk.Move(temporary, path);
        disk.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes created, renamed and deleted names of a folder durable. Does nothing where the system has no such call.</summary>
    public static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(folder, 0);
        if (descriptor < 0) throw new IOException($"cannot open folder {folder} to sync it: error {Marshal.GetLastPInvokeError()}");
        try
        {
            const int invalidArgument = 22;
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != invalidArgument)
                throw new IOException($"cannot sync folder {folder}: error {Marshal.GetLastPInvokeError()}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Bytes that this process may still write to the file system that holds a folder.</summary>
    public static long FreeBytes(string folder) => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
