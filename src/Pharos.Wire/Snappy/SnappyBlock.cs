using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pharos.Wire.Snappy;

/// <summary>
/// The Snappy block format (not the framed one): what remote write and Loki push bodies are compressed with.
/// Source: google/snappy format_description.txt.
/// </summary>
public static class SnappyBlock
{
    private const int BlockBytes = 1 << 16;
    private const int HashBits = 14;

    /// <summary>
    /// Length of the data once decompressed, from its header: check it against a limit before anything is allocated.
    /// </summary>
    /// <exception cref="WireFormatException">The header is malformed, or the length cannot come from so few bytes.</exception>
    public static int DecodedLength(ReadOnlySpan<byte> compressed)
    {
        ReadHeader(compressed, out long length);
        // A copy element makes at most 64 bytes from 2 (offset 1 or 2 bytes long); more is a lie that would only cost memory.
        if (length > int.MaxValue || length > 32L * compressed.Length + 64) Fail("snappy block claims an impossible decompressed length", 0);
        return (int)length;
    }

    /// <summary>Decompresses into a buffer of at least <see cref="DecodedLength"/> bytes; returns the bytes written.</summary>
    /// <exception cref="WireFormatException">The data is corrupt.</exception>
    public static int Decompress(ReadOnlySpan<byte> compressed, Span<byte> destination)
    {
        int length = DecodedLength(compressed);
        if (length > destination.Length) throw new ArgumentException("destination is too small", nameof(destination));
        int s = ReadHeader(compressed, out _);
        int d = 0;
        var to = destination[..length];
        while (s < compressed.Length)
        {
            int tag = compressed[s++];
            int count, offset;
            switch (tag & 3)
            {
                case 0:
                    count = (tag >> 2) + 1;
                    if (count > 60)
                    {
                        int sizeBytes = count - 60;
                        if (s + sizeBytes > compressed.Length) Fail("snappy literal is cut off", s);
                        uint size = 0;
                        for (int i = 0; i < sizeBytes; i++) size |= (uint)compressed[s + i] << (8 * i);
                        s += sizeBytes;
                        if (size >= int.MaxValue) Fail("snappy literal is too long", s);
                        count = (int)size + 1;
                    }
                    if (count > compressed.Length - s || count > length - d) Fail("snappy literal runs over the end", s);
                    if (count <= 16 && compressed.Length - s >= 16 && length - d >= 16) Copy16(compressed[s..], to[d..]);
                    else compressed.Slice(s, count).CopyTo(to[d..]);
                    s += count;
                    d += count;
                    continue;
                case 1:
                    if (s >= compressed.Length) Fail("snappy copy is cut off", s);
                    count = ((tag >> 2) & 7) + 4;
                    offset = ((tag & 0xe0) << 3) | compressed[s++];
                    break;
                case 2:
                    if (s + 2 > compressed.Length) Fail("snappy copy is cut off", s);
                    count = (tag >> 2) + 1;
                    offset = BinaryPrimitives.ReadUInt16LittleEndian(compressed[s..]);
                    s += 2;
                    break;
                default:
                    if (s + 4 > compressed.Length) Fail("snappy copy is cut off", s);
                    count = (tag >> 2) + 1;
                    uint far = BinaryPrimitives.ReadUInt32LittleEndian(compressed[s..]);
                    if (far > int.MaxValue) Fail("snappy copy reaches before the start", s);
                    offset = (int)far;
                    s += 4;
                    break;
            }
            if (offset == 0 || offset > d) Fail("snappy copy reaches before the start", s);
            if (count > length - d) Fail("snappy copy runs over the end", s);
            if (offset >= 16 && count <= 16 && length - d >= 16)
            {
                Copy16(to[(d - offset)..], to[d..]);
            }
            else if (offset >= count)
            {
                to.Slice(d - offset, count).CopyTo(to[d..]);
            }
            else
            {
                // The copy overlaps what it writes: a repeated pattern.
                for (int i = 0; i < count; i++) to[d + i] = to[d - offset + i];
            }
            d += count;
        }
        if (d != length) Fail("snappy block is shorter than its header says", s);
        return length;
    }

    /// <summary>Most bytes that <see cref="Compress"/> can write for that many.</summary>
    public static int CompressedBound(int length) => 32 + length + length / 6;

    /// <summary>Compresses into a buffer of at least <see cref="CompressedBound"/> bytes; returns the bytes written.</summary>
    public static int Compress(ReadOnlySpan<byte> data, Span<byte> destination)
    {
        if (destination.Length < CompressedBound(data.Length)) throw new ArgumentException("destination is too small", nameof(destination));
        int d = 0;
        uint header = (uint)data.Length;
        for (; header >= 0x80; header >>= 7) destination[d++] = (byte)(header | 0x80);
        destination[d++] = (byte)header;
        Span<ushort> table = stackalloc ushort[1 << HashBits];
        while (!data.IsEmpty)
        {
            var block = data[..Math.Min(BlockBytes, data.Length)];
            data = data[block.Length..];
            if (block.Length < 17)
            {
                d += EmitLiteral(block, destination[d..]);
                continue;
            }
            table.Clear();
            d += CompressBlock(block, destination[d..], table);
        }
        return d;
    }

    private static int CompressBlock(ReadOnlySpan<byte> block, Span<byte> to, Span<ushort> table)
    {
        int d = 0, literalFrom = 0, s = 1;
        int limit = block.Length - 15;
        ref byte start = ref MemoryMarshal.GetReference(block);
        while (true)
        {
            int skip = 32, candidate;
            while (true)
            {
                int step = skip++ >> 5;
                if (s + step > limit) goto rest;
                uint next = Load32(ref start, s);
                int hash = (int)((next * 0x1e35a7bd) >> (32 - HashBits));
                candidate = table[hash];
                table[hash] = (ushort)s;
                if (candidate < s && next == Load32(ref start, candidate)) break;
                s += step;
            }
            if (s > literalFrom) d += EmitLiteral(block[literalFrom..s], to[d..]);
            while (true)
            {
                int matched = 4;
                while (s + matched + 8 <= block.Length)
                {
                    ulong differs = Load64(ref start, s + matched) ^ Load64(ref start, candidate + matched);
                    if (differs != 0)
                    {
                        matched += BitOperations.TrailingZeroCount(differs) >> 3;
                        goto ended;
                    }
                    matched += 8;
                }
                while (s + matched < block.Length && block[s + matched] == block[candidate + matched]) matched++;
            ended:
                d += EmitCopy(s - candidate, matched, to[d..]);
                s += matched;
                literalFrom = s;
                if (s >= limit) goto rest;
                table[(int)((Load32(ref start, s - 1) * 0x1e35a7bd) >> (32 - HashBits))] = (ushort)(s - 1);
                uint here = Load32(ref start, s);
                int hash = (int)((here * 0x1e35a7bd) >> (32 - HashBits));
                candidate = table[hash];
                table[hash] = (ushort)s;
                if (candidate >= s || here != Load32(ref start, candidate)) break;
            }
            s++;
        }
    rest:
        if (literalFrom < block.Length) d += EmitLiteral(block[literalFrom..], to[d..]);
        return d;
    }

    private static int EmitLiteral(ReadOnlySpan<byte> literal, Span<byte> to)
    {
        int n = literal.Length - 1, d;
        if (n < 60)
        {
            to[0] = (byte)(n << 2);
            d = 1;
        }
        else if (n < 256)
        {
            to[0] = 60 << 2;
            to[1] = (byte)n;
            d = 2;
        }
        else
        {
            to[0] = 61 << 2;
            BinaryPrimitives.WriteUInt16LittleEndian(to[1..], (ushort)n);
            d = 3;
        }
        literal.CopyTo(to[d..]);
        return d + literal.Length;
    }

    private static int EmitCopy(int offset, int length, Span<byte> to)
    {
        int d = 0;
        while (length >= 68)
        {
            d += Copy2(64, to[d..]);
            length -= 64;
        }
        if (length > 64)
        {
            d += Copy2(60, to[d..]);
            length -= 60;
        }
        if (length >= 12 || offset >= 2048) return d + Copy2(length, to[d..]);
        to[d] = (byte)(((offset >> 8) << 5) | ((length - 4) << 2) | 1);
        to[d + 1] = (byte)offset;
        return d + 2;

        int Copy2(int count, Span<byte> at)
        {
            at[0] = (byte)(((count - 1) << 2) | 2);
            BinaryPrimitives.WriteUInt16LittleEndian(at[1..], (ushort)offset);
            return 3;
        }
    }

    private static int ReadHeader(ReadOnlySpan<byte> compressed, out long length)
    {
        length = 0;
        for (int i = 0; i < 5; i++)
        {
            if (i >= compressed.Length) break;
            length |= (long)(compressed[i] & 0x7f) << (7 * i);
            if (compressed[i] < 0x80) return i + 1;
        }
        Fail("snappy block has no valid length header", 0);
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy16(ReadOnlySpan<byte> from, Span<byte> to) =>
        System.Runtime.Intrinsics.Vector128.CopyTo(System.Runtime.Intrinsics.Vector128.Create(from[..16]), to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Load32(ref byte start, int at) => Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load64(ref byte start, int at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(string message, int offset) => throw new WireFormatException(message, offset);
}
