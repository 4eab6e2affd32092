using System.Buffers;

namespace Pharos.Wire.Compression;

/// <summary>The body of a request, unpacked under a limit. Dispose gives the buffer back.</summary>
public readonly struct PackedBody : IDisposable
{
    private readonly byte[]? rented;

    private PackedBody(ReadOnlyMemory<byte> message, byte[]? rented)
    {
        Message = message;
        this.rented = rented;
    }

    public ReadOnlyMemory<byte> Message { get; }

    /// <param name="bytesMax">Largest body after unpacking.</param>
    /// <exception cref="WireFormatException">Damaged, too large, or packed in another way than gzip, deflate, zstd or lz4.</exception>
    public static PackedBody Open(ReadOnlyMemory<byte> body, string? contentEncoding, long bytesMax)
    {
        int length;
        byte[]? unpacked = (contentEncoding ?? "").Trim().ToLowerInvariant() switch
        {
            "" or "identity" => Plain(body, bytesMax, out length),
            "gzip" or "x-gzip" => BoundedInflate.Gzip(body, bytesMax, out length),
            "deflate" => BoundedInflate.Deflate(body, bytesMax, out length),
            "zstd" => Zstd.Decompress(body.Span, bytesMax, out length),
            "lz4" => Lz4Frame.Decompress(body.Span, bytesMax, out length),
            _ => throw new WireFormatException(WireErrorKind.Unsupported, $"Content-Encoding \"{contentEncoding}\" not supported; use gzip, deflate, zstd, lz4 or none"),
        };
        return new PackedBody(unpacked is null ? body : unpacked.AsMemory(0, length), unpacked);
    }

    public void Dispose()
    {
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    private static byte[]? Plain(ReadOnlyMemory<byte> body, long bytesMax, out int length)
    {
        length = body.Length;
        return length <= bytesMax ? null : throw new WireFormatException(WireErrorKind.TooLarge, $"the body has {length} bytes, over the limit of {bytesMax} bytes");
    }
}
