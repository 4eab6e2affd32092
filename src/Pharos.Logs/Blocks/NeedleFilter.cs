using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Pharos.Logs.Blocks;

/// <summary>
/// Says which byte sequences occur in a block's lines: a bit field of 2^n bits. Each sequence of three bytes has a bit, by its hash; so has
/// about each third sequence of six letters and digits, for identifiers, whose triples all occur in any larger block. Safe for any substring:
/// a line that holds a needle holds each of the needle's sequences. May answer "maybe" wrongly, never "no".
/// </summary>
internal static class NeedleFilter
{
    private const int BuildBits = 20;
    private const int BitsMin = 9;
    private const int LongBytes = 6;
    private const ulong LongMask = (1UL << (8 * LongBytes)) - 1;

    private static readonly bool[] Alphanumeric = [.. Enumerable.Range(0, 256).Select(b => char.IsAsciiLetterOrDigit((char)b))];

    /// <summary>Builds the filter of some lines into a rented buffer, which the caller returns; the length is a power of two.</summary>
    public static byte[] Build(ReadOnlySpan<byte> lines, ReadOnlySpan<int> lineEnds, out int length)
    {
        const int words = 1 << (BuildBits - 6);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(words * 8);
        var bits = MemoryMarshal.Cast<byte, ulong>(buffer.AsSpan(0, words * 8));
        bits.Clear();
        int from = 0;
        foreach (int end in lineEnds)
        {
            Add(lines[from..end], bits);
            from = end;
        }
        long set = 0;
        foreach (ulong word in bits) set += BitOperations.PopCount(word);
        // Fold halves onto each other while the field stays sparse: a needle of k sequences passes by chance with (fill)^k.
        int size = BuildBits;
        while (size > BitsMin && set * 5 <= 2L << (size - 1))
        {
            int half = 1 << (size - 7);
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

    /// <summary>The bits that a line with the needle has set, the most telling first. None for needles under three bytes.</summary>
    public static uint[] BitsOf(ReadOnlySpan<byte> needle)
    {
        var found = new List<uint>();
        ulong window = 0;
        int run = 0;
        foreach (byte b in needle)
        {
            window = (window << 8) | b;
            run = Alphanumeric[b] ? run + 1 : 0;
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

    private static void Add(ReadOnlySpan<byte> line, Span<ulong> bits)
    {
        ulong window = 0;
        uint three = 0;
        int run = 0;
        var alphanumeric = Alphanumeric;
        for (int i = 0; i < line.Length; i++)
        {
            byte b = line[i];
            three = (three >> 8) | ((uint)b << 16);
            window = (window << 8) | b;
            if (i >= 2)
            {
                uint bit = Hash(three);
                bits[(int)(bit >> 6)] |= 1UL << (int)(bit & 63);
            }
            if (!alphanumeric[b])
            {
                run = 0;
            }
            else if (++run >= LongBytes && IsKept(window & LongMask, out uint bit))
            {
                bits[(int)(bit >> 6)] |= 1UL << (int)(bit & 63);
            }
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
