using System.Buffers;
using Pharos.Core;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Loki;

/// <summary>
/// Reads bodies of Loki's <c>POST /loki/api/v1/push</c> straight into a <see cref="LogBatch"/>:
/// JSON, or protobuf in raw Snappy, either of them also in gzip or deflate.
/// A stream whose labels cannot be read is left out and reported; the others are kept.
/// </summary>
public static class LokiPushDecoder
{
    /// <summary>Reads a body by its headers, as Loki does: JSON where the type says so, else protobuf.</summary>
    /// <param name="contentEncoding">None, <c>snappy</c> (a mere marker), <c>gzip</c> or <c>deflate</c>.</param>
    /// <param name="batch">Gets the streams and entries; cleared first. After an exception its content has no meaning.</param>
    /// <exception cref="WireFormatException">The body as a whole cannot be read.</exception>
    public static LokiPushResult Decode(
        ReadOnlyMemory<byte> body, string? contentType, string? contentEncoding, LokiPushOptions options, LogBatch batch)
    {
        bool json = IsJson(contentType);
        return json && options.Legacy ? DecodeLegacy(body, contentEncoding, options, batch) : Decode(body, json, contentEncoding, options, batch);
    }

    private static LokiPushResult Decode(ReadOnlyMemory<byte> body, bool json, string? contentEncoding, LokiPushOptions options, LogBatch batch)
    {
        string encoding = (contentEncoding ?? "").Trim().ToLowerInvariant();
        switch (encoding)
        {
            case "" or "snappy" or "identity":
                return json ? DecodeJson(Bounded(body.Span, options), options, batch) : DecodeProtobuf(body.Span, options, batch);
            case "gzip" or "deflate":
                int length;
                byte[] unpacked = encoding == "gzip"
                    ? BoundedInflate.Gzip(body, options.UnpackedBytesMax, out length)
                    : BoundedInflate.Deflate(body, options.UnpackedBytesMax, out length);
                try
                {
                    var inner = unpacked.AsSpan(0, length);
                    return json ? DecodeJson(inner, options, batch) : DecodeProtobuf(inner, options, batch);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(unpacked);
                }
            default:
                throw new WireFormatException(
                    WireErrorKind.Unsupported, $"Content-Encoding \"{contentEncoding}\" not supported; use gzip, deflate, snappy or none");
        }
    }

    private static LokiPushResult DecodeLegacy(ReadOnlyMemory<byte> body, string? contentEncoding, LokiPushOptions options, LogBatch batch)
    {
        using var opened = PackedBody.Open(body, contentEncoding, options.UnpackedBytesMax);
        using var reader = new LegacyPushReader(options, batch);
        return reader.Read(opened.Message);
    }

    /// <summary>Reads protobuf in raw Snappy.</summary>
    /// <inheritdoc cref="Decode"/>
    public static LokiPushResult DecodeProtobuf(ReadOnlySpan<byte> packed, LokiPushOptions options, LogBatch batch)
    {
        byte[] message;
        int length;
        try
        {
            message = SnappyBlock.Decode(packed, options.UnpackedBytesMax, out length);
        }
        catch (WireFormatException e) when (e.Kind == WireErrorKind.Malformed && packed.TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
        {
            throw new WireFormatException(e.Kind, e.Message + "; the body looks like JSON, which needs Content-Type: application/json", e);
        }
        try
        {
            using var reader = new PushProtobufReader(options, batch);
            return reader.Read(message.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    /// <summary>Reads JSON, unpacked.</summary>
    /// <inheritdoc cref="Decode"/>
    public static LokiPushResult DecodeJson(ReadOnlySpan<byte> json, LokiPushOptions options, LogBatch batch)
    {
        using var reader = new PushJsonReader(options, batch);
        return reader.Read(json);
    }

    private static bool IsJson(string? contentType)
    {
        var type = (contentType ?? "").AsSpan();
        int parameters = type.IndexOf(';');
        return (parameters < 0 ? type : type[..parameters]).Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase);
    }

    private static ReadOnlySpan<byte> Bounded(ReadOnlySpan<byte> body, LokiPushOptions options) =>
        body.Length <= options.UnpackedBytesMax
            ? body
            : throw new WireFormatException(WireErrorKind.TooLarge, $"the body has {body.Length} bytes, over the limit of {options.UnpackedBytesMax} bytes");
}
