using System.IO.Compression;
using Pharos.Wire.Compression;

namespace Pharos.Logs.Blocks;

/// <summary>How the frames of a block are packed. Values are on disk: never reuse one.</summary>
internal enum BlockCodec : byte
{
    Zstd = 1,

    /// <summary>Where libzstd is missing when the block is written.</summary>
    Brotli = 2,
}

/// <summary>Packs and unpacks frames.</summary>
internal static class BlockCodecs
{
    public static BlockCodec Best => Zstd.IsAvailable ? BlockCodec.Zstd : BlockCodec.Brotli;

    public static int PackedBytesMax(int length) => Math.Max(Zstd.CompressedBytesMax(length), BrotliEncoder.GetMaxCompressedLength(length));

    public static int Pack(BlockCodec codec, ReadOnlySpan<byte> input, Span<byte> output, int level)
    {
        if (codec == BlockCodec.Zstd) return Zstd.Compress(input, output, level);
        return BrotliEncoder.TryCompress(input, output, out int written, Math.Clamp(level, 1, 6), 20)
            ? written
            : throw new InvalidOperationException("brotli: no room for the packed frame");
    }

    /// <exception cref="InvalidDataException">The frame is damaged or has another length.</exception>
    public static void Unpack(BlockCodec codec, ReadOnlySpan<byte> input, Span<byte> output)
    {
        bool whole = codec switch
        {
            BlockCodec.Zstd => Zstd.TryDecompress(input, output),
            BlockCodec.Brotli => BrotliDecoder.TryDecompress(input, output, out int written) && written == output.Length,
            _ => throw new InvalidDataException($"block codec {(int)codec} is unknown to this version"),
        };
        if (!whole) throw new InvalidDataException("a packed frame is damaged");
    }
}
