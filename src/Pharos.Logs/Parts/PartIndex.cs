using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Parts;

/// <summary>Reads a part's index page by page: its streams, and which of them have a label pair. Safe for several threads.</summary>
internal sealed class PartIndex(PartFile part, PartDirectory directory, IndexCache cache)
{
    /// <summary>So few streams are looked at one by one, rather than all values of a label.</summary>
    private const int FewStreams = 1000;

    private readonly long dayNs = UtcDays.StartOf(part.MinNs);
    private UnclearStreams? unclear;

    public int StreamCount => directory.Streams;

    public int BlockCount => directory.Blocks;

    /// <summary>Numbers of the streams that may match, rising; null for all.</summary>
    /// <exception cref="InvalidDataException">The index is damaged.</exception>
    /// <exception cref="IOException">The index cannot be read.</exception>
    public int[]? Find(IReadOnlyList<Matcher> matchers)
    {
        int[]? found = null;
        // Single values first: they are looked up.
        foreach (var matcher in matchers.Where(m => !m.MatchesEmpty).OrderBy(m => m.Op == MatchOp.Equal ? 0 : m.Op == MatchOp.Regex && m.Alternatives is not null ? 1 : 2))
        {
            if (found?.Length <= FewStreams && matcher.Op != MatchOp.Equal) break;
            int[]? having = Having(matcher);
            if (having is not null) found = found is null ? having : Both(found, having);
            if (found?.Length == 0) break;
        }
        return found;
    }

    /// <summary>Streams with their blocks that touch a range of time, in the order of their labels.</summary>
    /// <param name="numbers">Of the streams, rising; null for all.</param>
    /// <inheritdoc cref="Find"/>
    public IEnumerable<(Labels Labels, BlockRef[] Blocks)> Streams(int[]? numbers, long startNs, long endNs)
    {
        int next = 0;
        for (int p = 0; p < directory.StreamPages.Length; p++)
        {
            int first = directory.StreamPages[p].FirstStream, end = p + 1 < directory.StreamPages.Length ? directory.StreamPages[p + 1].FirstStream : directory.Streams;
            int from = next;
            if (numbers is not null)
            {
                while (next < numbers.Length && numbers[next] < end) next++;
                if (from == numbers.Length) yield break;
                if (from == next) continue;
            }
            if (directory.StreamPages[p].MinNs >= endNs || directory.StreamPages[p].MaxNs < startNs) continue;
            var streams = Page(p);
            for (int i = 0; i < (numbers is null ? streams.Length : next - from); i++)
            {
                var (labels, blocks) = streams[numbers is null ? i : numbers[from + i] - first];
                blocks = BlockRef.In(blocks, startNs, endNs);
                if (blocks.Length > 0) yield return (labels, blocks);
            }
        }
    }

    /// <summary>Numbers of the pages with streams that touch a range of time.</summary>
    /// <param name="numbers">Of the streams, rising; null for all.</param>
    public IEnumerable<int> PagesOf(int[]? numbers, long startNs, long endNs)
    {
        for (int p = 0; p < directory.StreamPages.Length; p++)
        {
            if (directory.StreamPages[p].MinNs >= endNs || directory.StreamPages[p].MaxNs < startNs) continue;
            if (numbers is null || FirstOf(numbers, directory.StreamPages[p].FirstStream) is var at && at < numbers.Length && numbers[at] < EndOf(p)) yield return p;
        }
    }

    /// <summary>Shows the streams of a page and their blocks.</summary>
    /// <inheritdoc cref="PagesOf"/>
    /// <inheritdoc cref="Find"/>
    public void Visit(int page, int[]? numbers, PageVisitor visitor)
    {
        var place = directory.StreamPages[page];
        byte[] rented = ArrayPool<byte>.Shared.Rent(place.Raw);
        try
        {
            var raw = rented.AsSpan(0, place.Raw);
            Unpack(place.At, place.Packed, place.Crc, raw);
            int at = 0, block = place.FirstBlock, next = numbers is null ? 0 : FirstOf(numbers, place.FirstStream);
            long offset = place.BlocksAt;
            for (int stream = place.FirstStream; stream < EndOf(page); stream++)
            {
                int length = Varints.ReadLength(raw, ref at);
                ReadOnlySpan<byte> labels = raw.Slice(at, length);
                at += length;
                bool wanted = numbers is null || (next < numbers.Length && numbers[next] == stream);
                if (numbers is not null && wanted) next++;
                wanted = wanted && visitor.Begin(labels);
                for (int blocks = Varints.ReadLength(raw, ref at); blocks > 0; blocks--, block++)
                {
                    int from = at;
                    var header = HeaderCodec.Summary(raw, ref at, dayNs);
                    if (wanted && !visitor.Visit(header)) visitor.Take(labels, new BlockRef(HeaderCodec.Read(raw, ref from, dayNs, offset), part, block));
                    offset += header.PackedBytes;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Canonical bytes of the streams with a block that may have entries of another block; null where there are too many. Reads the whole index, once.</summary>
    /// <inheritdoc cref="Find"/>
    public IReadOnlyList<byte[]>? Unclear()
    {
        if (Volatile.Read(ref unclear) is { } known) return known.Found;
        var finder = new UnclearStreams();
        foreach (int page in PagesOf(null, long.MinValue, long.MaxValue))
        {
            Visit(page, null, finder);
            if (finder.Found is null) break;
        }
        Volatile.Write(ref unclear, finder);
        return finder.Found;
    }

    private int EndOf(int page) => page + 1 < directory.StreamPages.Length ? directory.StreamPages[page + 1].FirstStream : directory.Streams;

    /// <summary>Where numbers that are not less than one begin.</summary>
    private static int FirstOf(int[] numbers, int least)
    {
        int at = Array.BinarySearch(numbers, least);
        return at < 0 ? ~at : at;
    }

    /// <summary>All streams.</summary>
    /// <inheritdoc cref="Find"/>
    public IEnumerable<(Labels Labels, BlockRef[] Blocks)> Streams() => Streams(null, long.MinValue, long.MaxValue);

    /// <summary>Label pairs of a name in canonical form, by value.</summary>
    /// <inheritdoc cref="Find"/>
    public IEnumerable<byte[]> Pairs(byte[] name)
    {
        for (int p = FirstPage(name, []); p < directory.PairPages.Length; p++)
        {
            var page = PairPage(p);
            for (int at = 0; at < page.Length;)
            {
                byte[] pair = ReadPair(page, ref at, out _, out _).ToArray();
                int order = LabelPair.NameOf(pair).SequenceCompareTo(name);
                if (order > 0) yield break;
                if (order == 0) yield return pair;
            }
        }
    }

    /// <summary>A label pair of each name, in canonical form.</summary>
    /// <inheritdoc cref="Find"/>
    public IEnumerable<byte[]> Names()
    {
        byte[] last = [];
        for (int p = 0; p < directory.PairPages.Length; p++)
        {
            // Pages of one name alone are passed over.
            if (p > 0 && p + 1 < directory.PairPages.Length && IsOf(p, last) && IsOf(p + 1, last)) continue;
            var page = PairPage(p);
            for (int at = 0; at < page.Length;)
            {
                byte[] pair = ReadPair(page, ref at, out _, out _).ToArray();
                if (last.Length > 0 && LabelPair.NameOf(pair).SequenceEqual(LabelPair.NameOf(last))) continue;
                last = pair;
                yield return pair;
            }
        }

        bool IsOf(int p, byte[] pair) => LabelPair.NameOf(directory.PairPages[p].First).SequenceEqual(LabelPair.NameOf(pair));
    }

    /// <summary>Numbers of the streams with a value that matches; null for all.</summary>
    private int[]? Having(Matcher matcher)
    {
        if (matcher.Op == MatchOp.Equal) return Lookup(matcher.NameUtf8.Span, Encoding.UTF8.GetBytes(matcher.Value));
        var any = new bool[directory.Streams];
        if (matcher.Op == MatchOp.Regex && matcher.Alternatives is { } values)
        {
            foreach (string value in values)
            {
                if (Lookup(matcher.NameUtf8.Span, Encoding.UTF8.GetBytes(value)) is not { } having) return null;
                foreach (int number in having) any[number] = true;
            }
        }
        else
        {
            for (int p = FirstPage(matcher.NameUtf8.Span, []); p < directory.PairPages.Length; p++)
            {
                ReadOnlySpan<byte> page = PairPage(p);
                for (int at = 0; at < page.Length;)
                {
                    var pair = ReadPair(page, ref at, out int count, out var numbers);
                    int order = LabelPair.NameOf(pair).SequenceCompareTo(matcher.NameUtf8.Span);
                    if (order > 0) return Numbers(any);
                    if (order < 0 || !matcher.Matches(LabelPair.ValueOf(pair))) continue;
                    if (count == directory.Streams) return null;
                    foreach (int number in ReadNumbers(numbers, count)) any[number] = true;
                }
            }
        }
        return Numbers(any);
    }

    private static int[] Numbers(bool[] any)
    {
        var numbers = new List<int>();
        for (int i = 0; i < any.Length; i++)
        {
            if (any[i]) numbers.Add(i);
        }
        return [.. numbers];
    }

    private int[]? Lookup(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int p = FirstPage(name, value);
        if (p == directory.PairPages.Length) return [];
        byte[] wanted = LabelPair.Of(name, value);
        ReadOnlySpan<byte> page = PairPage(p);
        for (int at = 0; at < page.Length;)
        {
            if (!ReadPair(page, ref at, out int count, out var numbers).SequenceEqual(wanted)) continue;
            return count == directory.Streams ? null : ReadNumbers(numbers, count);
        }
        return [];
    }

    /// <summary>The page that a pair would be in, or the next one.</summary>
    private int FirstPage(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        byte[] wanted = LabelPair.Of(name, value);
        int low = 0, high = directory.PairPages.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (LabelPair.Compare(directory.PairPages[middle].First, wanted) <= 0) low = middle + 1;
            else high = middle;
        }
        return Math.Max(0, low - 1);
    }

    private ReadOnlySpan<byte> ReadPair(ReadOnlySpan<byte> page, scoped ref int at, out int count, out ReadOnlySpan<byte> numbers)
    {
        int from = at;
        LabelCodec.ReadString(page, ref at);
        LabelCodec.ReadString(page, ref at);
        var pair = page[from..at];
        count = checked((int)Varints.Read(page, ref at));
        if (count > directory.Streams) throw new InvalidDataException("a label pair has more streams than there are");
        int length = count < directory.Streams ? Varints.ReadLength(page, ref at) : 0;
        numbers = page.Slice(at, length);
        at += length;
        return pair;
    }

    private int[] ReadNumbers(ReadOnlySpan<byte> bytes, int count)
    {
        var numbers = new int[count];
        int at = 0;
        long last = 0;
        for (int i = 0; i < count; i++)
        {
            last += (long)Varints.Read(bytes, ref at);
            if ((ulong)last >= (ulong)directory.Streams) throw new InvalidDataException("a label pair names a stream that is not there");
            numbers[i] = (int)last;
        }
        return numbers;
    }

    private static int[] Both(int[] one, int[] other)
    {
        var both = new List<int>(Math.Min(one.Length, other.Length));
        for (int i = 0, k = 0; i < one.Length && k < other.Length;)
        {
            if (one[i] == other[k]) both.Add(one[i]);
            if (one[i] <= other[k]) i++;
            else k++;
        }
        return [.. both];
    }

    private byte[] PairPage(int number)
    {
        var page = directory.PairPages[number];
        return cache.Get(part, page.At, () =>
        {
            byte[] raw = new byte[page.Raw];
            Unpack(page.At, page.Packed, page.Crc, raw);
            return (raw, raw.Length + 100L);
        });
    }

    private (Labels Labels, BlockRef[] Blocks)[] Page(int number)
    {
        var page = directory.StreamPages[number];
        return cache.Get(part, page.At, () =>
        {
            byte[] raw = ArrayPool<byte>.Shared.Rent(page.Raw);
            try
            {
                Unpack(page.At, page.Packed, page.Crc, raw.AsSpan(0, page.Raw));
                return ReadStreams(number, raw.AsSpan(0, page.Raw));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(raw);
            }
        });
    }

    private ((Labels Labels, BlockRef[] Blocks)[] Streams, long Bytes) ReadStreams(int number, ReadOnlySpan<byte> page)
    {
        bool last = number + 1 == directory.StreamPages.Length;
        int end = last ? directory.Streams : directory.StreamPages[number + 1].FirstStream, block = directory.StreamPages[number].FirstBlock;
        int blocksEnd = last ? directory.Blocks : directory.StreamPages[number + 1].FirstBlock;
        long offset = directory.StreamPages[number].BlocksAt, bytes = 100;
        var streams = new (Labels, BlockRef[])[end - directory.StreamPages[number].FirstStream];
        int at = 0;
        for (int s = 0; s < streams.Length; s++)
        {
            int length = Varints.ReadLength(page, ref at);
            var labels = Labels.FromEncoded(page.Slice(at, length));
            at += length;
            var blocks = new BlockRef[Varints.ReadLength(page, ref at)];
            if (blocks.Length > blocksEnd - block) throw new InvalidDataException("a page has more blocks than the directory says");
            for (int b = 0; b < blocks.Length; b++)
            {
                var header = HeaderCodec.Read(page, ref at, dayNs, offset);
                offset += header.PackedBytes;
                if (offset > part.IndexAt) throw new InvalidDataException($"block {b} of stream {labels} lies outside the file");
                blocks[b] = new BlockRef(header, part, block++);
                bytes += 250 + (header.Levels?.Sum(static l => 60L + l.Metadata.Length) ?? 0);
            }
            streams[s] = (labels, blocks);
            bytes += 130 + length;
        }
        return (streams, bytes);
    }

    private void Unpack(long at, int packedLength, uint crc, Span<byte> raw)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(packedLength);
        try
        {
            part.Read(at, packed.AsSpan(0, packedLength));
            if (Crc32C.Of(packed.AsSpan(0, packedLength)) != crc) throw new InvalidDataException($"a page of the index at offset {at} has a checksum that does not match");
            BlockCodecs.Unpack(directory.Codec, packed.AsSpan(0, packedLength), raw);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    private sealed class UnclearStreams : PageVisitor
    {
        private const int Most = 10_000;

        private bool noted;

        public List<byte[]>? Found { get; private set; } = [];

        public override bool Begin(ReadOnlySpan<byte> labels)
        {
            noted = false;
            return Found is not null;
        }

        public override bool Visit(in HeaderSummary header) => header.Distinct || noted;

        public override void Take(ReadOnlySpan<byte> labels, BlockRef block)
        {
            noted = true;
            if (Found?.Count == Most) Found = null;
            Found?.Add(labels.ToArray());
        }
    }
}
