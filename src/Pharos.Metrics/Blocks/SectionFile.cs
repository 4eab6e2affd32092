using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>Writes a file from front to back, with a running checksum and lengths filled in behind.</summary>
internal sealed class SectionFile(IDisk disk, string path) : IDisposable
{
    private readonly SafeFileHandle file = disk.Open(path, FileMode.Create);
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
    private int buffered;
    private long flushed;
    private uint checksum;
    private long sectionStart;

    public long Position => flushed + buffered;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        checksum = Crc32C.Append(checksum, bytes);
        while (!bytes.IsEmpty)
        {
            if (buffered == buffer.Length) Flush();
            int part = Math.Min(bytes.Length, buffer.Length - buffered);
            bytes[..part].CopyTo(buffer.AsSpan(buffered));
            buffered += part;
            bytes = bytes[part..];
        }
    }

    public void UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Write(bytes);
    }

    public void UInt64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        Write(bytes);
    }

    /// <summary>Zeros up to a multiple of a power of two.</summary>
    public void Align(int to)
    {
        Span<byte> zeros = stackalloc byte[16];
        zeros.Clear();
        int rest = (int)(Position & (to - 1));
        if (rest != 0) Write(zeros[..(to - rest)]);
    }

    /// <summary>Begins a section: four bytes for its length, then the checksum starts.</summary>
    public long BeginSection()
    {
        sectionStart = Position;
        UInt32(0);
        checksum = 0;
        return sectionStart;
    }

    public void EndSection()
    {
        long length = Position - sectionStart - 4;
        if (length > uint.MaxValue) throw new IOException($"{path}: a section of {length} bytes is over the format's limit of 4 GiB");
        WriteChecksum();
        Flush();
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)length);
        disk.Write(file, bytes, sectionStart);
    }

    public void StartChecksum() => checksum = 0;

    public void WriteChecksum() => UInt32(checksum);

    /// <summary>Writes what is buffered and makes the file durable.</summary>
    public void Sync()
    {
        Flush();
        disk.Sync(file);
    }

    public void Dispose()
    {
        file.Dispose();
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void Flush()
    {
        disk.Write(file, buffer.AsSpan(0, buffered), flushed);
        flushed += buffered;
        buffered = 0;
    }
}
