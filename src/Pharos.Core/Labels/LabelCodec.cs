using System.Runtime.InteropServices;

namespace Pharos.Core;

/// <summary>
/// The canonical byte form of a label set: for each label, sorted by name (byte order),
/// an unsigned LEB128 length and UTF-8 bytes for the name, then the same for the value.
/// Labels with an empty value are absent. Two label sets are equal exactly when these bytes are equal.
/// </summary>
public static class LabelCodec
{
    /// <summary>Writes one name or value with its length. Returns the bytes written.</summary>
    public static int WriteString(Span<byte> destination, ReadOnlySpan<byte> text)
    {
        int at = WriteLength(destination, (uint)text.Length);
        text.CopyTo(destination[at..]);
        return at + text.Length;
    }

    /// <summary>Bytes that <see cref="WriteString"/> needs for text of that length.</summary>
    public static int SizeOf(int textLength) => LengthSize((uint)textLength) + textLength;

    /// <summary>Reads one name or value at <paramref name="offset"/> and moves past it.</summary>
    public static ReadOnlySpan<byte> ReadString(ReadOnlySpan<byte> encoded, scoped ref int offset)
    {
        int b = encoded[offset++];
        int length = b & 0x7f;
        for (int shift = 7; b >= 0x80; shift += 7)
        {
            b = encoded[offset++];
            length |= (b & 0x7f) << shift;
        }
        var text = encoded.Slice(offset, length);
        offset += length;
        return text;
    }

    /// <summary>Whether bytes are names and values in pairs, each with its length, whatever their order; none at all are.</summary>
    public static bool IsPairs(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (at < bytes.Length)
        {
            if (!TrySkipString(bytes, ref at) || !TrySkipString(bytes, ref at)) return false;
        }
        return true;
    }

    /// <summary>The value of a label in canonical bytes. False, and empty, where it is absent.</summary>
    public static bool TryGetValue(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        for (int at = 0; at < encoded.Length;)
        {
            int order = ReadString(encoded, ref at).SequenceCompareTo(name);
            if (order > 0) break;
            value = ReadString(encoded, ref at);
            if (order == 0) return true;
        }
        value = default;
        return false;
    }

    /// <summary>Copies the labels that have one of the names, or, with <paramref name="without"/>, those that have none of them; canonical bytes stay canonical.</summary>
    /// <param name="names">UTF-8, in any order.</param>
    /// <param name="destination">As long as <paramref name="encoded"/> at least.</param>
    /// <returns>Bytes written.</returns>
    public static int CopyNamed(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte[]> names, bool without, Span<byte> destination)
    {
        int length = 0;
        for (int at = 0; at < encoded.Length;)
        {
            int from = at;
            bool named = IsOneOf(ReadString(encoded, ref at), names);
            ReadString(encoded, ref at);
            if (named == without) continue;
            encoded[from..at].CopyTo(destination[length..]);
            length += at - from;
        }
        return length;
    }

    /// <summary>
    /// Hash of canonical label bytes, 64 bits, the same on every machine and in every release:
    /// it decides shards and partitions, so it must never change.
    /// </summary>
    public static ulong Hash(ReadOnlySpan<byte> encoded)
    {
        const ulong k0 = 0x9E3779B97F4A7C15, k1 = 0xD6E8FEB86659FD93;
        ulong h = k0 ^ ((ulong)encoded.Length * k1);
        int at = 0;
        for (; encoded.Length - at >= 8; at += 8) h = Mix(h ^ MemoryMarshal.Read<ulong>(encoded[at..]), k1);
        if (at < encoded.Length) h = Mix(h ^ Tail(encoded, encoded.Length - at), k1);
        return Mix(h ^ (h >> 32), k0);

        static ulong Mix(ulong a, ulong b)
        {
            ulong high = Math.BigMul(a, b, out ulong low);
            return high ^ low;
        }
    }

    private static bool IsOneOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte[]> names)
    {
        foreach (byte[] one in names)
        {
            if (name.SequenceEqual(one)) return true;
        }
        return false;
    }

    private static bool TrySkipString(ReadOnlySpan<byte> bytes, scoped ref int at)
    {
        uint length = 0;
        for (int shift = 0; ; shift += 7)
        {
            if (at >= bytes.Length || shift > 28) return false;
            byte b = bytes[at++];
            length |= (uint)(b & 0x7f) << shift;
            if (b < 0x80) break;
        }
        if (length > (uint)(bytes.Length - at)) return false;
        at += (int)length;
        return true;
    }

    /// <summary>The last one to seven bytes as a number, the first of them lowest.</summary>
    private static ulong Tail(ReadOnlySpan<byte> bytes, int count)
    {
        if (bytes.Length >= 8) return MemoryMarshal.Read<ulong>(bytes[^8..]) >> (64 - (8 * count));
        // Reads that overlap bring the same bits twice.
        if (count >= 4) return MemoryMarshal.Read<uint>(bytes) | ((ulong)MemoryMarshal.Read<uint>(bytes[^4..]) << (8 * (count - 4)));
        return bytes[0] | ((ulong)bytes[count >> 1] << (8 * (count >> 1))) | ((ulong)bytes[^1] << (8 * (count - 1)));
    }

    private static int LengthSize(uint length)
    {
        int size = 1;
        for (; length >= 0x80; length >>= 7) size++;
        return size;
    }

    /// <summary>Writes the length that stands before a name or value. Returns the bytes written.</summary>
    public static int WriteLength(Span<byte> destination, uint length)
    {
        int at = 0;
        for (; length >= 0x80; length >>= 7) destination[at++] = (byte)(length | 0x80);
        destination[at++] = (byte)length;
        return at;
    }
}
