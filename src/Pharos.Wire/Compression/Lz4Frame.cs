using System.Buffers;
using System.Buffers.Binary;

namespace Pharos.Wire.Compression;

/// <summary>
/// Unpacks LZ4 frames up to a limit: linked and independent blocks, stored blocks, several frames one after the other, skippable frames.
/// Checksums are passed over; the decoder itself refuses what is damaged in structure. Source: the LZ4 frame and block formats 1.6.
/// </summary>
public static class Lz4Frame
{
    private const uint Magic = 0x184D2204;
    private const uint SkippableMagic = 0x184D2A50;

    /// <summary>Unpacks into a buffer rented from the shared array pool; the caller returns it.</summary>
    /// <exception cref="WireFormatException">The data is damaged, or unpacks to more than <paramref name="bytesMax"/>.</exception>
    public static byte[] Decompress(ReadOnlySpan<byte> input, long bytesMax, out int length)
    {
        var output = new Output((int)Math.Min(bytesMax, Array.MaxLength), bytesMax);
        try
        {
            int at = 0;
            do Frame(input, ref at, ref output);
            while (at < input.Length);
            length = output.Length;
            return output.Buffer;
        }
        catch
        {
            output.Return();
            throw;
        }
    }

    private static void Frame(ReadOnlySpan<byte> input, ref int at, ref Output output)
    {
        uint magic = UInt32(input, ref at);
        if ((magic & 0xFFFFFFF0) == SkippableMagic)
        {
            Take(input, ref at, UInt32(input, ref at));
            return;
        }
        if (magic != Magic) throw Damaged(at - 4, "no LZ4 frame");
        byte flags = Take(input, ref at, 1)[0];
        Take(input, ref at, 1);
        if (flags >> 6 != 1) throw Damaged(at - 2, $"LZ4 frame version {flags >> 6} is unknown");
        if ((flags & 0x01) != 0) throw new WireFormatException(WireErrorKind.Unsupported, "LZ4 frames with a dictionary are not supported");
        bool blockChecksums = (flags & 0x10) != 0, contentChecksum = (flags & 0x04) != 0;
        if ((flags & 0x08) != 0) Take(input, ref at, 8);
        Take(input, ref at, 1);
        // Matches of linked blocks reach back into the blocks before, never before the frame.
        int frameStart = output.Length;
        while (true)
        {
            uint size = UInt32(input, ref at);
            if (size == 0) break;
            int blockAt = at;
            var block = Take(input, ref at, size & 0x7FFFFFFF);
            if (size >> 31 == 1) output.Append(block);
            else Block(block, blockAt, frameStart, ref output);
            if (blockChecksums) Take(input, ref at, 4);
        }
        if (contentChecksum) Take(input, ref at, 4);
    }

    private static void Block(ReadOnlySpan<byte> block, int blockAt, int frameStart, ref Output output)
    {
        for (int at = 0; at < block.Length;)
        {
            byte token = block[at++];
            int literals = Length(block, ref at, token >> 4, blockAt);
            if (literals > block.Length - at) throw Damaged(blockAt + at, "literals beyond the LZ4 block");
            output.Append(block.Slice(at, literals));
            at += literals;
            if (at == block.Length) return;
            if (block.Length - at < 2) throw Damaged(blockAt + at, "an LZ4 match without its offset");
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(block[at..]);
            at += 2;
            if (distance == 0 || distance > output.Length - frameStart) throw Damaged(blockAt + at - 2, $"an LZ4 match reaches back {distance} bytes, before the start");
            output.Repeat(distance, Length(block, ref at, token & 15, blockAt) + 4);
        }
    }

    private static int Length(ReadOnlySpan<byte> block, ref int at, int nibble, int blockAt)
    {
        if (nibble < 15) return nibble;
        long length = nibble;
        byte more;
        do
        {
            if (at >= block.Length) throw Damaged(blockAt + at, "an LZ4 length ends too early");
            more = block[at++];
            length += more;
        }
        while (more == 255);
        return length <= int.MaxValue - 64 ? (int)length : throw Damaged(blockAt + at, "an LZ4 length is too large");
    }

    private static uint UInt32(ReadOnlySpan<byte> input, ref int at) => BinaryPrimitives.ReadUInt32LittleEndian(Take(input, ref at, 4));

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> input, ref int at, uint count)
    {
        if (count > (uint)(input.Length - at)) throw Damaged(at, "the LZ4 frame ends too early");
        var taken = input.Slice(at, (int)count);
        at += (int)count;
        return taken;
    }

    private static WireFormatException Damaged(int at, string what) => new(what, at);

    private struct Output(int roomMax, long bytesMax)
    {
        public byte[] Buffer { get; private set; } = ArrayPool<byte>.Shared.Rent(Math.Min(roomMax, 64 * 1024));

        public int Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Grow(bytes.Length);
            bytes.CopyTo(Buffer.AsSpan(Length));
            Length += bytes.Length;
        }

        public void Repeat(int distance, int count)
        {
            Grow(count);
            for (int from = Length - distance; count > 0;)
            {
                // What was just copied may be copied again: each round doubles what repeats.
                int now = Math.Min(count, Length - from);
                Buffer.AsSpan(from, now).CopyTo(Buffer.AsSpan(Length));
                Length += now;
                count -= now;
            }
        }

        public void Return() => ArrayPool<byte>.Shared.Return(Buffer);

        private void Grow(int more)
        {
            long wanted = (long)Length + more;
            if (wanted > roomMax) throw new WireFormatException(WireErrorKind.TooLarge, $"the unpacked body is over the limit of {bytesMax} bytes");
            if (wanted <= Buffer.Length) return;
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(roomMax, Math.Max(wanted, Buffer.Length * 2L)));
            Buffer.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = larger;
        }
    }
}
