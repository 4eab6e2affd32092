using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pharos.Storage.Files;

/// <summary>The few file calls by which the stores write, so that a test can make any of them fail.</summary>
public interface IDisk
{
    SafeFileHandle Open(string path, FileMode mode);

    void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset);

    void Sync(SafeFileHandle file);

    void SetLength(SafeFileHandle file, long length);

    void CreateFolder(string path);

    /// <summary>Gives a file a second name in another folder; a copy where the file system cannot. The target must not exist.</summary>
    void Link(string from, string to);

    /// <summary>Renames a file, over another one of that name, or a folder.</summary>
    void Move(string from, string to);

    /// <summary>Deletes a folder with all that is in it.</summary>
    void DeleteFolder(string path);

    void Delete(string path);

    /// <summary>Makes created, renamed and deleted names of a folder durable.</summary>
    void SyncFolder(string folder);

    /// <summary>Bytes that may still be written to the file system of a folder.</summary>
    long FreeBytes(string folder);
}

/// <summary>The real disk.</summary>
public sealed partial class FileDisk : IDisk
{
    public static FileDisk Instance { get; } = new();

    public SafeFileHandle Open(string path, FileMode mode) =>
        File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

    public void Sync(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public void SetLength(SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public void Link(string from, string to)
    {
        if (OperatingSystem.IsWindows() || HardLink(from, to) != 0) File.Copy(from, to);
    }

    public void Move(string from, string to)
    {
        if (Directory.Exists(from)) Directory.Move(from, to);
        else File.Move(from, to, overwrite: true);
    }

    public void DeleteFolder(string path) => Directory.Delete(path, recursive: true);

    public void Delete(string path) => File.Delete(path);

    public void SyncFolder(string folder) => DurableFiles.SyncFolder(folder);

    public long FreeBytes(string folder) => DurableFiles.FreeBytes(folder);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int HardLink(string from, string to);
}
