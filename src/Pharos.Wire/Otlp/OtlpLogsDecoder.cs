using System.Buffers;
using Pharos.Core;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Otlp;

/// <summary>Reads bodies of <c>POST /otlp/v1/logs</c>: OTLP logs in protobuf or JSON, plain, gzip, deflate or zstd.</summary>
public static class OtlpLogsDecoder
{
    /// <param name="nowNs">Time of entries that carry none.</param>
    /// <param name="batch">Gets the entries; cleared first. After an exception its content has no meaning.</param>
    /// <param name="bytesMax">Largest body after unpacking.</param>
    /// <exception cref="WireFormatException">The body cannot be read.</exception>
    public static void Decode(ReadOnlyMemory<byte> body, bool json, string? contentEncoding, long bytesMax, long nowNs, LogBatch batch)
    {
        batch.Clear();
        int length;
        byte[]? unpacked = (contentEncoding ?? "").Trim().ToLowerInvariant() switch
        {
            "" or "identity" => Plain(body, bytesMax, out length),
            "gzip" => BoundedInflate.Gzip(body, bytesMax, out length),
            "deflate" => BoundedInflate.Deflate(body, bytesMax, out length),
            "zstd" => Zstd.Decompress(body.Span, bytesMax, out length),
            _ => throw new WireFormatException(WireErrorKind.Unsupported, $"Content-Encoding \"{contentEncoding}\" not supported; use gzip, deflate, zstd or none"),
        };
        try
        {
            var message = unpacked is null ? body : unpacked.AsMemory(0, length);
            using var mapper = new OtlpLogsMapper(batch, nowNs);
            if (json) OtlpLogsJson.Read(message, mapper);
            else OtlpLogsProtobuf.Read(message.Span, mapper);
        }
        finally
        {
            if (unpacked is not null) ArrayPool<byte>.Shared.Return(unpacked);
        }
    }

    private static byte[]? Plain(ReadOnlyMemory<byte> body, long bytesMax, out int length)
    {
        length = body.Length;
        return length <= bytesMax ? null : throw new WireFormatException(WireErrorKind.TooLarge, $"the body has {length} bytes, over the limit of {bytesMax} bytes");
    }
}
