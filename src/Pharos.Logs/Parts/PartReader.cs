using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;

namespace Pharos.Logs.Parts;

/// <summary>Opens parts.</summary>
internal static class PartReader
{
    private const int ReadBytes = 256 << 10;

    /// <summary>Opens a part: checks its index as a whole, and keeps the directory of it.</summary>
    /// <exception cref="InvalidDataException">The file is no part of a known version, or damaged.</exception>
    public static PartFile Open(string path, IndexCache cache)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        long length = RandomAccess.GetLength(file);
        if (length < PartFormat.HeaderBytes + PartFormat.FooterBytes) throw new InvalidDataException($"it has {length} bytes, too few for a part");
        Span<byte> start = stackalloc byte[PartFormat.HeaderBytes];
        RandomAccess.Read(file, start, 0);
        if (!start[..8].SequenceEqual(PartFormat.Magic)) throw new InvalidDataException("it does not start with the magic number of a part");
        int version = BinaryPrimitives.ReadInt32LittleEndian(start[8..]);
        if (version != PartFormat.Version) throw new InvalidDataException($"it has version {version}, this program reads version {PartFormat.Version}");
        Span<byte> end = stackalloc byte[PartFormat.FooterBytes];
        RandomAccess.Read(file, end, length - PartFormat.FooterBytes);
        var footer = PartFooter.Read(end, length);
        CheckIndex(file, footer);
        long pagesEnd = footer.IndexAt + footer.IndexLength - footer.DirectoryLength;
        byte[] directory = new byte[footer.DirectoryLength];
        RandomAccess.Read(file, directory, pagesEnd);
        return new PartFile(path, footer, PartDirectory.Read(directory, footer.IndexAt, pagesEnd, UtcDays.StartOf(footer.MinNs)), cache);
    }

    /// <summary>Whether an exception tells that bytes of a part are damaged or cannot be read.</summary>
    public static bool IsDamage(Exception e) =>
        e is IOException or InvalidDataException or UnauthorizedAccessException or OverflowException or ArgumentException or IndexOutOfRangeException;

    private static void CheckIndex(SafeFileHandle file, PartFooter footer)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            uint crc = 0;
            for (int at = 0; at < footer.IndexLength;)
            {
                int read = RandomAccess.Read(file, buffer.AsSpan(0, Math.Min(ReadBytes, footer.IndexLength - at)), footer.IndexAt + at);
                if (read == 0) throw new InvalidDataException("the index ends early");
                crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
                at += read;
            }
            if (crc != footer.IndexCrc) throw new InvalidDataException($"the index at offset {footer.IndexAt} has a checksum that does not match");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
