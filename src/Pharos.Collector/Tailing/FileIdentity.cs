using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pharos.Collector.Tailing;

/// <summary>
/// Which file it is, whatever its name: device and inode on Linux. Elsewhere the time of its creation, which tells a replaced file
/// from the one before as long as the clock moves.
/// </summary>
internal readonly partial record struct FileIdentity(ulong Device, ulong Number)
{
    private const int CurrentFolder = -100;
    private const int EmptyPath = 0x1000;
    private const uint BasicFields = 0x7ff;

    /// <summary>Null where there is no such file.</summary>
    public static FileIdentity? Of(string path)
    {
        if (!OperatingSystem.IsLinux()) return File.Exists(path) ? new FileIdentity(0, (ulong)File.GetCreationTimeUtc(path).Ticks) : null;
        Span<byte> status = stackalloc byte[256];
        return Statx(CurrentFolder, path, 0, BasicFields, ref MemoryMarshal.GetReference(status)) == 0 ? Read(status) : null;
    }

    /// <summary>Of a file that is open, even when its name is gone.</summary>
    public static FileIdentity Of(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsLinux()) return new FileIdentity(0, (ulong)File.GetCreationTimeUtc(handle).Ticks);
        Span<byte> status = stackalloc byte[256];
        bool added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            if (Statx((int)handle.DangerousGetHandle(), "", EmptyPath, BasicFields, ref MemoryMarshal.GetReference(status)) != 0)
                throw new IOException($"statx failed with error {Marshal.GetLastPInvokeError()}");
            return Read(status);
        }
        finally
        {
            if (added) handle.DangerousRelease();
        }
    }

    // struct statx has one layout on all machines: stx_ino at 32, stx_dev_major and stx_dev_minor at 136 and 140.
    private static FileIdentity Read(ReadOnlySpan<byte> status) => new(
        ((ulong)MemoryMarshal.Read<uint>(status[136..]) << 32) | MemoryMarshal.Read<uint>(status[140..]), MemoryMarshal.Read<ulong>(status[32..]));

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);
}
