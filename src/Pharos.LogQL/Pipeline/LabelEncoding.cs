using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>
/// Label sets of query results. Unlike stored ones they may hold labels with an empty value: to LogQL,
/// an empty label and an absent one are two things.
/// </summary>
internal static class LabelEncoding
{
    public static Labels ToLabels(List<(string Name, string Value)> pairs)
    {
        if (pairs.Count == 0) return Labels.Empty;
        pairs.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        int size = 0;
        foreach (var (name, value) in pairs)
            size += LabelCodec.SizeOf(Encoding.UTF8.GetByteCount(name)) + LabelCodec.SizeOf(Encoding.UTF8.GetByteCount(value));
        var bytes = new byte[size];
        int at = 0;
        foreach (var (name, value) in pairs)
        {
            at += LabelCodec.WriteString(bytes.AsSpan(at), Encoding.UTF8.GetBytes(name));
            at += LabelCodec.WriteString(bytes.AsSpan(at), Encoding.UTF8.GetBytes(value));
        }
        return Labels.FromEncoded(bytes);
    }

    public static List<(string Name, string Value)> ToPairs(Labels labels)
    {
        var pairs = new List<(string, string)>();
        foreach (var (name, value) in labels) pairs.Add((name, value));
        return pairs;
    }
}

/// <summary>Byte arrays as dictionary keys that can be looked up by a span.</summary>
internal sealed class ByteKeys : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static ByteKeys Instance { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        ulong hash = LabelCodec.Hash(alternate);
        return (int)(hash ^ (hash >> 32));
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
