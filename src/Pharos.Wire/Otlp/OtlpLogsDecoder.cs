using Pharos.Core;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Otlp;

/// <summary>Reads bodies of <c>POST /otlp/v1/logs</c>: OTLP logs in protobuf or JSON, plain, gzip, deflate, zstd or lz4.</summary>
public static class OtlpLogsDecoder
{
    /// <param name="nowNs">Time of entries that carry none.</param>
    /// <param name="mapping">What attributes become.</param>
    /// <param name="batch">Gets the entries; cleared first. After an exception its content has no meaning.</param>
    /// <param name="bytesMax">Largest body after unpacking.</param>
    /// <exception cref="WireFormatException">The body cannot be read.</exception>
    public static void Decode(ReadOnlyMemory<byte> body, bool json, string? contentEncoding, long bytesMax, long nowNs, OtlpLogMapping mapping, LogBatch batch)
    {
        batch.Clear();
        using var opened = PackedBody.Open(body, contentEncoding, bytesMax);
        using var mapper = new OtlpLogsMapper(batch, nowNs, mapping);
        if (json) OtlpLogsJson.Read(opened.Message, mapper);
        else OtlpLogsProtobuf.Read(opened.Message.Span, mapper);
    }
}
