using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Pharos.Logs.Tools;

/// <summary>A body of Loki's push API.</summary>
/// <param name="First">Number of the first line of the input that it was made of, from 1.</param>
/// <param name="Last">Number of the last one.</param>
internal readonly record struct PushBody(long First, long Last, byte[] Bytes)
{
    public override string ToString() => First == Last ? $"line {First}" : $"lines {First} to {Last}";
}

/// <summary>
/// Lines of an export as bodies of Loki's push API. A line is such a body, or one entry, as <see cref="LogExportForm.Entries"/> and <c>query_range</c>
/// write it; entries of one stream that follow each other go into one body. Lines without anything, and the last one of <c>query_range</c>, are passed over.
/// </summary>
internal static class PushLines
{
    /// <summary>A body ends at the first entry that takes it over this size, bytes.</summary>
    private const int BodyBytesTarget = 1 << 20;

    /// <exception cref="InvalidDataException">The input says itself that it ends early.</exception>
    public static async IAsyncEnumerable<PushBody> ReadAsync(Stream input, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true, bufferSize: 1 << 16, leaveOpen: true);
        using var values = new PooledBuffer();
        byte[] stream = [];
        long first = 0, last = 0;
        for (long line = 1; await reader.ReadLineAsync(cancel) is { } text; line++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            var entry = bytes.Length == 0 ? default : EntryLine.Read(bytes, line);
            if (bytes.Length == 0 || entry.IsEnd) continue;
            if (values.Length > 0 && (!entry.IsEntry || values.Length > BodyBytesTarget || !bytes.AsSpan(entry.Stream).SequenceEqual(stream))) yield return Body(stream, values, first, last);
            if (!entry.IsEntry)
            {
                yield return new PushBody(line, line, bytes);
                continue;
            }
            if (values.Length == 0) (first, stream) = (line, bytes[entry.Stream]);
            values.Append(values.Length == 0 ? "["u8 : ",["u8);
            values.Append(bytes.AsSpan(entry.Time));
            values.Append(","u8);
            values.Append(bytes.AsSpan(entry.Line));
            if (entry.Metadata is { } metadata)
            {
                values.Append(","u8);
                values.Append(bytes.AsSpan(metadata));
            }
            values.Append("]"u8);
            last = line;
        }
        if (values.Length > 0) yield return Body(stream, values, first, last);
    }

    private static PushBody Body(byte[] stream, PooledBuffer values, long first, long last)
    {
        byte[] body = [.. "{\"streams\":[{\"stream\":"u8, .. stream, .. ",\"values\":["u8, .. values.Span, .. "]}]}"u8];
        values.Clear();
        return new PushBody(first, last, body);
    }

    /// <summary>Where the values of an entry stand in a line.</summary>
    private readonly record struct EntryLine(Range Time, Range Line, Range Stream, Range? Metadata, bool IsEntry, bool IsEnd)
    {
        /// <summary>Neither an entry nor an end where the line is something else, also where it is no JSON: that is told when it is taken for a body.</summary>
        public static EntryLine Read(ReadOnlySpan<byte> line, long number)
        {
            Range? time = null, text = null, stream = null, metadata = null;
            string? status = null, error = null;
            try
            {
                var json = new Utf8JsonReader(line);
                if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return default;
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    string? name = json.GetString();
                    json.Read();
                    int from = (int)json.TokenStartIndex;
                    if (name == "status" && json.TokenType == JsonTokenType.String) status = json.GetString();
                    if (name == "error" && json.TokenType == JsonTokenType.String) error = json.GetString();
                    json.Skip();
                    var range = from..(int)json.BytesConsumed;
                    if (name == "ts") time = range;
                    else if (name == "line") text = range;
                    else if (name == "stream") stream = range;
                    else if (name == "structuredMetadata") metadata = range;
                    else if (name == "streams") return default;
                }
            }
            catch (JsonException)
            {
                return default;
            }
            if (time is { } at && text is { } what && stream is { } whose) return new EntryLine(at, what, whose, metadata, IsEntry: true, IsEnd: false);
            if (status == "error") throw new InvalidDataException($"line {number}: the input ends with the error of the query that it comes from: {error}");
            return default(EntryLine) with { IsEnd = status == "success" };
        }
    }
}
