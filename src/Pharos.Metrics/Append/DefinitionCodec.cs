using Pharos.Metrics.Head;

namespace Pharos.Metrics.Append;

/// <summary>
/// Definitions of a record's new series. Most of their label pairs are the same, for they come from few targets: a pair's bytes
/// stand where it comes first, later its number in the record. Layout: docs/formats/metric-records.md.
/// </summary>
internal static class DefinitionCodec
{
    public static void Write(ByteBuffer into, LabelPairs pairs, IReadOnlyCollection<MemSeries> definitions)
    {
        into.Uvarint((ulong)definitions.Count);
        if (definitions.Count == 0) return;
        var numbers = new Dictionary<int, int>();
        long id = 0;
        foreach (var series in definitions)
        {
            into.Varint(series.Id - id);
            id = series.Id;
            into.Uvarint((ulong)series.Pairs.Length);
            foreach (int pair in series.Pairs)
            {
                if (numbers.TryGetValue(pair, out int number))
                {
                    into.Uvarint((ulong)number);
                    continue;
                }
                numbers[pair] = numbers.Count + 1;
                into.Byte(0);
                into.Text(pairs.At(pair).Bytes);
            }
        }
    }

    /// <param name="record">What the reader reads to its end.</param>
    public static void Read(ref ByteReader bytes, ReadOnlySpan<byte> record, IRecordReader reader)
    {
        int left = bytes.Count();
        if (left == 0) return;
        var seen = new List<(int Start, int Length)>();
        var labels = new ByteBuffer(512);
        long id = 0;
        for (; left > 0; left--)
        {
            id += bytes.Varint();
            labels.Clear();
            for (int pairs = bytes.Count(); pairs > 0; pairs--)
            {
                int number = (int)bytes.Uvarint();
                if (number == 0)
                {
                    int length = bytes.Text().Length;
                    seen.Add((record.Length - bytes.Remaining - length, length));
                    number = seen.Count;
                }
                var (start, size) = seen[number - 1];
                labels.Bytes(record.Slice(start, size));
            }
            reader.Definition((int)id, labels.Written);
        }
    }
}
