using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Pharos.Logs.Blocks;

/// <summary>
/// Says which three-byte sequences occur in a block's lines: a bit field of 2^n bits, one bit per sequence by its hash.
/// Safe for any substring: a line that holds a needle holds each of the needle's sequences. May answer "maybe" wrongly, never "no".
/// </summary>
internal static class TrigramFilter
{
    private const int BuildBits = 20;
    private const int BitsMin = 9;

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
            var line = lines[from..end];
            from = end;
            if (line.Length < 3) continue;
            uint window = (uint)(line[0] << 8) | ((uint)line[1] << 16);
            for (int i = 2; i < line.Length; i++)
            {
                window = (window >> 8) | ((uint)line[i] << 16);
                uint bit = Hash(window);
                bits[(int)(bit >> 6)] |= 1UL << (int)(bit & 63);
            }
        }
        long set = 0;
        foreach (ulong word in bits) set += BitOperations.PopCount(word);
        // Fold halves onto each other while the field stays sparse: a needle of k sequences passes by chance with (fill)^k.
        int size = BuildBits;
        while (size > BitsMin && set * 4 <= 1L << (size - 1))
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

    /// <summary>False where no line of the block can hold the needle. Needles under three bytes always pass.</summary>
    public static bool MayHold(ReadOnlySpan<byte> filter, ReadOnlySpan<byte> needle)
    {
        uint mask = ((uint)filter.Length << 3) - 1;
        for (int i = 2; i < needle.Length; i++)
        {
            uint bit = Hash(needle[i - 2] | ((uint)needle[i - 1] << 8) | ((uint)needle[i] << 16)) & mask;
            if ((filter[(int)(bit >> 3)] & (1 << (int)(bit & 7))) == 0) return false;
        }
        return true;
    }

    private static uint Hash(uint trigram) => (trigram * 0x9E3779B1u) >> (32 - BuildBits);
}
