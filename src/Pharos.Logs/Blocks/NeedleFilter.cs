using System.Buffers;
using System.Buffers.Binary;
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

    private const uint HashFactor = 0x9E3779B1;

    /// <summary>Triples that are hashed side by side.</summary>
    private const int TriplesAtOnce = 8;

    /// <summary>Bytes that are looked through for runs side by side.</summary>
    private const int RunBytes = 64;

    /// <summary>All bits for ASCII letters and digits, none for others.</summary>
    private static readonly int[] AlphanumericMask = [.. Enumerable.Range(0, 256).Select(b => char.IsAsciiLetterOrDigit((char)b) ? -1 : 0)];

    /// <summary>Builds the filter of some lines into a rented buffer, which the caller returns; the length is a power of two.</summary>
    /// <param name="repeats">For each line where it has bytes that stand in the same order in a line before: those need no second look. Empty: not known.</param>
    public static byte[] Build(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> repeats, out int length)
    {
        // Each byte begins one triple and one six at most. Where that sets so few bits that a larger field would be folded for certain, none is built: for a few lines,
        // to clear it and to count it would be most of the work of a block.
        long textBytes = 0;
        foreach (ref readonly var entry in entries) textBytes += entry.LineLength;
        int size = SmallBits;
        while (size > BitsMin && 5 * textBytes <= 1L << (size - 1)) size--;
        // Mostly a small field is enough, and stays in the processor's nearest cache while it is built.
        return TryBuild(entries, bytes, repeats, size, out length) ?? TryBuild(entries, bytes, repeats, BuildBits, out length)!;
    }

    /// <summary>Null where a field of <see cref="SmallBits"/> would be too full.</summary>
    private static byte[]? TryBuild(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ReadOnlySpan<(int At, int Length)> repeats, int size, out int length)
    {
        // A byte for each bit: setting one needs no reading.
        byte[] seen = ArrayPool<byte>.Shared.Rent(1 << size);
        try
        {
            seen.AsSpan(0, 1 << size).Clear();
            uint mask = (1u << size) - 1;
            int quarter = 0;
            for (int i = 0; i < entries.Length; i++)
            {
                if (i == entries.Length / 4 || i == entries.Length / 2)
                {
                    // Where it will not do, that mostly shows early.
                    int now = seen.AsSpan(0, 1 << size).Count((byte)1), more = quarter == 0 ? 0 : 2 * (now - quarter);
                    if (size == SmallBits && IsTooFull(now + more, size))
                    {
                        length = 0;
                        return null;
                    }
                    quarter = now;
                }
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
            int set = 0;
            for (int i = 0; i < bits.Length; i++)
            {
                bits[i] = (Vector256.LoadUnsafe(ref seen[0], (nuint)i * 32) << 7).ExtractMostSignificantBits();
                set += BitOperations.PopCount(bits[i]);
            }
            if (size == SmallBits && IsTooFull(set, size))
            {
                ArrayPool<byte>.Shared.Return(buffer);
                length = 0;
                return null;
            }
            // Fold halves onto each other while the field stays sparse: a needle of k sequences passes by chance with (fill)^k.
            while (size > BitsMin && !IsTooFull(set, size - 1))
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

    /// <summary>More than two fifths of the bits are set.</summary>
    private static bool IsTooFull(int set, int size) => set * 5L > 2L << size;

    private static void Add(ReadOnlySpan<byte> line, ref byte seen, uint mask)
    {
        if (line.Length < Vector128<byte>.Count)
        {
            AddShort(line, ref seen, mask);
            return;
        }
        int last = line.Length - Vector128<byte>.Count;
        for (int at = 0; at < last; at += TriplesAtOnce) AddTriples(Vector128.Create(line[at..]), ref seen, mask);
        // The end overlaps what came before it: to set a bit again costs little.
        var end = Vector128.Create(line[last..]);
        AddTriples(end, ref seen, mask);
        AddTriples(Vector128.Shuffle(end, Vector128.Create((byte)6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15, 15, 15, 15, 15, 15)), ref seen, mask);
        Span<byte> rest = stackalloc byte[RunBytes + 8];
        while (true)
        {
            scoped var text = line;
            if (line.Length < rest.Length)
            {
                rest.Clear();
                line.CopyTo(rest);
                text = rest;
            }
            AddRuns(text, ref seen, mask);
            if (line.Length <= RunBytes) return;
            line = line[(RunBytes - LongBytes + 1)..];
        }
    }

    /// <summary>Sets the bits of the first eight triples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTriples(Vector128<byte> text, ref byte seen, uint mask)
    {
        var fours = Vector256.Shuffle(Vector256.Create(text, text), Vector256.Create(
            (byte)0, 1, 2, 2, 1, 2, 3, 3, 2, 3, 4, 4, 3, 4, 5, 5, 20, 21, 22, 22, 21, 22, 23, 23, 22, 23, 24, 24, 23, 24, 25, 25)).AsUInt32();
        var bits = ((((fours & Vector256.Create(0xFFFFFFu)) * HashFactor) >>> (32 - BuildBits)) & Vector256.Create(mask)).AsUInt64();
        Set(bits.GetElement(0), ref seen);
        Set(bits.GetElement(1), ref seen);
        Set(bits.GetElement(2), ref seen);
        Set(bits.GetElement(3), ref seen);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Set(ulong two, ref byte seen)
        {
            Unsafe.Add(ref seen, (nuint)(uint)two) = 1;
            Unsafe.Add(ref seen, (nuint)(two >> 32)) = 1;
        }
    }

    /// <summary>Sets the bits of the sixes of letters and digits that lie within the first 64 bytes of a text, which has eight more.</summary>
    private static void AddRuns(ReadOnlySpan<byte> text, ref byte seen, uint mask)
    {
        ulong runs = Alphanumeric(text) | ((ulong)Alphanumeric(text[Vector256<byte>.Count..]) << Vector256<byte>.Count);
        runs &= runs >> 1;
        runs &= (runs >> 2) & (runs >> 4);
        ref byte first = ref MemoryMarshal.GetReference(text);
        uint own = Hash(text[0] | ((uint)text[1] << 8) | ((uint)text[2] << 16)) & mask;
        for (; runs != 0; runs &= runs - 1)
        {
            ulong six = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, BitOperations.TrailingZeroCount(runs)))) >> (64 - (8 * LongBytes));
            // Without a branch, which would be taken one time in three: what is not kept sets a bit that is set anyway, that of the first triple.
            bool kept = IsKept(six, out uint bit);
            Unsafe.Add(ref seen, kept ? bit & mask : own) = 1;
        }
    }

    /// <summary>A bit for each of 32 bytes that is an ASCII letter or digit.</summary>
    private static uint Alphanumeric(ReadOnlySpan<byte> text)
    {
        var bytes = Vector256.Create(text);
        var letters = Vector256.LessThan((bytes | Vector256.Create((byte)0x20)) - Vector256.Create((byte)'a'), Vector256.Create((byte)26));
        var digits = Vector256.LessThan(bytes - Vector256.Create((byte)'0'), Vector256.Create((byte)10));
        return (letters | digits).ExtractMostSignificantBits();
    }

    private static void AddShort(ReadOnlySpan<byte> line, ref byte seen, uint mask)
    {
        ulong window = 0;
        int run = 0;
        for (int i = 0; i < line.Length; i++)
        {
            window = (window << 8) | line[i];
            run = (run + 1) & AlphanumericMask[line[i]];
            if (i >= 2) Unsafe.Add(ref seen, Hash(line[i - 2] | ((uint)line[i - 1] << 8) | ((uint)line[i] << 16)) & mask) = 1;
            if (run >= LongBytes && IsKept(window & LongMask, out uint bit)) Unsafe.Add(ref seen, bit & mask) = 1;
        }
    }

    private static uint Hash(uint trigram) => (trigram * HashFactor) >> (32 - BuildBits);

    private static bool IsKept(ulong six, out uint bit)
    {
        ulong hash = six * 0x9E3779B97F4A7C15;
        bit = (uint)(hash >> (64 - BuildBits));
        return ((hash >> 32) & 0xff) < 85;
    }
}
