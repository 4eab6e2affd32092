using System.Runtime.InteropServices;
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
            Write(name, ref bytes, ref at);
            Write(value, ref bytes, ref at);
        }
        return Labels.FromEncoded(bytes);
    }

    /// <summary>The bytes of a label set, which hold as long as the buffer is not written.</summary>
    /// <param name="all">Is sorted.</param>
    /// <param name="buffer">Replaced where it is too small.</param>
    public static ReadOnlySpan<byte> Encode(List<ParsedLabel> all, ref byte[] buffer)
    {
        CollectionsMarshal.AsSpan(all).Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        int at = 0;
        foreach (ref var label in CollectionsMarshal.AsSpan(all))
        {
            Write(label.Name, ref buffer, ref at);
            label.Write(ref buffer, ref at);
        }
        return buffer.AsSpan(0, at);
    }

    /// <summary>Writes a name or value with its length behind others, and makes room for it where there is none.</summary>
    /// <param name="at">Moved behind it.</param>
    public static void Write(string text, ref byte[] buffer, ref int at)
    {
        int size = Encoding.UTF8.GetByteCount(text);
        Reserve(ref buffer, at + LabelCodec.SizeOf(size));
        at += LabelCodec.WriteLength(buffer.AsSpan(at), (uint)size);
        at += Encoding.UTF8.GetBytes(text, buffer.AsSpan(at));
    }

    /// <inheritdoc cref="Write(string, ref byte[], ref int)"/>
    public static void Write(ReadOnlySpan<byte> text, ref byte[] buffer, ref int at)
    {
        Reserve(ref buffer, at + LabelCodec.SizeOf(text.Length));
        at += LabelCodec.WriteString(buffer.AsSpan(at), text);
    }

    private static void Reserve(ref byte[] buffer, int size)
    {
        if (buffer.Length < size) Array.Resize(ref buffer, Math.Max(size, 2 * buffer.Length));
    }

    public static List<(string Name, string Value)> ToPairs(Labels labels)
    {
        var pairs = new List<(string, string)>();
        foreach (var (name, value) in labels) pairs.Add((name, value));
        return pairs;
    }
}
