using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace Pharos.Core;

/// <summary>ASCII text to be found whatever the case of its letters, as <c>(?i)</c> has it. Immutable.</summary>
public sealed class FoldedNeedle
{
    private readonly byte[] needle;
    private readonly byte first;
    private readonly byte last;
    private readonly byte firstFold;
    private readonly byte lastFold;

    /// <param name="text">ASCII, not empty.</param>
    public FoldedNeedle(ReadOnlySpan<byte> text)
    {
        needle = new byte[text.Length];
        Ascii.ToLower(text, needle, out _);
        (first, firstFold) = Folded(needle[0]);
        (last, lastFold) = Folded(needle[^1]);
        HasRelatives = needle.AsSpan().IndexOfAny((byte)'k', (byte)'s') >= 0;
    }

    /// <summary>The text in lower case.</summary>
    public ReadOnlySpan<byte> Bytes => needle;

    /// <summary>Whether <c>(?i)</c> finds it in other bytes too: the sign for Kelvin and the long s are cases of k and s, and no ASCII.</summary>
    public bool HasRelatives { get; }

    /// <summary>Where a text holds it, in ASCII letters of any case; -1: nowhere.</summary>
    public int IndexIn(ReadOnlySpan<byte> text)
    {
        int lastAt = needle.Length - 1, places = text.Length - lastAt, at = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            ref byte start = ref MemoryMarshal.GetReference(text);
            Vector256<byte> firsts = Vector256.Create(first), lasts = Vector256.Create(last), foldFirst = Vector256.Create(firstFold), foldLast = Vector256.Create(lastFold);
            for (; at + Vector256<byte>.Count <= places; at += Vector256<byte>.Count)
            {
                var one = Vector256.LoadUnsafe(ref start, (nuint)at) | foldFirst;
                var other = Vector256.LoadUnsafe(ref start, (nuint)(at + lastAt)) | foldLast;
                uint hits = (Vector256.Equals(one, firsts) & Vector256.Equals(other, lasts)).ExtractMostSignificantBits();
                for (; hits != 0; hits &= hits - 1)
                {
                    int hit = at + BitOperations.TrailingZeroCount(hits);
                    if (Ascii.EqualsIgnoreCase(text.Slice(hit, needle.Length), needle)) return hit;
                }
            }
        }
        for (; at < places; at++)
        {
            if ((text[at] | firstFold) == first && Ascii.EqualsIgnoreCase(text.Slice(at, needle.Length), needle)) return at;
        }
        return -1;
    }

    /// <summary>The byte in lower case, and the bit that makes it so; a byte that is no letter has none.</summary>
    private static (byte Byte, byte Fold) Folded(byte b) => char.IsAsciiLetter((char)b) ? (b, (byte)0x20) : (b, (byte)0);
}
