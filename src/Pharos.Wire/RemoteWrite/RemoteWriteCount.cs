using System.Text;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.RemoteWrite;

/// <summary>Counts the samples of a remote write 1 request without decoding it, for a receiver that is about to refuse it.</summary>
public static class RemoteWriteCount
{
    /// <summary>Labels of a series that <see cref="RemoteWriteDecoder"/> takes.</summary>
    private const int LabelsMax = 4096;

    /// <summary>
    /// The number of float samples that <see cref="RemoteWriteDecoder.DecodeV1"/> would add to a batch, where that is plain to see: the request
    /// holds nothing else, and labels come as every sender writes them: ASCII, sorted, none over 127 bytes. False elsewhere, and where the body is
    /// damaged; then only decoding can tell.
    /// </summary>
    /// <param name="body">A <c>prometheus.WriteRequest</c>, decompressed.</param>
    public static bool TryFloats(ReadOnlySpan<byte> body, out int samples)
    {
        samples = 0;
        try
        {
            var reader = new ProtoReader(body);
            while (reader.Next())
            {
                if (reader.Field != 1 || reader.Type != ProtoType.Bytes || !TrySeries(reader.Message(), ref samples)) return false;
            }
            return true;
        }
        catch (WireFormatException)
        {
            // Decoding says what is wrong, or passes over it in a series that it refuses.
            return false;
        }
    }

    private static bool TrySeries(ProtoReader series, ref int samples)
    {
        int labels = 0;
        bool named = false;
        ReadOnlySpan<byte> before = default;
        while (series.Next())
        {
            if (series.Type != ProtoType.Bytes) return false;
            switch (series.Field)
            {
                case 1:
                    if (!TryName(series.Bytes(), out var name, out bool isEmpty) || before.SequenceCompareTo(name) >= 0) return false;
                    named |= !isEmpty && name.SequenceEqual("__name__"u8);
                    before = name;
                    labels++;
                    break;
                case 2:
                    Pass(series.Message());
                    samples++;
                    break;
                default:
                    return false;
            }
        }
        return named && labels <= LabelsMax;
    }

    /// <summary>The name of a label that holds a name and a value, in this order, each shorter than 128 bytes.</summary>
    /// <param name="isEmpty">Whether the value is.</param>
    private static bool TryName(ReadOnlySpan<byte> label, out ReadOnlySpan<byte> name, out bool isEmpty)
    {
        name = default;
        isEmpty = false;
        // Lengths under 128 and tags are ASCII, too.
        if (label.Length < 5 || !Ascii.IsValid(label) || label[0] != 0x0a) return false;
        int valueTag = 2 + label[1];
        if (valueTag + 2 > label.Length || label[valueTag] != 0x12 || valueTag + 2 + label[valueTag + 1] != label.Length) return false;
        name = label.Slice(2, label[1]);
        isEmpty = label[valueTag + 1] == 0;
        return true;
    }

    private static void Pass(ProtoReader sample)
    {
        while (sample.Next())
        {
            if (sample.Field == 1) sample.Expect(ProtoType.Fixed64);
            else if (sample.Field is 2 or 3) sample.Expect(ProtoType.Varint);
            sample.Skip();
        }
    }
}
