using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Compares label sets by their bytes; lets dictionaries be searched by bytes without making a <see cref="Labels"/>.</summary>
internal sealed class LabelsComparer : IEqualityComparer<Labels>, IAlternateEqualityComparer<ReadOnlySpan<byte>, Labels>
{
    public static LabelsComparer Instance { get; } = new();

    public bool Equals(Labels? x, Labels? y) => x is null ? y is null : x.Equals(y);

    public int GetHashCode(Labels obj) => obj.GetHashCode();

    public bool Equals(ReadOnlySpan<byte> alternate, Labels other) => alternate.SequenceEqual(other.Encoded);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        ulong hash = LabelCodec.Hash(alternate);
        return (int)(hash ^ (hash >> 32));
    }

    public Labels Create(ReadOnlySpan<byte> alternate) => Labels.FromEncoded(alternate);
}

/// <summary>Names in byte order, for keeping or dropping labels in one pass over their bytes.</summary>
internal sealed class NameList
{
    private readonly byte[][] names;

    public NameList(IEnumerable<string> names)
    {
        this.names = [.. names.Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes)];
        Array.Sort(this.names, static (a, b) => a.AsSpan().SequenceCompareTo(b));
    }

    public bool Contains(ReadOnlySpan<byte> name)
    {
        foreach (var known in names)
        {
            if (known.AsSpan().SequenceEqual(name)) return true;
        }
        return false;
    }
}

/// <summary>Edits label sets in byte form.</summary>
internal static class LabelEditing
{
    /// <summary>Writes the labels whose names are in (or, dropping, not in) the list; returns the bytes written.</summary>
    public static int Filter(Labels labels, NameList names, bool keep, Span<byte> into)
    {
        int written = 0;
        var encoded = labels.Encoded;
        for (int at = 0; at < encoded.Length;)
        {
            int start = at;
            var name = LabelCodec.ReadString(encoded, ref at);
            LabelCodec.ReadString(encoded, ref at);
            if (names.Contains(name) != keep) continue;
            encoded[start..at].CopyTo(into[written..]);
            written += at - start;
        }
        return written;
    }

    public static Labels Filter(Labels labels, NameList names, bool keep)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(labels.Encoded.Length);
        try
        {
            int length = Filter(labels, names, keep, buffer);
            return length == labels.Encoded.Length ? labels : Labels.FromEncoded(buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Without the name, and without the type and unit labels that belong to it.</summary>
    public static Labels WithoutName(Labels labels) => Filter(labels, MetadataNames, keep: false);

    private static readonly NameList MetadataNames = new([Labels.MetricName, "__type__", "__unit__"]);
}

/// <summary>Grouping or matching keys of label sets: which labels count.</summary>
internal sealed class LabelKey(IReadOnlyList<string> names, bool keep, bool dropName) : IDisposable
{
    private readonly NameList list = new(keep || !dropName ? names : names.Append(Labels.MetricName));
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(1024);

    /// <summary>The key's canonical bytes; valid until the next call.</summary>
    public ReadOnlySpan<byte> Of(Labels labels)
    {
        if (buffer.Length < labels.Encoded.Length)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = ArrayPool<byte>.Shared.Rent(labels.Encoded.Length);
        }
        return buffer.AsSpan(0, LabelEditing.Filter(labels, list, keep, buffer));
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
