using Pharos.Core;

namespace Pharos.Logs.Streams;

/// <summary>A label's name and value in the canonical form of <see cref="LabelCodec"/>.</summary>
internal static class LabelPair
{
    public static byte[] Of(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        byte[] pair = new byte[LabelCodec.SizeOf(name.Length) + LabelCodec.SizeOf(value.Length)];
        int at = LabelCodec.WriteString(pair, name);
        LabelCodec.WriteString(pair.AsSpan(at), value);
        return pair;
    }

    public static IEnumerable<byte[]> AllOf(Labels labels)
    {
        var encoded = labels.EncodedMemory;
        for (int at = 0; at < encoded.Length;)
        {
            int from = at;
            LabelCodec.ReadString(encoded.Span, ref at);
            LabelCodec.ReadString(encoded.Span, ref at);
            yield return encoded[from..at].ToArray();
        }
    }

    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> pair)
    {
        int at = 0;
        return LabelCodec.ReadString(pair, ref at);
    }

    public static ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> pair)
    {
        int at = 0;
        LabelCodec.ReadString(pair, ref at);
        return LabelCodec.ReadString(pair, ref at);
    }

    /// <summary>By name, then by value, byte by byte.</summary>
    public static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        int atA = 0, atB = 0;
        int order = LabelCodec.ReadString(a, ref atA).SequenceCompareTo(LabelCodec.ReadString(b, ref atB));
        return order != 0 ? order : LabelCodec.ReadString(a, ref atA).SequenceCompareTo(LabelCodec.ReadString(b, ref atB));
    }
}
