using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Text;
using Pharos.Core;

namespace Pharos.Wire.RemoteWrite;

/// <summary>
/// A series of remote write 1 as every sender writes it: ASCII labels, sorted, none empty and none over 127 bytes, then float samples and nothing else.
/// Its labels go from the body to the batch in one pass. <see cref="RemoteWriteDecoder"/> reads all others, and would make the same of these.
/// </summary>
internal static class PlainSeries
{
    private const int LabelsMax = 4096;

    /// <summary>What a copy of a short text may write behind it.</summary>
    private const int Slack = 32;

    /// <returns>False: the series is another, or damaged, and the batch is as before.</returns>
    public static bool TryAdd(ReadOnlySpan<byte> series, MetricBatch into)
    {
        var room = into.LabelRoom(series.Length + Slack);
        int at = 0, written = 0, labels = 0;
        bool named = false;
        ReadOnlySpan<byte> before = default;
        // A label: 0x0a, length; in it 0x0a, length, the name, 0x12, length, the value.
        while (series.Length - at >= 6 && series[at] == 0x0a)
        {
            int end = at + 2 + series[at + 1], nameLength = series[at + 3], valueTag = at + 4 + nameLength;
            if (series[at + 1] >= 0x80 || end > series.Length || series[at + 2] != 0x0a || nameLength == 0 || valueTag + 2 >= end) return false;
            int valueLength = series[valueTag + 1];
            if (series[valueTag] != 0x12 || valueTag + 2 + valueLength != end || ++labels > LabelsMax) return false;
            var name = series.Slice(at + 4, nameLength);
            if (labels > 1 && before[0] >= name[0] && before.SequenceCompareTo(name) >= 0) return false;
            named |= nameLength == 8 && name.SequenceEqual("__name__"u8);
            before = name;
            written += Copy(series, at + 3, nameLength + 1, room[written..]);
            written += Copy(series, valueTag + 1, valueLength + 1, room[written..]);
            at = end;
        }
        // Lengths under 128 are ASCII, too.
        if (!named || at == series.Length || !Ascii.IsValid(room[..written]) || !AreSamples(series[at..])) return false;
        int index = into.AddSeriesInRoom(written);
        for (var samples = series[at..]; !samples.IsEmpty; samples = samples[(2 + samples[1])..])
        {
            TrySample(samples.Slice(2, samples[1]), out long timestampMs, out double value);
            into.AddSample(index, timestampMs, value);
        }
        return true;
    }

    private static bool AreSamples(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            if (rest.Length < 2 || rest[0] != 0x12 || rest[1] > rest.Length - 2 || !TrySample(rest.Slice(2, rest[1]), out _, out _)) return false;
            rest = rest[(2 + rest[1])..];
        }
        return true;
    }

    /// <summary>The value, where it is not 0, then the timestamp.</summary>
    private static bool TrySample(ReadOnlySpan<byte> sample, out long timestampMs, out double value)
    {
        timestampMs = 0;
        value = 0;
        if (sample.Length > 9 && sample[0] == 0x09)
        {
            value = BinaryPrimitives.ReadDoubleLittleEndian(sample[1..]);
            sample = sample[9..];
        }
        // Nine bytes of a number are 63 bits: one that is negative, with ten, is not plain.
        if (sample.Length is < 2 or > 10 || sample[0] != 0x10 || sample[^1] >= 0x80) return false;
        for (int i = sample.Length - 1; i >= 1; i--)
        {
            if (i < sample.Length - 1 && sample[i] < 0x80) return false;
            timestampMs = (timestampMs << 7) | (long)(sample[i] & 0x7f);
        }
        return true;
    }

    private static int Copy(ReadOnlySpan<byte> from, int at, int length, Span<byte> to)
    {
        if (length <= Slack && from.Length - at >= Slack) Vector256.Create(from[at..]).CopyTo(to);
        else from.Slice(at, length).CopyTo(to);
        return length;
    }
}
