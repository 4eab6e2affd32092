using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>
/// One file of finished chunks of a head. Read with pread rather than mapped: a file that somebody cuts short then costs the chunks that are
/// gone, where a mapping would cost the process. It can be read as long as anybody holds this object, also after it was deleted.
/// Layout: docs/formats/head-chunks.md.
/// </summary>
internal sealed class HeadChunkFile(HeadChunks owner, int number, string path, SafeFileHandle handle, long length)
{
    public const int HeaderBytes = 8;
    public const int EntryHeaderBytes = 29;
    private const ushort Version = 1;
    private const int WindowBytes = 1 << 20;

    public HeadChunks Owner { get; } = owner;

    public int Number { get; } = number;

    public string Path { get; } = path;

    public SafeFileHandle Handle { get; } = handle;

    /// <summary>Bytes that count; what stands behind them is not read.</summary>
    public long Length { get; set; } = length;

    /// <summary>Bytes of these that are durable.</summary>
    public long SyncedLength { get; set; }

    /// <summary>Whether <see cref="Verify"/> found it damaged.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Time of the newest sample in it.</summary>
    public long MaxMs { get; set; } = long.MinValue;

    private static ReadOnlySpan<byte> Magic => "PHHC"u8;

    public static void WriteHeader(ByteBuffer into)
    {
        into.Bytes(Magic);
        into.UInt16Big(Version);
        into.UInt16Big(0);
    }

    /// <summary>Adds an entry; returns how many bytes it has.</summary>
    public static int WriteEntry(ByteBuffer into, int series, MemChunk chunk, ReadOnlySpan<byte> data)
    {
        var entry = into.Take(EntryHeaderBytes + data.Length);
        BinaryPrimitives.WriteInt32LittleEndian(entry[4..], data.Length);
        BinaryPrimitives.WriteInt32LittleEndian(entry[8..], series);
        entry[12] = (byte)chunk.Encoding;
        BinaryPrimitives.WriteInt64LittleEndian(entry[13..], chunk.MinMs);
        BinaryPrimitives.WriteInt64LittleEndian(entry[21..], chunk.MaxMs);
        data.CopyTo(entry[EntryHeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(entry, Crc32C.Of(entry[4..]));
        return entry.Length;
    }

    /// <summary>Reads a chunk's entry, header and data.</summary>
    /// <param name="entry">As long as the entry.</param>
    /// <exception cref="CorruptChunkException">It is not there as it was written.</exception>
    public void Read(MemChunk chunk, Span<byte> entry)
    {
        int read;
        try
        {
            read = ReadAt(entry, chunk.FileOffset);
        }
        catch (IOException wrong)
        {
            throw new CorruptChunkException($"{Path} cannot be read at {chunk.FileOffset}: {wrong.Message}");
        }
        if (read < entry.Length) throw new CorruptChunkException($"{Path} ends inside the chunk at {chunk.FileOffset}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != Crc32C.Of(entry[4..]))
            throw new CorruptChunkException($"{Path}: the chunk at {chunk.FileOffset} has a wrong checksum");
        if (entry[12] != (byte)chunk.Encoding || BinaryPrimitives.ReadInt64LittleEndian(entry[13..]) != chunk.MinMs || BinaryPrimitives.ReadInt64LittleEndian(entry[21..]) != chunk.MaxMs)
            throw new CorruptChunkException($"{Path}: at {chunk.FileOffset} stands another chunk than the one that is looked for");
    }

    /// <summary>Reads all entries and checks them; learns the newest time.</summary>
    /// <exception cref="InvalidDataException">The file is damaged: names it and the place.</exception>
    public void Verify()
    {
        IsDamaged = true;
        byte[] window = new byte[WindowBytes];
        if (ReadAt(window.AsSpan(0, HeaderBytes), 0) < HeaderBytes || !window.AsSpan().StartsWith(Magic)) throw new InvalidDataException($"{Path} does not begin as a file of head chunks");
        int version = BinaryPrimitives.ReadUInt16BigEndian(window.AsSpan(4));
        if (version != Version) throw new InvalidDataException($"{Path}: its version is {version}, this release reads {Version}");
        int filled = 0;
        for (long at = HeaderBytes; at < Length;)
        {
            int wanted = (int)Math.Min(window.Length - filled, Length - at - filled);
            int read = ReadAt(window.AsSpan(filled, wanted), at + filled);
            if (read < wanted) throw new InvalidDataException($"{Path} ends at {at + filled + read}, where {Length} bytes were written");
            filled += read;
            int used = Entries(window.AsSpan(0, filled), at);
            if (used == 0)
            {
                int size = filled >= EntryHeaderBytes ? EntryHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(window.AsSpan(4)) : 0;
                if (size <= window.Length || at + size > Length) throw new InvalidDataException($"{Path}: the entry at {at} is longer than the file");
                Array.Resize(ref window, size);
                continue;
            }
            at += used;
            window.AsSpan(used, filled - used).CopyTo(window);
            filled -= used;
        }
        IsDamaged = false;
    }

    /// <summary>Checks whole entries; returns the bytes of all of them.</summary>
    private int Entries(ReadOnlySpan<byte> bytes, long at)
    {
        int used = 0;
        while (bytes.Length - used >= EntryHeaderBytes)
        {
            var rest = bytes[used..];
            int data = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            if (data is <= 0 or >= 1 << 28) throw new InvalidDataException($"{Path}: the entry at {at + used} says it has {data} bytes");
            if (rest.Length < EntryHeaderBytes + data) break;
            var entry = rest[..(EntryHeaderBytes + data)];
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != Crc32C.Of(entry[4..])) throw new InvalidDataException($"{Path}: the entry at {at + used} has a wrong checksum");
            MaxMs = Math.Max(MaxMs, BinaryPrimitives.ReadInt64LittleEndian(entry[21..]));
            used += entry.Length;
        }
        return used;
    }

    /// <summary>Fewer bytes than wanted only at the end of the file.</summary>
    private int ReadAt(Span<byte> into, long offset)
    {
        int done = 0;
        while (done < into.Length)
        {
            int read = RandomAccess.Read(Handle, into[done..], offset + done);
            if (read == 0) break;
            done += read;
        }
        return done;
    }
}
