using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.RemoteRead;

/// <summary>Writes the messages that answer a remote read. Source: prometheus/prompb/remote.proto, prometheus/storage/remote (frames).</summary>
public static class RemoteReadWriter
{
    public const string SamplesContentType = "application/x-protobuf";
    public const string ChunksContentType = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

    /// <summary>Writes a <c>prometheus.TimeSeries</c> as the field <paramref name="field"/> of an open message.</summary>
    public static void Series(ProtoBuffer to, uint field, Labels labels, SampleColumns samples)
    {
        int series = to.Begin(field);
        LabelsOf(to, labels);
        for (int i = 0; i < samples.Count; i++)
        {
            if (samples.HasHistograms && samples.Histograms[i] is { } histogram)
            {
                HistogramCodec.Write(to, 4, histogram, samples.Timestamps[i], startMs: 0);
                continue;
            }
            int sample = to.Begin(2);
            to.Field(1, samples.Values[i]);
            to.Field(2, samples.Timestamps[i]);
            to.End(sample);
        }
        to.End(series);
    }

    /// <summary>Begins a <c>prometheus.ChunkedSeries</c> as field 1 of a <c>ChunkedReadResponse</c>; <see cref="Chunk"/> adds to it, <see cref="ProtoBuffer.End"/> closes it.</summary>
    public static int BeginChunked(ProtoBuffer to, Labels labels)
    {
        int series = to.Begin(1);
        LabelsOf(to, labels);
        return series;
    }

    /// <param name="encoding">1: XOR, 2: histogram, 3: float histogram.</param>
    public static void Chunk(ProtoBuffer to, byte encoding, long minMs, long maxMs, ReadOnlySpan<byte> data)
    {
        int chunk = to.Begin(2);
        to.Field(1, minMs);
        to.Field(2, maxMs);
        to.Field(3, (ulong)encoding);
        to.Field(4, data);
        to.End(chunk);
    }

    /// <summary>Closes a <c>ChunkedReadResponse</c>: says which query of the request it answers.</summary>
    public static void QueryIndex(ProtoBuffer to, int query)
    {
        if (query != 0) to.Field(2, (ulong)query);
    }

    /// <summary>What goes before a message in the stream: its length as a varint, its CRC-32C in four bytes, big end first. Returns the bytes written.</summary>
    /// <param name="head">At least 9 bytes.</param>
    public static int FrameHead(ReadOnlySpan<byte> message, Span<byte> head)
    {
        int at = 0;
        uint length = (uint)message.Length;
        for (; length >= 0x80; length >>= 7) head[at++] = (byte)(length | 0x80);
        head[at++] = (byte)length;
        BinaryPrimitives.WriteUInt32BigEndian(head[at..], Crc32C.Of(message));
        return at + 4;
    }

    private static void LabelsOf(ProtoBuffer to, Labels labels)
    {
        foreach (var label in labels) to.Pair(1, label.NameUtf8, label.ValueUtf8);
    }
}
