using System.Buffers.Binary;
using System.Collections;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// Many distinct texts in byte order, held as UTF-8 one after the other; a text becomes a string only where one is asked for. Immutable.
/// </summary>
public sealed class Utf8Texts : IReadOnlyList<string>
{
    private readonly byte[] bytes;
    private readonly int[] ends;

    private Utf8Texts(byte[] bytes, int[] ends, int count)
    {
        this.bytes = bytes;
        this.ends = ends;
        Count = count;
    }

    public static Utf8Texts Empty { get; } = new([], [], 0);

    public int Count { get; }

    /// <summary>All texts, one behind the other.</summary>
    public ReadOnlySpan<byte> Utf8 => bytes.AsSpan(0, End(Count));

    public string this[int index] => Encoding.UTF8.GetString(At(index));

    /// <summary>A text's bytes.</summary>
    public ReadOnlySpan<byte> At(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int start = End(index);
        return bytes.AsSpan(start, ends[index] - start);
    }

    /// <summary>The first of them, not copied.</summary>
    public Utf8Texts First(int count) => count >= Count ? this : new Utf8Texts(bytes, ends, count);

    /// <summary>Sorts texts; of equal ones one stays.</summary>
    public static Utf8Texts Sorted(ReadOnlyMemory<byte>[] texts)
    {
        if (texts.Length == 0) return Empty;
        // By the first eight bytes after what all begin with, as one number, and only where those are equal by the rest.
        var first = texts[0].Span;
        int same = first.Length;
        foreach (var text in texts) same = Math.Min(same, first[..same].CommonPrefixLength(text.Span));
        var keys = new ulong[texts.Length];
        for (int i = 0; i < keys.Length; i++) keys[i] = Key(texts[i].Span[same..]);
        Array.Sort(keys, texts);
        var builder = new Builder(texts.Length);
        for (int from = 0; from < keys.Length;)
        {
            int to = from + 1;
            while (to < keys.Length && keys[to] == keys[from]) to++;
            if (to - from > 1) texts.AsSpan(from, to - from).Sort(static (a, b) => a.Span.SequenceCompareTo(b.Span));
            for (; from < to; from++) builder.Add(texts[from].Span);
        }
        return builder.ToTexts();

        static ulong Key(ReadOnlySpan<byte> text)
        {
            if (text.Length >= 8) return BinaryPrimitives.ReadUInt64BigEndian(text);
            Span<byte> padded = stackalloc byte[8];
            padded.Clear();
            text.CopyTo(padded);
            return BinaryPrimitives.ReadUInt64BigEndian(padded);
        }
    }

    /// <summary>The texts of both.</summary>
    public static Utf8Texts Merge(Utf8Texts left, Utf8Texts right)
    {
        if (left.Count == 0) return right;
        if (right.Count == 0) return left;
        var builder = new Builder(left.Count + right.Count);
        for (int a = 0, b = 0; a < left.Count || b < right.Count;)
        {
            int order = a == left.Count ? 1 : b == right.Count ? -1 : left.At(a).SequenceCompareTo(right.At(b));
            builder.Add(order <= 0 ? left.At(a) : right.At(b));
            if (order <= 0) a++;
            if (order >= 0) b++;
        }
        return builder.ToTexts();
    }

    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int End(int count) => count == 0 ? 0 : ends[count - 1];

    /// <summary>Takes texts that come in byte order.</summary>
    /// <param name="countMax">Room for so many texts to begin with.</param>
    public sealed class Builder(int countMax)
    {
        private byte[] bytes = new byte[Math.Max(16, countMax * 16L <= int.MaxValue ? countMax * 16 : int.MaxValue / 2)];
        private int[] ends = new int[countMax];
        private int count;
        private int length;

        /// <summary>Adds a text; one that equals the last is left out.</summary>
        public void Add(ReadOnlySpan<byte> text)
        {
            int lastStart = count > 1 ? ends[count - 2] : 0;
            if (count > 0 && text.SequenceEqual(bytes.AsSpan(lastStart, length - lastStart))) return;
            if (text.Length > bytes.Length - length) Array.Resize(ref bytes, checked((int)Math.Min(Array.MaxLength, Math.Max(bytes.Length * 2L, (long)length + text.Length))));
            if (count == ends.Length) Array.Resize(ref ends, Math.Max(16, count * 2));
            text.CopyTo(bytes.AsSpan(length));
            length += text.Length;
            ends[count++] = length;
        }

        public Utf8Texts ToTexts()
        {
            // What is kept for long takes no more room than it needs.
            if (bytes.Length - length > length / 8) Array.Resize(ref bytes, length);
            return new Utf8Texts(bytes, ends, count);
        }
    }
}
