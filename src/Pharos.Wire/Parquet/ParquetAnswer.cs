using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Pharos.Core;

namespace Pharos.Wire.Parquet;

/// <summary>
/// Writes an answer as Loki does for <c>Accept: application/vnd.apache.parquet</c>, a row for each line or point: <c>timestamp</c> (UTC; nanoseconds for
/// lines, milliseconds for points), <c>labels</c> (map of strings), and <c>line</c> (string) or <c>value</c> (double). Source of the layout: the Parquet format,
/// version 1 pages. Not safe for several threads.
/// </summary>
public sealed class ParquetAnswer
{
    public const string ContentType = "application/vnd.apache.parquet";

    private const int Required = 0, Repeated = 2;
    private const int Utf8Type = 0, MapType = 1, TimestampMillis = 9;
    private const int Snappy = 1;

    private static ReadOnlySpan<byte> Magic => "PAR1"u8;

    private readonly IBufferWriter<byte> output;
    private readonly bool lines;
    private readonly ParquetColumn time = new(ParquetColumn.Int64, false, "timestamp");
    private readonly ParquetColumn names = new(ParquetColumn.ByteArray, true, "labels", "key_value", "key");
    private readonly ParquetColumn labelValues = new(ParquetColumn.ByteArray, true, "labels", "key_value", "value");
    private readonly ParquetColumn last;
    private readonly ParquetColumn[] columns;
    private readonly List<(int Rows, ParquetChunk[] Chunks)> groups = [];
    private long written;
    private long rows;
    private int pending;

    /// <param name="lines">Rows are lines, else points.</param>
    public ParquetAnswer(IBufferWriter<byte> output, bool lines)
    {
        this.output = output;
        this.lines = lines;
        last = lines ? new ParquetColumn(ParquetColumn.ByteArray, false, "line") : new ParquetColumn(ParquetColumn.Double, false, "value");
        columns = [time, names, labelValues, last];
        output.Write(Magic);
        written = Magic.Length;
    }

    /// <summary>Bytes of the rows that <see cref="EndGroup"/> would write, before packing.</summary>
    public long PendingBytes => columns.Sum(c => (long)c.Bytes);

    /// <param name="line">Bytes that are no UTF-8 become replacement characters.</param>
    public void Add(long timestampNs, Labels labels, ReadOnlySpan<byte> line)
    {
        Row(timestampNs, labels);
        last.Add(Utf8.IsValid(line) ? line : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(line)));
    }

    public void Add(long timestampMs, Labels labels, double value)
    {
        Row(timestampMs, labels);
        last.Add(value);
    }

    /// <summary>Writes the rows so far as a group of their own.</summary>
    public void EndGroup()
    {
        if (pending == 0) return;
        var chunks = new ParquetChunk[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            chunks[i] = columns[i].Write(output, written);
            written += chunks[i].PackedBytes;
        }
        groups.Add((pending, chunks));
        rows += pending;
        pending = 0;
    }

    /// <summary>Writes what is left and the end of the file.</summary>
    /// <param name="notes">Go into the file's own key-value metadata.</param>
    public void Finish(params IReadOnlyList<(string Key, string Value)> notes)
    {
        EndGroup();
        var end = new ThriftCompact();
        end.Begin();
        end.Field(1, 1);
        Schema(end);
        end.Field(3, rows);
        end.Structures(4, groups.Count);
        foreach (var (count, chunks) in groups) Group(end, count, chunks);
        if (notes.Count > 0)
        {
            end.Structures(5, notes.Count);
            foreach (var (key, value) in notes)
            {
                end.Begin();
                end.Field(1, key);
                end.Field(2, value);
                end.End();
            }
        }
        end.Field(6, "pharos");
        end.End();
        byte[] footer = end.ToArray();
        output.Write(footer);
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), footer.Length);
        output.Advance(4);
        output.Write(Magic);
    }

    private void Row(long timestamp, Labels labels)
    {
        pending++;
        time.Add(timestamp);
        if (labels.IsEmpty)
        {
            names.Level(present: false, first: true);
            labelValues.Level(present: false, first: true);
        }
        var encoded = labels.Encoded;
        for (int at = 0; at < encoded.Length;)
        {
            bool first = at == 0;
            names.Level(present: true, first);
            labelValues.Level(present: true, first);
            names.Add(LabelCodec.ReadString(encoded, ref at));
            labelValues.Add(LabelCodec.ReadString(encoded, ref at));
        }
    }

    private void Schema(ThriftCompact end)
    {
        end.Structures(2, 7);
        Element("answer", null, null, children: 3);
        Element("timestamp", ParquetColumn.Int64, Required, converted: lines ? null : TimestampMillis, logical: Timestamp);
        Element("labels", null, Required, children: 1, converted: MapType, logical: () => Empty(2));
        Element("key_value", null, Repeated, children: 2);
        Element("key", ParquetColumn.ByteArray, Required, converted: Utf8Type, logical: () => Empty(1));
        Element("value", ParquetColumn.ByteArray, Required, converted: Utf8Type, logical: () => Empty(1));
        if (lines) Element("line", ParquetColumn.ByteArray, Required, converted: Utf8Type, logical: () => Empty(1));
        else Element("value", ParquetColumn.Double, Required);

        void Element(string name, int? type, int? repetition, int children = 0, int? converted = null, Action? logical = null)
        {
            end.Begin();
            if (type is { } physical) end.Field(1, physical);
            if (repetition is { } times) end.Field(3, times);
            end.Field(4, name);
            if (children > 0) end.Field(5, children);
            if (converted is { } old) end.Field(6, old);
            if (logical is not null)
            {
                end.Begin(10);
                logical();
                end.End();
            }
            end.End();
        }

        void Empty(int id)
        {
            end.Begin(id);
            end.End();
        }

        void Timestamp()
        {
            end.Begin(8);
            end.Field(1, true);
            end.Begin(2);
            Empty(lines ? 3 : 1);
            end.End();
            end.End();
        }
    }

    private void Group(ThriftCompact end, int count, ParquetChunk[] chunks)
    {
        end.Begin();
        end.Structures(1, chunks.Length);
        for (int i = 0; i < chunks.Length; i++)
        {
            var (column, chunk) = (columns[i], chunks[i]);
            end.Begin();
            end.Field(2, chunk.Offset);
            end.Begin(3);
            end.Field(1, column.Type);
            end.Field(2, ParquetColumn.Encodings);
            end.Field(3, [.. column.Path]);
            end.Field(4, Snappy);
            end.Field(5, (long)chunk.Values);
            end.Field(6, (long)chunk.RawBytes);
            end.Field(7, (long)chunk.PackedBytes);
            end.Field(9, chunk.Offset);
            end.End();
            end.End();
        }
        end.Field(2, chunks.Sum(c => (long)c.RawBytes));
        end.Field(3, (long)count);
        end.End();
    }
}
