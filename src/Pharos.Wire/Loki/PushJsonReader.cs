using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary><c>{"streams":[{"stream":{…},"values":[["&lt;ns&gt;","line",{…}]]}]}</c></summary>
internal sealed class PushJsonReader(LokiPushOptions options, LogBatch batch) : IDisposable
{
    private readonly LabelScratch scratch = new();
    private readonly PushCollector collector = new(options, batch);
    private byte[] line = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] text = ArrayPool<byte>.Shared.Rent(256);

    public LokiPushResult Read(ReadOnlySpan<byte> json)
    {
        batch.Clear();
        using (var plain = new PlainPushJson(scratch, collector, batch))
        {
            if (plain.TryRead(json)) return collector.Result();
        }
        batch.Clear();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 32 });
        try
        {
            Require(ref reader, JsonTokenType.StartObject, "an object with \"streams\"");
            while (Move(ref reader) == JsonTokenType.PropertyName)
            {
                bool streams = reader.ValueTextEquals("streams"u8);
                Move(ref reader);
                if (!streams)
                {
                    reader.Skip();
                    continue;
                }
                if (reader.TokenType == JsonTokenType.Null) continue;
                Expect(ref reader, JsonTokenType.StartArray, "an array of streams");
                while (Move(ref reader) != JsonTokenType.EndArray)
                {
                    Expect(ref reader, JsonTokenType.StartObject, "a stream object");
                    Stream(ref reader);
                }
            }
        }
        catch (JsonException e)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"couldn't parse push request: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"couldn't parse push request: a string is no valid UTF-8 at byte {reader.TokenStartIndex}", e);
        }
        return collector.Result();
    }

    public void Dispose()
    {
        scratch.Dispose();
        if (line.Length == 0) return;
        ArrayPool<byte>.Shared.Return(line);
        ArrayPool<byte>.Shared.Return(text);
        line = text = [];
    }

    private void Stream(ref Utf8JsonReader reader)
    {
        int stream = -1;
        AppendError? error = null;
        bool haveLabels = false, haveValues = false, valuesRead = false;
        int entries = 0;
        Utf8JsonReader early = default;
        while (Move(ref reader) == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("stream"u8))
            {
                Require(ref reader, JsonTokenType.StartObject, "an object of labels");
                Pairs(ref reader);
                stream = collector.AddPairs(scratch, out error);
                haveLabels = true;
            }
            else if (reader.ValueTextEquals("values"u8))
            {
                Move(ref reader);
                if (reader.TokenType == JsonTokenType.Null) continue;
                Expect(ref reader, JsonTokenType.StartArray, "an array of values");
                haveValues = true;
                if (haveLabels)
                {
                    entries += Values(ref reader, stream);
                    valuesRead = true;
                }
                else
                {
                    early = reader;
                    reader.Skip();
                }
            }
            else if (reader.ValueTextEquals("entries"u8))
            {
                throw Wrong(ref reader, "\"stream\" and \"values\" (\"labels\" and \"entries\" are the form of /api/prom/push)");
            }
            else
            {
                Move(ref reader);
                reader.Skip();
            }
        }
        if (!haveLabels)
        {
            scratch.Clear();
            stream = collector.AddStream(scratch, out error);
        }
        if (haveValues && !valuesRead) entries += Values(ref early, stream);
        if (error is not null) collector.LeftOut(error, entries);
    }

    private int Values(ref Utf8JsonReader reader, int stream)
    {
        int entries = 0;
        while (Move(ref reader) != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartArray, "an array [timestamp, line]");
            Require(ref reader, JsonTokenType.String, "the timestamp as a string of nanoseconds");
            if (!TryTimestamp(ref reader, out long timestampNs)) throw Wrong(ref reader, "a timestamp in whole nanoseconds, in quotes");
            Require(ref reader, JsonTokenType.String, "the line as a string");
            int lineLength = 0;
            bool direct = !reader.ValueIsEscaped;
            var lineBytes = direct ? reader.ValueSpan : default;
            if (!direct)
            {
                lineLength = Resolve(ref reader, ref line);
            }
            scratch.Clear();
            if (Move(ref reader) == JsonTokenType.StartObject)
            {
                Pairs(ref reader);
                Move(ref reader);
            }
            if (reader.TokenType != JsonTokenType.EndArray) throw Wrong(ref reader, "the end of an entry: [timestamp, line, {metadata}]");
            entries++;
            if (stream < 0) continue;
            ReadOnlySpan<byte> metadata = default;
            if (scratch.Count > 0)
            {
                scratch.NormaliseNames();
                metadata = scratch.ToCanonical(out _);
            }
            batch.AddEntry(stream, timestampNs, direct ? lineBytes : line.AsSpan(0, lineLength), metadata);
        }
        return entries;
    }

    /// <summary>A flat object of strings, the reader standing at its start; ends at its end.</summary>
    private void Pairs(ref Utf8JsonReader reader)
    {
        scratch.Clear();
        while (Move(ref reader) == JsonTokenType.PropertyName)
        {
            int nameAt = Text(ref reader, out int nameLength);
            Require(ref reader, JsonTokenType.String, "a string value");
            int valueAt = Text(ref reader, out int valueLength);
            scratch.Add(nameAt, nameLength, valueAt, valueLength);
        }
    }

    private int Text(ref Utf8JsonReader reader, out int length)
    {
        if (!reader.ValueIsEscaped)
        {
            length = reader.ValueSpan.Length;
            return scratch.Keep(reader.ValueSpan);
        }
        length = Resolve(ref reader, ref text);
        return scratch.Keep(text.AsSpan(0, length));
    }

    private static int Resolve(ref Utf8JsonReader reader, ref byte[] room) =>
        JsonEscapes.TryResolve(reader.ValueSpan, ref room, toEnd: true, out _, out int length) ? length : throw Wrong(ref reader, "a string");

    private static bool TryTimestamp(ref Utf8JsonReader reader, out long timestampNs) =>
        Utf8Parser.TryParse(reader.ValueSpan, out timestampNs, out int used) && used == reader.ValueSpan.Length;

    private static JsonTokenType Move(ref Utf8JsonReader reader) =>
        reader.Read() ? reader.TokenType : throw new WireFormatException(WireErrorKind.Malformed, "couldn't parse push request: the JSON ends too early");

    private static void Require(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        Move(ref reader);
        Expect(ref reader, type, what);
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type) throw Wrong(ref reader, what);
    }

    private static WireFormatException Wrong(ref Utf8JsonReader reader, string what) =>
        new(WireErrorKind.Malformed, $"couldn't parse push request: expected {what} at byte {reader.TokenStartIndex}");
}
