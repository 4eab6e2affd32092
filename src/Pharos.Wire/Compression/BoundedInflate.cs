using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Pharos.Wire.Compression;

/// <summary>Unpacks gzip and deflate bodies up to a limit.</summary>
public static class BoundedInflate
{
    /// <summary>Unpacks gzip into a buffer rented from the shared array pool; the caller returns it.</summary>
    /// <exception cref="WireFormatException">The data is damaged, or unpacks to more than <paramref name="bytesMax"/>.</exception>
    public static byte[] Gzip(ReadOnlyMemory<byte> packed, long bytesMax, out int length)
    {
        using var source = Open(packed);
        using var stream = new GZipStream(source, CompressionMode.Decompress);
        return ReadAll(stream, packed.Length, bytesMax, out length);
    }

    /// <summary>Unpacks HTTP's <c>deflate</c>: zlib data, or raw deflate as some clients send it. Buffer as in <see cref="Gzip"/>.</summary>
    /// <inheritdoc cref="Gzip"/>
    public static byte[] Deflate(ReadOnlyMemory<byte> packed, long bytesMax, out int length)
    {
        var head = packed.Span;
        bool zlib = head.Length >= 2 && (head[0] & 0x0f) == 8 && ((head[0] << 8) | head[1]) % 31 == 0;
        using var source = Open(packed);
        using Stream stream = zlib ? new ZLibStream(source, CompressionMode.Decompress) : new DeflateStream(source, CompressionMode.Decompress);
        return ReadAll(stream, packed.Length, bytesMax, out length);
    }

    private static MemoryStream Open(ReadOnlyMemory<byte> packed) =>
        MemoryMarshal.TryGetArray(packed, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(packed.ToArray(), writable: false);

    private static byte[] ReadAll(Stream stream, int packedLength, long bytesMax, out int length)
    {
        long most = Math.Min(bytesMax, Array.MaxLength);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp((long)packedLength * 4, 4096, Math.Max(4096, Math.Min(most, 1 << 20))));
        length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, (long)length * 2));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
                int read = stream.Read(buffer, length, buffer.Length - length);
                if (read == 0) return buffer;
                length += read;
                if (length > most)
                {
                    throw new WireFormatException(WireErrorKind.TooLarge, $"the unpacked body is over the limit of {bytesMax} bytes");
                }
            }
        }
        catch (InvalidDataException e)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw new WireFormatException(WireErrorKind.Malformed, $"the compressed body is damaged: {e.Message}", e);
        }
        catch (WireFormatException)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }
}
