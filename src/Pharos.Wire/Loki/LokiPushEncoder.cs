using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Loki;

/// <summary>Writes a <see cref="LogBatch"/> as the body of Loki's push: <c>logproto.PushRequest</c> in raw Snappy.</summary>
public static class LokiPushEncoder
{
    public const string ContentType = "application/x-protobuf";

    public const string ContentEncoding = "snappy";

    /// <summary>Writes all streams that have entries; entries keep their order within a stream.</summary>
    public static void Encode(LogBatch batch, IBufferWriter<byte> output)
    {
        byte[] message = EncodeMessage(batch, out int length);
        try
        {
            SnappyBlock.Encode(message.AsSpan(0, length), output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    /// <summary>The message before packing, in a buffer rented from the shared array pool; the caller returns it.</summary>
    public static byte[] EncodeMessage(LogBatch batch, out int length)
    {
        var entries = batch.Entries;
        int streams = batch.StreamCount;
        int[] sizes = ArrayPool<int>.Shared.Rent(streams + 1);
        int[] starts = ArrayPool<int>.Shared.Rent(streams + 1);
        int[] order = ArrayPool<int>.Shared.Rent(entries.Length + 1);
        try
        {
            sizes.AsSpan(0, streams + 1).Clear();
            starts.AsSpan(0, streams + 1).Clear();
            foreach (ref readonly var entry in entries)
            {
                sizes[entry.Stream] = checked(sizes[entry.Stream] + ProtoWriter.SizeOfBytes(SizeOf(batch, entry)));
                starts[entry.Stream + 1]++;
            }
            for (int s = 0; s < streams; s++) starts[s + 1] += starts[s];
            for (int i = 0; i < entries.Length; i++) order[starts[entries[i].Stream]++] = i;
            // Each start has now moved to its stream's end.
            var labels = new byte[streams][];
            length = 0;
            for (int s = 0; s < streams; s++)
            {
                if (sizes[s] == 0) continue;
                labels[s] = Encoding.UTF8.GetBytes(Labels.FromEncoded(batch.LabelsOf(s)).ToString());
                sizes[s] = checked(sizes[s] + ProtoWriter.SizeOfBytes(labels[s].Length));
                length = checked(length + ProtoWriter.SizeOfBytes(sizes[s]));
            }
            byte[] message = ArrayPool<byte>.Shared.Rent(Math.Max(1, length));
            var writer = new ProtoWriter(message);
            int from = 0;
            for (int s = 0; s < streams; s++)
            {
                int end = starts[s];
                if (sizes[s] > 0)
                {
                    writer.Message(1, sizes[s]);
                    writer.Bytes(1, labels[s]);
                    for (int i = from; i < end; i++) Write(ref writer, batch, entries[order[i]]);
                }
                from = end;
            }
            return message;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sizes);
            ArrayPool<int>.Shared.Return(starts);
            ArrayPool<int>.Shared.Return(order);
        }
    }

    private static int SizeOf(LogBatch batch, in BatchLogEntry entry)
    {
        int size = ProtoWriter.SizeOfBytes(SizeOfTimestamp(entry.TimestampNs)) + ProtoWriter.SizeOfBytes(entry.LineLength);
        var metadata = batch.MetadataOf(entry);
        for (int at = 0; at < metadata.Length;)
        {
            int name = LabelCodec.ReadString(metadata, ref at).Length;
            int value = LabelCodec.ReadString(metadata, ref at).Length;
            size += ProtoWriter.SizeOfBytes(ProtoWriter.SizeOfBytes(name) + ProtoWriter.SizeOfBytes(value));
        }
        return size;
    }

    private static void Write(ref ProtoWriter writer, LogBatch batch, in BatchLogEntry entry)
    {
        writer.Message(2, SizeOf(batch, entry));
        writer.Message(1, SizeOfTimestamp(entry.TimestampNs));
        var (seconds, nanos) = Split(entry.TimestampNs);
        if (seconds != 0)
        {
            writer.Tag(1, ProtoType.Varint);
            writer.Varint((ulong)seconds);
        }
        if (nanos != 0)
        {
            writer.Tag(2, ProtoType.Varint);
            writer.Varint((ulong)nanos);
        }
        writer.Bytes(2, batch.LineOf(entry));
        var metadata = batch.MetadataOf(entry);
        for (int at = 0; at < metadata.Length;)
        {
            var name = LabelCodec.ReadString(metadata, ref at);
            var value = LabelCodec.ReadString(metadata, ref at);
            writer.Message(3, ProtoWriter.SizeOfBytes(name.Length) + ProtoWriter.SizeOfBytes(value.Length));
            writer.Bytes(1, name);
            writer.Bytes(2, value);
        }
    }

    private static int SizeOfTimestamp(long timestampNs)
    {
        var (seconds, nanos) = Split(timestampNs);
        return (seconds == 0 ? 0 : 1 + ProtoWriter.SizeOf((ulong)seconds)) + (nanos == 0 ? 0 : 1 + ProtoWriter.SizeOf((ulong)nanos));
    }

    private static (long Seconds, long Nanos) Split(long timestampNs)
    {
        long seconds = Math.DivRem(timestampNs, 1_000_000_000, out long nanos);
        return nanos < 0 ? (seconds - 1, nanos + 1_000_000_000) : (seconds, nanos);
    }
}
