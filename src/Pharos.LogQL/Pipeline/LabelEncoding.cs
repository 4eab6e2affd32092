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
