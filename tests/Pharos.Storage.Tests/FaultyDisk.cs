using Microsoft.Win32.SafeHandles;
using Pharos.Storage.Files;

namespace Pharos.Storage.Tests;

/// <summary>A disk with room for so many bytes, or whose n-th call fails. A write that does not fit is half done, as on a real disk.</summary>
internal sealed class FaultyDisk : IDisk
{
    private int calls;

    /// <summary>Bytes that may still be written.</summary>
    public long Room { get; set; } = long.MaxValue;

    /// <summary>The call that fails, from 1; 0 for none.</summary>
    public int FailCall { get; set; }

    public bool Fired { get; private set; }

    public bool SyncFails { get; set; }

    /// <summary>What <see cref="FreeBytes"/> says.</summary>
    public long Free { get; set; } = long.MaxValue / 2;

    /// <summary>Is told of a file before it is opened, and may fail.</summary>
    public Action<string>? Opening { get; set; }

    /// <summary>Is told of each call that is counted before it is done.</summary>
    public Action? Calling { get; set; }

    public SafeFileHandle Open(string path, FileMode mode)
    {
        Opening?.Invoke(path);
        Count();
        return FileDisk.Instance.Open(path, mode);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        if (Counts())
        {
            FileDisk.Instance.Write(file, bytes[..(bytes.Length / 2)], offset);
            throw new IOException("injected: write failed");
        }
        int fits = (int)Math.Min(bytes.Length, Room);
        FileDisk.Instance.Write(file, bytes[..fits], offset);
        Room -= fits;
        if (fits < bytes.Length) throw new IOException("injected: no space left on device");
    }

    public void Sync(SafeFileHandle file)
    {
        if (SyncFails) throw new IOException("injected: sync failed");
        Count();
    }

    public void SetLength(SafeFileHandle file, long length)
    {
        Count();
        FileDisk.Instance.SetLength(file, length);
    }

    public void CreateFolder(string path)
    {
        Count();
        FileDisk.Instance.CreateFolder(path);
    }

    public void Link(string from, string to)
    {
        Count();
        FileDisk.Instance.Link(from, to);
    }

    public void Move(string from, string to)
    {
        Count();
        FileDisk.Instance.Move(from, to);
    }

    public void DeleteFolder(string path)
    {
        Count();
        FileDisk.Instance.DeleteFolder(path);
    }

    public void Delete(string path)
    {
        Count();
        FileDisk.Instance.Delete(path);
    }

    public void SyncFolder(string folder) => Count();

    public long FreeBytes(string folder) => Free;

    private bool Counts()
    {
        Calling?.Invoke();
        if (++calls != FailCall) return false;
        Fired = true;
        return true;
    }

    private void Count()
    {
        if (Counts()) throw new IOException("injected: call failed");
    }
}
