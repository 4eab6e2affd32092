using Microsoft.Win32.SafeHandles;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tests;

/// <summary>The real disk, but for its n-th changing call, which fails; a write is then half done.</summary>
/// <param name="failures">So many calls fail, the n-th and those after it.</param>
/// <param name="failure">What is thrown where it is not what a disk says.</param>
internal sealed class NthCallDisk(int failing, int failures = 1, Exception? failure = null) : IDisk
{
    private int calls;
    private bool mended;

    public bool Fired { get; private set; }

    /// <summary>From now on every call succeeds.</summary>
    public void Mend() => mended = true;

    public SafeFileHandle Open(string path, FileMode mode)
    {
        Call();
        return FileDisk.Instance.Open(path, mode);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        if (calls + 1 == failing && !mended) FileDisk.Instance.Write(file, bytes[..(bytes.Length / 2)], offset);
        Call();
        FileDisk.Instance.Write(file, bytes, offset);
    }

    // The bytes stay in the machine's cache, which no test switches off: nothing to wait for.
    public void Sync(SafeFileHandle file) => Call();

    public void SetLength(SafeFileHandle file, long length)
    {
        Call();
        FileDisk.Instance.SetLength(file, length);
    }

    public void CreateFolder(string path)
    {
        Call();
        FileDisk.Instance.CreateFolder(path);
    }

    public void Link(string from, string to)
    {
        Call();
        FileDisk.Instance.Link(from, to);
    }

    public void Move(string from, string to)
    {
        Call();
        FileDisk.Instance.Move(from, to);
    }

    public void Delete(string path)
    {
        Call();
        FileDisk.Instance.Delete(path);
    }

    public void DeleteFolder(string path)
    {
        Call();
        FileDisk.Instance.DeleteFolder(path);
    }

    public void SyncFolder(string folder) => Call();

    public long FreeBytes(string folder) => FileDisk.Instance.FreeBytes(folder);

    private void Call()
    {
        if (++calls < failing || mended || calls - failing >= failures) return;
        Fired = true;
        throw failure ?? new IOException($"injected: disk call {failing} failed");
    }
}
