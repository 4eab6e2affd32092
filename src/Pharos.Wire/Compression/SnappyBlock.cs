using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pharos.Wire.Compression;

/// <summary>
/// The raw (block) format of Snappy, without framing: what remote write and Loki push put on the wire.
/// Source: google/snappy format_description.txt. Never reads or writes outside the given spans.
/// </summary>
public static class SnappyBlock
{
    private const int BlockBytes = 64 * 1024;
    private const int HashBits = 14;

    /// <summary>The longest literal and copy whose length stands in the tag.</summary>
    private const int ShortBytesMax = 64;

    /// <summary>Reads the unpacked length that the first bytes claim; nothing is unpacked yet.</summary>
    public static bool TryReadLength(ReadOnlySpan<byte> packed, out long length, out int headerBytes)
    {
        length = 0;
        headerBytes = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (headerBytes >= packed.Length) return false;
            byte b = packed[headerBytes++];
            length |= (long)(b & 0x7f) << shift;
            if (b < 0x80) return length <= uint.MaxValue;
        }
        return false;
    }

    /// <summary>
    /// Unpacks into a buffer rented from the shared array pool; the caller returns it. The claimed length is checked before anything is rented.
    /// </summary>
    /// <param name="bytesMax">Largest unpacked length that is taken.</param>
    /// <exception cref="WireFormatException">The data is no Snappy block, or larger than allowed.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> packed, long bytesMax, out int length)
    {
        if (!TryReadLength(packed, out long claimed, out int header))
            throw new WireFormatException(WireErrorKind.Malformed, "snappy: corrupt input: the length header is damaged");
        if (claimed > bytesMax || claimed > Array.MaxLength)
        {
            throw new WireFormatException(
                WireErrorKind.TooLarge, $"the unpacked body would have {claimed} bytes, over the limit of {bytesMax} bytes");
        }
        // One byte of input yields at most 64 bytes of output: a claim beyond that is false, and not worth an allocation.
        if (claimed > 64L * packed.Length) throw new WireFormatException(WireErrorKind.Malformed, "snappy: corrupt input: the claimed length cannot be reached");
        length = (int)claimed;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
        if (TryDecode(packed[header..], buffer.AsSpan(0, length))) return buffer;
        ArrayPool<byte>.Shared.Return(buffer);
        throw new WireFormatException(WireErrorKind.Malformed, "snappy: corrupt input");
    }

    /// <summary>Unpacks elements (the input without its length header) so that they fill the output exactly.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> elements, Span<byte> output)
    {
        int at = 0, to = 0;
        while (at < elements.Length)
        {
            if (!TryShort(elements, output, ref at, ref to)) return false;
            if (at == elements.Length) break;
            byte tag = elements[at++];
            int length, offset;
            switch (tag & 3)
            {
                case 0:
                    length = tag >> 2;
                    if (length >= 60)
                    {
                        int bytes = length - 59;
                        if (elements.Length - at < bytes) return false;
                        uint value = 0;
                        for (int i = 0; i < bytes; i++) value |= (uint)elements[at + i] << (8 * i);
                        if (value >= int.MaxValue) return false;
                        length = (int)value;
                        at += bytes;
                    }
                    length++;
                    if (length > elements.Length - at || length > output.Length - to) return false;
                    elements.Slice(at, length).CopyTo(output[to..]);
                    at += length;
                    to += length;
                    continue;
                case 1:
                    if (at >= elements.Length) return false;
                    length = ((tag >> 2) & 7) + 4;
                    offset = ((tag >> 5) << 8) | elements[at++];
                    break;
                case 2:
                    if (elements.Length - at < 2) return false;
                    length = (tag >> 2) + 1;
                    offset = BinaryPrimitives.ReadUInt16LittleEndian(elements[at..]);
                    at += 2;
                    break;
                default:
                    if (elements.Length - at < 4) return false;
                    length = (tag >> 2) + 1;
                    uint far = BinaryPrimitives.ReadUInt32LittleEndian(elements[at..]);
                    if (far > int.MaxValue) return false;
                    offset = (int)far;
                    at += 4;
                    break;
            }
            if (offset == 0 || offset > to || length > output.Length - to) return false;
            // A copy that overlaps itself repeats what it has just written.
            for (int i = 0; i < length; i++, to++) output[to] = output[to - offset];
        }
        return to == output.Length;
    }

    /// <summary>
    /// Unpacks elements of up to 64 bytes with near offsets, which nearly all are, while at least as much is left of input and output that none of them
    /// needs a look at the end: whole 16 bytes are moved, and what is too much is written over.
    /// </summary>
    /// <returns>False: an offset points before the output.</returns>
    private static bool TryShort(ReadOnlySpan<byte> elements, Span<byte> output, ref int at, ref int to)
    {
        ref byte from = ref MemoryMarshal.GetReference(elements), into = ref MemoryMarshal.GetReference(output);
        int lastAt = elements.Length - ShortBytesMax - 3, lastTo = output.Length - ShortBytesMax, a = at, t = to;
        while (a <= lastAt && t <= lastTo)
        {
            int tag = Unsafe.Add(ref from, a), length = (tag >> 2) + 1, offset;
            switch (tag & 3)
            {
                case 0:
                    if (length > 60) goto default;
                    a++;
                    for (int i = 0; i < length; i += 16) Vector128.LoadUnsafe(ref Unsafe.Add(ref from, a + i)).StoreUnsafe(ref Unsafe.Add(ref into, t + i));
                    a += length;
                    t += length;
                    continue;
                case 1:
                    length = ((tag >> 2) & 7) + 4;
                    offset = ((tag >> 5) << 8) | Unsafe.Add(ref from, a + 1);
                    a += 2;
                    break;
                case 2:
                    offset = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref from, a + 1));
                    a += 3;
                    break;
                default:
                    (at, to) = (a, t);
                    return true;
            }
            if (offset == 0 || offset > t) return false;
            if (offset >= 16)
            {
                for (int i = 0; i < length; i += 16) Vector128.LoadUnsafe(ref Unsafe.Add(ref into, t - offset + i)).StoreUnsafe(ref Unsafe.Add(ref into, t + i));
            }
            else
            {
                for (int i = 0; i < length; i++) Unsafe.Add(ref into, t + i) = Unsafe.Add(ref into, t - offset + i);
            }
            t += length;
        }
        (at, to) = (a, t);
        return true;
    }

    /// <summary>The largest size that packing can give.</summary>
    public static int EncodedBytesMax(int length) => 32 + length + (length / 6);

    /// <summary>Packs and writes length header and elements.</summary>
    public static void Encode(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        Span<byte> header = stackalloc byte[5];
        int headerBytes = 0;
        uint length = (uint)input.Length;
        for (; length >= 0x80; length >>= 7) header[headerBytes++] = (byte)(length | 0x80);
        header[headerBytes++] = (byte)length;
        output.Write(header[..headerBytes]);
        ushort[] table = ArrayPool<ushort>.Shared.Rent(1 << HashBits);
        try
        {
            while (!input.IsEmpty)
            {
                var block = input[..Math.Min(BlockBytes, input.Length)];
                var room = output.GetSpan(EncodedBytesMax(block.Length));
                output.Advance(EncodeBlock(block, room, table.AsSpan(0, 1 << HashBits)));
                input = input[block.Length..];
            }
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(table);
        }
    }

    private static int EncodeBlock(ReadOnlySpan<byte> block, Span<byte> output, Span<ushort> table)
    {
        table.Clear();
        int to = 0, literalFrom = 0, at = 1;
        int limit = block.Length - 8;
        int misses = 32;
        while (at <= limit)
        {
            uint word = Word(block, at);
            int slot = (int)((word * 0x1e35a7bd) >> (32 - HashBits));
            int candidate = table[slot];
            table[slot] = (ushort)at;
            if (candidate >= at || Word(block, candidate) != word)
            {
                // Data that does not repeat is walked in growing strides.
                at += misses++ >> 5;
                continue;
            }
            misses = 32;
            to += Literal(block[literalFrom..at], output[to..]);
            int length = 4 + CommonLength(block[(candidate + 4)..], block[(at + 4)..]);
            to += Copy(at - candidate, length, output[to..]);
            at += length;
            literalFrom = at;
        }
        return to + Literal(block[literalFrom..], output[to..]);
    }

    private static uint Word(ReadOnlySpan<byte> data, int at) => MemoryMarshal.Read<uint>(data[at..]);

    private static int CommonLength(ReadOnlySpan<byte> earlier, ReadOnlySpan<byte> later)
    {
        int length = 0;
        while (later.Length - length >= 8 && earlier.Length - length >= 8)
        {
            ulong difference = MemoryMarshal.Read<ulong>(earlier[length..]) ^ MemoryMarshal.Read<ulong>(later[length..]);
            if (difference != 0) return length + (BitOperations.TrailingZeroCount(difference) >> 3);
            length += 8;
        }
        while (length < later.Length && earlier[length] == later[length]) length++;
        return length;
    }

    private static int Literal(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        if (bytes.IsEmpty) return 0;
        int n = bytes.Length - 1, at;
        if (n < 60)
        {
            output[0] = (byte)(n << 2);
            at = 1;
        }
        else if (n < 256)
        {
            output[0] = 60 << 2;
            output[1] = (byte)n;
            at = 2;
        }
        else
        {
            output[0] = 61 << 2;
            BinaryPrimitives.WriteUInt16LittleEndian(output[1..], (ushort)n);
            at = 3;
        }
        bytes.CopyTo(output[at..]);
        return at + bytes.Length;
    }

    private static int Copy(int offset, int length, Span<byte> output)
    {
        int to = 0;
        while (length > 0)
        {
            // A rest under four bytes could not be written in the short form: keep the last piece long enough.
            int piece = length >= 68 ? 64 : length > 64 ? 60 : length;
            if (piece is >= 4 and < 12 && offset < 2048)
            {
                output[to++] = (byte)(((offset >> 8) << 5) | ((piece - 4) << 2) | 1);
                output[to++] = (byte)offset;
            }
            else
            {
                output[to++] = (byte)(((piece - 1) << 2) | 2);
                BinaryPrimitives.WriteUInt16LittleEndian(output[to..], (ushort)offset);
                to += 2;
            }
            length -= piece;
        }
        return to;
    }
}
