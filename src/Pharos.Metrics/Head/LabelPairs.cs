using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>A label name and the numbers of its pairs, one for each value.</summary>
internal sealed class LabelName(string text)
{
    public string Text { get; } = text;

    public List<int> Pairs { get; } = [];

    /// <summary>The values of as many pairs from the first, kept from when they were last asked for; new pairs come behind those.</summary>
    public Utf8Texts Sorted { get; set; } = Utf8Texts.Empty;

    /// <summary>How often a pair went; then nothing is sorted any more.</summary>
    public int Releases { get; private set; }

    /// <summary>A pair goes.</summary>
    public void Released()
    {
        Releases++;
        Sorted = Utf8Texts.Empty;
    }
}

/// <summary>One label with its value, shared by all series that carry it.</summary>
internal struct LabelPair
{
    /// <summary>Canonical bytes, name then value; null where the number is free.</summary>
    public byte[]? Bytes;
    public LabelName Name;
    public PostingList Series;

    /// <summary>Where it stands among the pairs of its name.</summary>
    public int Place;

    public readonly ReadOnlySpan<byte> ValueUtf8
    {
        get
        {
            int offset = 0;
            LabelCodec.ReadString(Bytes, ref offset);
            return LabelCodec.ReadString(Bytes, ref offset);
        }
    }

    /// <summary>The value's bytes, which stay as they are when the pair goes.</summary>
    public readonly ReadOnlyMemory<byte> ValueMemory => Bytes.AsMemory(Bytes!.Length - ValueUtf8.Length);

    public readonly string Value => Encoding.UTF8.GetString(ValueUtf8);
}

/// <summary>
/// The label pairs of a head by number, from 1. A series is the numbers of its pairs, sorted by name: their bytes one after
/// the other are its canonical label bytes. One writer; readers of a pair that is in use need no lock.
/// </summary>
internal sealed class LabelPairs
{
    private const int PageSize = 1024;

    private readonly Dictionary<string, LabelName> names = new(StringComparer.Ordinal);
    private readonly Stack<int> free = [];
    private LabelPair[][] pages = [];
    private NumberTable slots = new();
    private int nextNumber = 1;

    public int Count { get; private set; }

    /// <summary>How often a pair went, whose number another one may have now.</summary>
    public int Releases { get; private set; }

    public IReadOnlyCollection<string> Names => names.Keys;

    public ref LabelPair At(int pair) => ref pages[pair / PageSize][pair % PageSize];

    public LabelName? Name(string name) => names.GetValueOrDefault(name);

    /// <summary>The number of a pair; 0 where it is not there.</summary>
    public int Find(ReadOnlySpan<byte> pairBytes)
    {
        var probe = slots.Find(LabelCodec.Hash(pairBytes));
        while (probe.Next(out int pair))
        {
            if (pairBytes.SequenceEqual(At(pair).Bytes)) return pair;
        }
        return 0;
    }

    public int Find(string name, ReadOnlySpan<byte> valueUtf8)
    {
        int nameBytes = Encoding.UTF8.GetByteCount(name);
        int size = LabelCodec.SizeOf(nameBytes) + LabelCodec.SizeOf(valueUtf8.Length);
        Span<byte> bytes = size <= 512 ? stackalloc byte[size] : new byte[size];
        Span<byte> nameUtf8 = nameBytes <= 256 ? stackalloc byte[nameBytes] : new byte[nameBytes];
        Encoding.UTF8.GetBytes(name, nameUtf8);
        int at = LabelCodec.WriteString(bytes, nameUtf8);
        LabelCodec.WriteString(bytes[at..], valueUtf8);
        return Find(bytes);
    }

    /// <summary>Numbers of all pairs of a series; those that are new are added.</summary>
    public int[] Intern(ReadOnlySpan<byte> labels)
    {
        Span<int> found = stackalloc int[64];
        int count = 0;
        int[]? many = null;
        for (int offset = 0; offset < labels.Length;)
        {
            int start = offset;
            LabelCodec.ReadString(labels, ref offset);
            LabelCodec.ReadString(labels, ref offset);
            if (count == found.Length)
            {
                many = [.. found, .. new int[found.Length]];
                found = many;
            }
            found[count++] = InternPair(labels[start..offset]);
        }
        return found[..count].ToArray();
    }

    public int InternPair(ReadOnlySpan<byte> pairBytes)
    {
        int known = Find(pairBytes);
        if (known != 0) return known;
        int pair = free.TryPop(out int reused) ? reused : nextNumber++;
        if (pair / PageSize == pages.Length) pages = [.. pages, new LabelPair[PageSize]];
        int offset = 0;
        var name = NameOf(LabelCodec.ReadString(pairBytes, ref offset));
        At(pair) = new LabelPair { Bytes = pairBytes.ToArray(), Name = name, Place = name.Pairs.Count };
        name.Pairs.Add(pair);
        slots.Add(LabelCodec.Hash(pairBytes), pair);
        Count++;
        return pair;
    }

    /// <summary>Forgets a pair that no series has any more; its number may be used again.</summary>
    public void Release(int pair)
    {
        ref var gone = ref At(pair);
        var name = gone.Name;
        int last = name.Pairs[^1];
        name.Pairs[gone.Place] = last;
        At(last).Place = gone.Place;
        name.Pairs.RemoveAt(name.Pairs.Count - 1);
        name.Released();
        if (name.Pairs.Count == 0) names.Remove(name.Text);
        slots.Remove(LabelCodec.Hash(gone.Bytes), pair);
        gone = default;
        free.Push(pair);
        Releases++;
        Count--;
    }

    /// <summary>Whether a series' canonical bytes are those.</summary>
    public bool Equal(int[] series, ReadOnlySpan<byte> labels)
    {
        foreach (int pair in series)
        {
            // Null beside a writer that releases it.
            if (At(pair).Bytes is not { } bytes || !labels.StartsWith(bytes)) return false;
            labels = labels[bytes.Length..];
        }
        return labels.IsEmpty;
    }

    public Labels ToLabels(int[] series)
    {
        byte[] canonical = new byte[ByteCount(series)];
        CopyTo(series, canonical);
        return Labels.FromEncoded(canonical);
    }

    /// <summary>As <see cref="ToLabels"/>, beside a writer: null, or another set, where the series has left meanwhile.</summary>
    public Labels? ToLabelsUnlocked(int[] series)
    {
        byte[]?[] parts = ArrayPool<byte[]?>.Shared.Rent(series.Length);
        try
        {
            int bytes = 0;
            for (int i = 0; i < series.Length; i++)
            {
                if ((parts[i] = At(series[i]).Bytes) is not { } part) return null;
                bytes += part.Length;
            }
            byte[] canonical = new byte[bytes];
            var into = canonical.AsSpan();
            for (int i = 0; i < series.Length; i++)
            {
                parts[i].CopyTo(into);
                into = into[parts[i]!.Length..];
            }
            return Labels.FromEncoded(canonical);
        }
        finally
        {
            ArrayPool<byte[]?>.Shared.Return(parts, clearArray: true);
        }
    }

    public int ByteCount(int[] series)
    {
        int bytes = 0;
        foreach (int pair in series) bytes += At(pair).Bytes!.Length;
        return bytes;
    }

    /// <summary>Writes a series' canonical bytes.</summary>
    public void CopyTo(int[] series, Span<byte> into)
    {
        foreach (int pair in series)
        {
            byte[] bytes = At(pair).Bytes!;
            bytes.CopyTo(into);
            into = into[bytes.Length..];
        }
    }

    public ulong Hash(int[] series)
    {
        int size = ByteCount(series);
        Span<byte> bytes = size <= 1024 ? stackalloc byte[size] : new byte[size];
        CopyTo(series, bytes);
        return LabelCodec.Hash(bytes);
    }

    /// <summary>The order of <see cref="Labels.CompareTo"/>, without making label sets.</summary>
    public int Compare(int[] left, int[] right)
    {
        for (int i = 0; i < left.Length && i < right.Length; i++)
        {
            if (left[i] == right[i]) continue;
            ReadOnlySpan<byte> a = At(left[i]).Bytes, b = At(right[i]).Bytes;
            int atA = 0, atB = 0;
            int byName = LabelCodec.ReadString(a, ref atA).SequenceCompareTo(LabelCodec.ReadString(b, ref atB));
            return byName != 0 ? byName : LabelCodec.ReadString(a, ref atA).SequenceCompareTo(LabelCodec.ReadString(b, ref atB));
        }
        return left.Length.CompareTo(right.Length);
    }

    private LabelName NameOf(ReadOnlySpan<byte> utf8)
    {
        string text = Encoding.UTF8.GetString(utf8);
        if (names.TryGetValue(text, out var name)) return name;
        return names[text] = new LabelName(text);
    }
}
