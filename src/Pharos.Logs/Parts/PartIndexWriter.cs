using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Parts;

/// <summary>Puts a part's index together: packed pages of streams as they come, pages of label pairs at the end.</summary>
internal sealed class PartIndexWriter(int level) : IDisposable
{
    private const int StreamsMax = 64;
    private const int PageBytesTarget = 16 << 10;

    private readonly BlockCodec codec = BlockCodecs.Best;
    private readonly PooledBuffer packed = new();
    private readonly PooledBuffer page = new();
    private readonly PooledBuffer headers = new();
    private readonly List<StreamPage> streamPages = [];
    private readonly List<PairPage> pairPages = [];
    private readonly PairPostings postings = new();
    private Labels? current;
    private int headerCount;
    private int streams;
    private int blocks;
    private StreamPage open;

    /// <summary>Start of the UTC day that all blocks are of.</summary>
    public long DayNs { get; private set; }

    /// <summary>Adds the next block of a stream; streams come in the order of their labels.</summary>
    public void Add(Labels labels, BlockHeader header)
    {
        if (current is null) DayNs = UtcDays.StartOf(header.MinNs);
        if (!labels.Equals(current))
        {
            EndStream();
            if (streams - open.FirstStream >= StreamsMax || page.Length >= PageBytesTarget) EndPage();
            current = labels;
            postings.Add(labels.Encoded, streams);
        }
        if (page.Length == 0 && headerCount == 0) open = new StreamPage(0, 0, 0, 0, streams, blocks, header.Offset, long.MaxValue, long.MinValue);
        open = open with { MinNs = Math.Min(open.MinNs, header.MinNs), MaxNs = Math.Max(open.MaxNs, header.MaxNs) };
        HeaderCodec.Write(headers, header, DayNs);
        headerCount++;
        blocks++;
    }

    /// <summary>The whole index, to stand at an offset of the file; its directory, and the length of that at its end.</summary>
    public (ReadOnlyMemory<byte> Bytes, PartDirectory Directory, int DirectoryLength) Finish(long at, IReadOnlyList<string> replaces)
    {
        EndStream();
        EndPage();
        WritePairs();
        int pages = packed.Length;
        var directory = new PartDirectory(
            codec, streams, blocks, replaces, [.. streamPages.Select(p => p with { At = p.At + at })], [.. pairPages.Select(p => p with { At = p.At + at })]);
        directory.Write(packed, DayNs);
        return (packed.Memory, directory, packed.Length - pages);
    }

    public void Dispose()
    {
        packed.Dispose();
        page.Dispose();
        headers.Dispose();
    }

    private void EndStream()
    {
        if (current is null) return;
        Varints.Write(page, (ulong)current.Encoded.Length);
        page.Append(current.Encoded);
        Varints.Write(page, (ulong)headerCount);
        page.Append(headers.Span);
        headers.Clear();
        headerCount = 0;
        streams++;
    }

    private void EndPage()
    {
        if (page.Length == 0) return;
        var (at, length, crc) = Pack();
        streamPages.Add(open with { At = at, Packed = length, Raw = page.Length, Crc = crc });
        page.Clear();
    }

    private void WritePairs()
    {
        byte[]? first = null;
        foreach (int number in postings.Sorted())
        {
            var pair = postings.PairAt(number);
            first ??= pair.ToArray();
            page.Append(pair);
            int[] having = postings.StreamsOf(number);
            // All of them is said by no list.
            Varints.Write(page, (ulong)having.Length);
            if (having.Length < streams) WriteNumbers(having);
            if (page.Length < PageBytesTarget) continue;
            EndPairs(first);
            first = null;
        }
        if (first is not null) EndPairs(first);
    }

    private void WriteNumbers(int[] having)
    {
        int last = 0;
        for (int i = 0; i < having.Length; i++) (having[i], last) = (having[i] - last, having[i]);
        headers.Clear();
        Varints.WriteAll(headers, having);
        Varints.Write(page, (ulong)headers.Length);
        page.Append(headers.Span);
    }

    private void EndPairs(byte[] first)
    {
        var (at, length, crc) = Pack();
        pairPages.Add(new PairPage(at, length, page.Length, crc, first));
        page.Clear();
    }

    private (int At, int Length, uint Crc) Pack()
    {
        int at = packed.Length;
        var room = packed.GetSpan(BlockCodecs.PackedBytesMax(page.Length));
        int written = BlockCodecs.Pack(codec, page.Span, room, level);
        uint crc = Crc32C.Of(room[..written]);
        packed.Advance(written);
        return (at, written, crc);
    }
}
