using System.Buffers.Binary;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.RemoteRead;

/// <summary>Reads the messages that answer a remote read of one query. Source: prometheus/prompb/remote.proto, prometheus/storage/remote (frames).</summary>
public static class RemoteReadReader
{
    /// <summary>Takes a chunk of a series in the Prometheus v2 format.</summary>
    public delegate void ChunkTaker(byte encoding, ReadOnlySpan<byte> data);

    /// <summary>Reads a <c>prometheus.ReadResponse</c>, unpacked.</summary>
    /// <param name="series">Gives the columns that take the samples of a series.</param>
    /// <exception cref="WireFormatException">Not such a message.</exception>
    public static void Samples(ReadOnlySpan<byte> body, Func<Labels, SampleColumns> series)
    {
        var fields = new ProtoReader(body);
        while (fields.Next())
        {
            if (!fields.Is(1, ProtoType.Bytes))
            {
                fields.Skip();
                continue;
            }
            var result = fields.Message();
            while (result.Next())
            {
                if (result.Is(1, ProtoType.Bytes)) Series(result.Message(), series);
                else result.Skip();
            }
        }
    }

    /// <summary>Reads a <c>prometheus.ChunkedReadResponse</c>.</summary>
    /// <param name="series">Gives what takes the chunks of a series.</param>
    /// <exception cref="WireFormatException">Not such a message.</exception>
    public static void Chunks(ReadOnlySpan<byte> message, Func<Labels, ChunkTaker> series)
    {
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (!fields.Is(1, ProtoType.Bytes))
            {
                fields.Skip();
                continue;
            }
            var of = fields.Message();
            var take = series(ReadLabels(of));
            while (of.Next())
            {
                if (of.Is(2, ProtoType.Bytes)) Chunk(of.Message(), take);
                else of.Skip();
            }
        }
    }

    /// <summary>The length of a frame's message and of its head, from the first bytes of a frame; false where more bytes are needed.</summary>
    /// <param name="checksum">CRC-32C of the message.</param>
    /// <exception cref="WireFormatException">The length is no varint.</exception>
    public static bool TryFrame(ReadOnlySpan<byte> bytes, out ulong length, out int head, out uint checksum)
    {
        length = 0;
        checksum = 0;
        for (head = 0; ; head++)
        {
            if (head == 10) throw new WireFormatException("the length of a frame is too long", 0);
            if (head == bytes.Length) return false;
            length |= (ulong)(bytes[head] & 0x7F) << (7 * head);
            if (bytes[head] < 0x80) break;
        }
        head++;
        if (bytes.Length < head + 4) return false;
        checksum = BinaryPrimitives.ReadUInt32BigEndian(bytes[head..]);
        head += 4;
        return true;
    }

    private static void Series(ProtoReader message, Func<Labels, SampleColumns> series)
    {
        var into = series(ReadLabels(message));
        while (message.Next())
        {
            if (message.Is(2, ProtoType.Bytes)) Sample(message.Message(), into);
            else if (message.Is(4, ProtoType.Bytes))
            {
                int at = message.Position;
                if (HistogramCodec.Read(message.Message(), out var histogram, out long timestampMs, out _) is { } fault) throw new WireFormatException(fault, at);
                into.Add(timestampMs, histogram);
            }
            else message.Skip();
        }
    }

    private static void Sample(ProtoReader fields, SampleColumns into)
    {
        double value = 0;
        long timestampMs = 0;
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Fixed64)) value = fields.Double();
            else if (fields.Is(2, ProtoType.Varint)) timestampMs = fields.Int64();
            else fields.Skip();
        }
        into.Add(timestampMs, value);
    }

    private static void Chunk(ProtoReader fields, ChunkTaker take)
    {
        byte encoding = 0;
        ReadOnlySpan<byte> data = [];
        while (fields.Next())
        {
            if (fields.Is(3, ProtoType.Varint)) encoding = (byte)fields.Varint();
            else if (fields.Is(4, ProtoType.Bytes)) data = fields.Bytes();
            else fields.Skip();
        }
        take(encoding, data);
    }

    /// <summary>The fields 1 of a series; its reader stays where it is.</summary>
    private static Labels ReadLabels(ProtoReader fields)
    {
        var labels = new LabelsBuilder();
        while (fields.Next())
        {
            if (!fields.Is(1, ProtoType.Bytes))
            {
                fields.Skip();
                continue;
            }
            string name = "", value = "";
            var pair = fields.Message();
            while (pair.Next())
            {
                if (pair.Is(1, ProtoType.Bytes)) name = Encoding.UTF8.GetString(pair.Bytes());
                else if (pair.Is(2, ProtoType.Bytes)) value = Encoding.UTF8.GetString(pair.Bytes());
                else pair.Skip();
            }
            labels.Set(name, value);
        }
        return labels.ToLabels();
    }
}
