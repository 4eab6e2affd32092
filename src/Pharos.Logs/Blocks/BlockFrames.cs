using System.Buffers;
using Pharos.Core;

namespace Pharos.Logs.Blocks;

/// <summary>Reads packed frames of a block.</summary>
internal static class BlockFrames
{
    /// <summary>The frame, unpacked into a buffer from the shared pool that the caller gives back.</summary>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    /// <exception cref="IOException">The frame cannot be read.</exception>
    public static byte[] Read(BlockRef block, long offset, int packedLength, int rawLength, uint crc, string what)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(Math.Max(1, packedLength));
        byte[] raw = ArrayPool<byte>.Shared.Rent(Math.Max(1, rawLength));
        bool good = false;
        try
        {
            block.Source.Read(offset, packed.AsSpan(0, packedLength));
            if (Crc32C.Of(packed.AsSpan(0, packedLength)) != crc) throw new InvalidDataException($"the {what} frame's checksum does not match");
            BlockCodecs.Unpack(block.Header.Codec, packed.AsSpan(0, packedLength), raw.AsSpan(0, rawLength));
            good = true;
            return raw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            if (!good) ArrayPool<byte>.Shared.Return(raw);
        }
    }

    /// <summary>Reads bytes that are not packed, into a buffer from the shared pool that the caller gives back.</summary>
    /// <inheritdoc cref="Read"/>
    public static byte[] ReadPlain(BlockRef block, long offset, int length, uint crc, string what)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, length));
        try
        {
            block.Source.Read(offset, bytes.AsSpan(0, length));
            if (Crc32C.Of(bytes.AsSpan(0, length)) != crc) throw new InvalidDataException($"the {what}'s checksum does not match");
            return bytes;
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(bytes);
            throw;
        }
    }
}
