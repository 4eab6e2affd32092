using Pharos.Core;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Loki;

/// <summary>Loki's <c>logproto.PushRequest</c>.</summary>
internal sealed class PushProtobufReader(LokiPushOptions options, LogBatch batch) : IDisposable
{
    private readonly LabelScratch scratch = new();
    private readonly PushCollector collector = new(options, batch);

    public LokiPushResult Read(ReadOnlySpan<byte> message)
    {
        batch.Clear();
        var request = new ProtoReader(message);
        while (request.Next())
        {
            if (request.Is(1, ProtoType.Bytes)) Stream(request.Bytes());
            else request.Skip();
        }
        return collector.Result();
    }

    public void Dispose() => scratch.Dispose();

    private void Stream(ReadOnlySpan<byte> message)
    {
        // Entries may stand before the labels on the wire: look for the labels first.
        ReadOnlySpan<byte> labels = default;
        var look = new ProtoReader(message);
        while (look.Next())
        {
            if (look.Is(1, ProtoType.Bytes)) labels = look.Bytes();
            else look.Skip();
        }
        int stream = collector.AddStream(labels, scratch, out var error);
        int entries = 0;
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes))
            {
                var entry = fields.Bytes();
                entries++;
                if (stream >= 0) Entry(stream, entry);
            }
            else
            {
                fields.Skip();
            }
        }
        if (error is not null) collector.LeftOut(error, entries);
    }

    private void Entry(int stream, ReadOnlySpan<byte> message)
    {
        long timestampNs = 0;
        ReadOnlySpan<byte> line = default;
        scratch.Clear();
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) timestampNs = Timestamp(fields.Bytes());
            else if (fields.Is(2, ProtoType.Bytes)) line = fields.Bytes();
            else if (fields.Is(3, ProtoType.Bytes)) Pair(fields.Bytes());
            else fields.Skip();
        }
        ReadOnlySpan<byte> metadata = default;
        if (scratch.Count > 0)
        {
            scratch.NormaliseNames();
            metadata = scratch.ToCanonical(out _);
        }
        batch.AddEntry(stream, timestampNs, line, metadata);
    }

    private void Pair(ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> name = default, value = default;
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) name = fields.Bytes();
            else if (fields.Is(2, ProtoType.Bytes)) value = fields.Bytes();
            else fields.Skip();
        }
        scratch.Add(name, value);
    }

    private static long Timestamp(ReadOnlySpan<byte> message)
    {
        long seconds = 0, nanos = 0;
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Varint)) seconds = (long)fields.Varint();
            else if (fields.Is(2, ProtoType.Varint)) nanos = (int)fields.Varint();
            else fields.Skip();
        }
        try
        {
            return checked((seconds * 1_000_000_000) + nanos);
        }
        catch (OverflowException)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"timestamp of {seconds} seconds is outside the years 1678 to 2262");
        }
    }
}
