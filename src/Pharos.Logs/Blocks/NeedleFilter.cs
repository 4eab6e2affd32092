using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Blocks;

/// <summary>
/// Says which byte sequences occur in a block's lines: a bit field of 2^n bits. Each sequence of three bytes has a bit, by its hash; so has
/// about each third sequence of six letters and digits, for identifiers, whose triples all occur in any larger block. Safe for any substring:
/// a line that holds a needle holds each of the needle's sequences. May answer "maybe" wrongly, never "no".
/// </summary>
internal static class NeedleFilter
{
    private const int BuildBits = 20;
    private const int SmallBits = 17;
    private const int BitsMin = 9;
    private const int LongBytes = 6;
    private const ulong LongMask = (1UL << (8 * LongBytes)) - 1;

    /// <summary>All bits for ASCII letters and digits, none for others.</summary>
    private static readonly int[] AlphanumericMask = [.. Enumerable.Range(0, 256).Select(b => char.IsAsciiLetterOrDigit((char)b) ? -1 : 0)];

    /// <summary>Builds the filter of some lines into a rented buffer, which the caller returns; the length is a power of two.</summary>
    /// <param name="repeats">For each line where it has bytes that stand in the same order in a line before: those need no second look. Empty: not known.</param>
    public static byte[] Build(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> repeats, out int length)
    {
        // Mostly a small field is enough, and stays in the processor's nearest cache while it is built.
        return TryBuild(entries, bytes, repeats, SmallBits, out length) ?? TryBuild(entries, bytes, repeats, BuildBits, out length)!;
    }

    /// <summary>Null where a field of this size would be too full, and a larger one is possible.</summary>
    private static byte[]? TryBuild(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> repeats, int size, out int length)
    {
        // A byte for each bit: setting one needs no reading.
        byte[] seen = ArrayPool<byte>.Shared.Rent(1 << size);
        try
        {
            seen.AsSpan(0, 1 << size).Clear();
            uint mask = (1u << size) - 1;
            for (int i = 0; i < entries.Length; i++)
            {
                var line = bytes.Slice(entries[i].LineAt, entries[i].LineLength);
                if (!repeats.IsEmpty && repeats[i].Length > 0)
                {
                    // What begins before the repeated bytes, then what ends after them.
                    int at = repeats[i].At - entries[i].LineAt;
                    Add(line[..(at + LongBytes - 1)], ref seen[0], mask);
                    line = line[(at + repeats[i].Length - LongBytes + 1)..];
                }
                Add(line, ref seen[0], mask);
            }
            byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << (size - 3));
            var bits = MemoryMarshal.Cast<byte, uint>(buffer.AsSpan(0, 1 << (size - 3)));
            long set = 0;
            for (int i = 0; i < bits.Length; i++)
            {
                bits[i] = (Vector256.LoadUnsafe(ref seen[0], (nuint)i * 32) << 7).ExtractMostSignificantBits();
                set += BitOperations.PopCount(bits[i]);
            }
            if (set * 5 > 2L << size && size < BuildBits)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                length = 0;
                return null;
            }
            // Fold halves onto each other while the field stays sparse: a needle of k sequences passes by chance with (fill)^k.
            while (size > BitsMin && set * 5 <= 2L << (size - 1))
            {
                int half = 1 << (size - 6);
                set = 0;
                for (int i = 0; i < half; i++)
                {
                    bits[i] |= bits[i + half];
                    set += BitOperations.PopCount(bits[i]);
                }
                size--;
            }
            length = 1 << (size - 3);
            return buffer;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(seen);
        }
    }

    /// <summary>The bits that a line with the needle has set, the most telling first. None for needles under three bytes.</summary>
    public static uint[] BitsOf(ReadOnlySpan<byte> needle)
    {
        var found = new List<uint>();
        ulong window = 0;
        int run = 0;
        foreach (byte b in needle)
        {
            window = (window << 8) | b;
            run = (run + 1) & AlphanumericMask[b];
            if (run >= LongBytes && IsKept(window & LongMask, out uint bit)) found.Add(bit);
        }
        for (int i = 2; i < needle.Length; i++) found.Add(Hash(needle[i - 2] | ((uint)needle[i - 1] << 8) | ((uint)needle[i] << 16)));
        return [.. found.Distinct()];
    }

    /// <summary>Place of a bit in a filter of some length: its byte, and its mask there.</summary>
    public static (int At, int Mask) Place(uint bit, int filterLength)
    {
        bit &= ((uint)filterLength << 3) - 1;
        return ((int)(bit >> 3), 1 << (int)(bit & 7));
    }

    /// <summary>False where no line with all of these bits can be in the block.</summary>
    public static bool MayHold(ReadOnlySpan<byte> filter, ReadOnlySpan<uint> bits)
    {
        foreach (uint bit in bits)
        {
            var (at, mask) = Place(bit, filter.Length);
            if ((filter[at] & mask) == 0) return false;
        }
        return true;
    }

    private static void Add(ReadOnlySpan<byte> line, ref byte seen, uint mask)
    {
        if (line.Length < 3) return;
        ref int alphanumeric = ref AlphanumericMask[0];
        ulong window = 0;
        int run = 0;
        uint three = ((uint)line[0] << 8) | ((uint)line[1] << 16);
        foreach (byte b in line[..2])
        {
            window = (window << 8) | b;
            run = (run + 1) & Unsafe.Add(ref alphanumeric, b);
        }
        foreach (byte b in line[2..])
        {
            three = (three >> 8) | ((uint)b << 16);
            Unsafe.Add(ref seen, Hash(three) & mask) = 1;
            window = (window << 8) | b;
            // Without a branch: text goes from letters to others and back all the time.
            run = (run + 1) & Unsafe.Add(ref alphanumeric, b);
            if (run >= LongBytes && IsKept(window & LongMask, out uint bit)) Unsafe.Add(ref seen, bit & mask) = 1;
        }
    }

    private static uint Hash(uint trigram) => (trigram * 0x9E3779B1u) >> (32 - BuildBits);

    private static bool IsKept(ulong six, out uint bit)
    {
        ulong hash = six * 0x9E3779B97F4A7C15;
        bit = (uint)(hash >> (64 - BuildBits));
        return ((hash >> 32) & 0xff) < 85;
    }
}
