using System.Buffers.Binary;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>A page of a part's index: streams with the headers of their blocks.</summary>
/// <param name="At">Offset in the file.</param>
/// <param name="FirstStream">Number of its first stream in the part.</param>
/// <param name="FirstBlock">Number of its first block in the part.</param>
/// <param name="BlocksAt">Offset of its first block; its other blocks follow without a gap.</param>
internal readonly record struct StreamPage(long At, int Packed, int Raw, uint Crc, int FirstStream, int FirstBlock, long BlocksAt, long MinNs, long MaxNs);

/// <summary>A page of a part's index: label pairs with the streams that have them.</summary>
/// <param name="First">Its first pair, in canonical form.</param>
internal readonly record struct PairPage(long At, int Packed, int Raw, uint Crc, byte[] First);

/// <summary>What is in memory of a part's index: where its pages are. About a byte for each stream.</summary>
internal sealed record PartDirectory(BlockCodec Codec, int Streams, int Blocks, IReadOnlyList<string> Replaces, StreamPage[] StreamPages, PairPage[] PairPages)
{
    /// <summary>Writes it behind its pages, which stand one after another, those of streams first.</summary>
    public void Write(PooledBuffer output, long dayNs)
    {
        Varints.Write(output, (ulong)Replaces.Count);
        foreach (string name in Replaces) WriteBytes(output, Encoding.UTF8.GetBytes(name));
        Varints.WriteAll(output, [(int)Codec, Streams, Blocks, StreamPages.Length]);
        for (int i = 0; i < StreamPages.Length; i++)
        {
            ref readonly var page = ref StreamPages[i];
            bool last = i + 1 == StreamPages.Length;
            Varints.WriteAll(output, [page.Packed, page.Raw, (last ? Streams : StreamPages[i + 1].FirstStream) - page.FirstStream, (last ? Blocks : StreamPages[i + 1].FirstBlock) - page.FirstBlock]);
            Varints.Write(output, (ulong)page.BlocksAt);
            Varints.Write(output, (ulong)(page.MinNs - dayNs));
            Varints.Write(output, (ulong)(page.MaxNs - page.MinNs));
            WriteCrc(output, page.Crc);
        }
        Varints.Write(output, (ulong)PairPages.Length);
        foreach (ref readonly var page in PairPages.AsSpan())
        {
            Varints.WriteAll(output, [page.Packed, page.Raw]);
            WriteCrc(output, page.Crc);
            WriteBytes(output, page.First);
        }
    }

    /// <param name="at">Offset of the first page in the file.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static PartDirectory Read(ReadOnlySpan<byte> bytes, long at, long pagesEnd, long dayNs)
    {
        int position = 0;
        var replaces = new string[Varints.ReadLength(bytes, ref position)];
        for (int i = 0; i < replaces.Length; i++) replaces[i] = Encoding.UTF8.GetString(ReadBytes(bytes, ref position));
        var codec = (BlockCodec)Number(bytes, ref position);
        int streams = Number(bytes, ref position), blocks = Number(bytes, ref position), firstStream = 0, firstBlock = 0;
        long blocksEnd = at;
        var streamPages = new StreamPage[Varints.ReadLength(bytes, ref position)];
        for (int i = 0; i < streamPages.Length; i++)
        {
            int packed = Number(bytes, ref position), raw = Number(bytes, ref position), streamsHere = Number(bytes, ref position), blocksHere = Number(bytes, ref position);
            long blocksAt = (long)Varints.Read(bytes, ref position), minNs = dayNs + (long)Varints.Read(bytes, ref position), maxNs = minNs + (long)Varints.Read(bytes, ref position);
            streamPages[i] = new StreamPage(at, packed, raw, ReadCrc(bytes, ref position), firstStream, firstBlock, blocksAt, minNs, maxNs);
            if (blocksAt < PartFormat.HeaderBytes || blocksAt > blocksEnd) throw new InvalidDataException("blocks of a page lie outside the file");
            at += packed;
            firstStream = checked(firstStream + streamsHere);
            firstBlock = checked(firstBlock + blocksHere);
        }
        if (firstStream != streams || firstBlock != blocks) throw new InvalidDataException("the pages have other streams than the directory says");
        var pairPages = new PairPage[Varints.ReadLength(bytes, ref position)];
        for (int i = 0; i < pairPages.Length; i++)
        {
            int packed = Number(bytes, ref position), raw = Number(bytes, ref position);
            uint crc = ReadCrc(bytes, ref position);
            pairPages[i] = new PairPage(at, packed, raw, crc, ReadBytes(bytes, ref position).ToArray());
            at += packed;
        }
        if (at != pagesEnd || position != bytes.Length) throw new InvalidDataException("the index has another length than its pages");
        return new PartDirectory(codec, streams, blocks, replaces, streamPages, pairPages);
    }

    private static int Number(ReadOnlySpan<byte> bytes, scoped ref int position) => checked((int)Varints.Read(bytes, ref position));

    private static void WriteBytes(PooledBuffer output, ReadOnlySpan<byte> bytes)
    {
        Varints.Write(output, (ulong)bytes.Length);
        output.Append(bytes);
    }

    private static ReadOnlySpan<byte> ReadBytes(ReadOnlySpan<byte> bytes, scoped ref int position)
    {
        int length = Varints.ReadLength(bytes, ref position);
        position += length;
        return bytes.Slice(position - length, length);
    }

    private static void WriteCrc(PooledBuffer output, uint crc)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(4), crc);
        output.Advance(4);
    }

    private static uint ReadCrc(ReadOnlySpan<byte> bytes, scoped ref int position)
    {
        if (bytes.Length - position < 4) throw new InvalidDataException("the directory ends early");
        position += 4;
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[(position - 4)..]);
    }
}
