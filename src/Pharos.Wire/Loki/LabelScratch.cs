using System.Buffers;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>
/// Collects label pairs in any order and gives them back in the canonical form of <see cref="LabelCodec"/>.
/// One for a whole request: its buffers are reused. Not safe for several threads.
/// </summary>
internal sealed class LabelScratch : IDisposable
{
    private byte[] text = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] canonical = ArrayPool<byte>.Shared.Rent(1024);
    private Pair[] pairs = ArrayPool<Pair>.Shared.Rent(16);
    private int used;
    private int count;

    private record struct Pair(int NameAt, int NameLength, int ValueAt, int ValueLength);

    public int Count => count;

    public void Clear()
    {
        used = 0;
        count = 0;
    }

    /// <summary>Room for at least that many bytes at the end of the text; give the used part to <see cref="Commit"/>.</summary>
    public Span<byte> Room(int bytes)
    {
        if (used + bytes > text.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(used + bytes, text.Length * 2));
            text.AsSpan(0, used).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(text);
            text = larger;
        }
        return text.AsSpan(used);
    }

    /// <summary>Keeps bytes written to <see cref="Room"/>; returns where they are.</summary>
    public int Commit(int bytes)
    {
        int at = used;
        used += bytes;
        return at;
    }

    public int Keep(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        return Commit(bytes.Length);
    }

    public void Add(int nameAt, int nameLength, int valueAt, int valueLength)
    {
        if (count == pairs.Length)
        {
            var larger = ArrayPool<Pair>.Shared.Rent(count * 2);
            pairs.AsSpan(0, count).CopyTo(larger);
            ArrayPool<Pair>.Shared.Return(pairs);
            pairs = larger;
        }
        pairs[count++] = new Pair(nameAt, nameLength, valueAt, valueLength);
    }

    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int nameAt = Keep(name);
        Add(nameAt, name.Length, Keep(value), value.Length);
    }

    /// <summary>Makes every name a legal label name: other characters become <c>_</c>, a leading digit gets <c>key_</c> in front.</summary>
    public void NormaliseNames()
    {
        for (int i = 0; i < count; i++)
        {
            var name = text.AsSpan(pairs[i].NameAt, pairs[i].NameLength);
            for (int k = 0; k < name.Length; k++)
            {
                if (!IsNameByte(name[k])) name[k] = (byte)'_';
            }
            if (name.Length == 0 || !char.IsAsciiDigit((char)name[0])) continue;
            int length = name.Length;
            int nameAt = pairs[i].NameAt;
            var room = Room(length + 4);
            "key_"u8.CopyTo(room);
            text.AsSpan(nameAt, length).CopyTo(room[4..]);
            pairs[i] = pairs[i] with { NameAt = Commit(length + 4), NameLength = length + 4 };
        }
    }

    /// <summary>The canonical bytes; empty values are dropped. They hold until the next use.</summary>
    /// <param name="duplicate">A name that came twice; empty where none did. Of equal names the last is kept.</param>
    public ReadOnlySpan<byte> ToCanonical(out ReadOnlySpan<byte> duplicate)
    {
        duplicate = default;
        // Stable insertion sort: label sets are small, and mostly come sorted.
        for (int i = 1; i < count; i++)
        {
            var pair = pairs[i];
            int k = i;
            while (k > 0 && Name(pairs[k - 1]).SequenceCompareTo(Name(pair)) > 0)
            {
                pairs[k] = pairs[k - 1];
                k--;
            }
            pairs[k] = pair;
        }
        int size = 0;
        for (int i = 0; i < count; i++) size += LabelCodec.SizeOf(pairs[i].NameLength) + LabelCodec.SizeOf(pairs[i].ValueLength);
        if (size > canonical.Length)
        {
            ArrayPool<byte>.Shared.Return(canonical);
            canonical = ArrayPool<byte>.Shared.Rent(size);
        }
        int to = 0;
        for (int i = 0; i < count; i++)
        {
            if (i + 1 < count && Name(pairs[i]).SequenceEqual(Name(pairs[i + 1])))
            {
                duplicate = Name(pairs[i]);
                continue;
            }
            if (pairs[i].ValueLength == 0 || pairs[i].NameLength == 0) continue;
            to += LabelCodec.WriteString(canonical.AsSpan(to), Name(pairs[i]));
            to += LabelCodec.WriteString(canonical.AsSpan(to), text.AsSpan(pairs[i].ValueAt, pairs[i].ValueLength));
        }
        return canonical.AsSpan(0, to);
    }

    public void Dispose()
    {
        if (text.Length == 0) return;
        ArrayPool<byte>.Shared.Return(text);
        ArrayPool<byte>.Shared.Return(canonical);
        ArrayPool<Pair>.Shared.Return(pairs);
        text = [];
        canonical = [];
        pairs = [];
    }

    /// <summary>The first name that is no label name; false where all are.</summary>
    public bool TryFindBadName(out ReadOnlySpan<byte> bad)
    {
        for (int i = 0; i < count; i++)
        {
            bad = Name(pairs[i]);
            if (bad.IsEmpty || char.IsAsciiDigit((char)bad[0])) return true;
            foreach (byte b in bad)
            {
                if (!IsNameByte(b)) return true;
            }
        }
        bad = default;
        return false;
    }

    public static bool IsNameByte(byte b) => char.IsAsciiLetterOrDigit((char)b) || b == '_';

    private ReadOnlySpan<byte> Name(Pair pair) => text.AsSpan(pair.NameAt, pair.NameLength);
}
