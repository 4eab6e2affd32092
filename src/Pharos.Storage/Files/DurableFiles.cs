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

    /// <summary>Copies a file, or a range of it, into a new one and syncs that; its folder is for the caller to sync.</summary>
    /// <param name="from">May be written by this or another process meanwhile.</param>
    /// <param name="offset">Where the range starts.</param>
    /// <param name="bytes">Length of the range; what lies behind the file's end is left out.</param>
    public static void Copy(IDisk disk, string from, string to, long offset = 0, long bytes = long.MaxValue)
    {
        using var source = File.OpenHandle(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var target = disk.Open(to, FileMode.Create);
        var buffer = new byte[256 << 10];
        for (long copied = 0; copied < bytes;)
        {
            int read = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - copied)), offset + copied);
            if (read == 0) break;
            disk.Write(target, buffer.AsSpan(0, read), copied);
            copied += read;
        }
        disk.Sync(target);
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
