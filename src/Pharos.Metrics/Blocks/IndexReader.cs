using System.Buffers.Binary;
using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>
/// Reads an index file of version 1, 2 or 3. In memory: the place of each symbol, once a query wants labels,
/// and every 32nd entry of the postings table.
/// </summary>
internal sealed class IndexReader : IPostings
{
    private const int TocBytes = 52;
    private const int Sparse = 32;

    /// <summary>Bytes of the matches that are kept: which values an expression matches never changes in a block.</summary>
    private const int MatchBytesMax = 256 << 10;

    private readonly MappedFile file;
    private readonly int version;
    private readonly long symbolsStart;
    private readonly long tableStart;
    private readonly long tableLength;
    private readonly Dictionary<string, ValueTable> names = new(StringComparer.Ordinal);
    private readonly Lazy<uint[]> symbols;
    private readonly SizedCache<MatchKey, long[]> matched = new(MatchBytesMax);
    private long allPostings = -1;

    public IndexReader(string path)
    {
        file = new MappedFile(path);
        var header = file.Span(0, 5);
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != IndexWriter.Magic) throw new CorruptBlockException($"{path} is no index file");
        version = header[4];
        if (version is < 1 or > 3) throw new CorruptBlockException($"{path} has version {version}; 1 to 3 are known");
        var toc = file.Span(file.Length - TocBytes, TocBytes);
        if (Crc32C.Of(toc[..48]) != BinaryPrimitives.ReadUInt32BigEndian(toc[48..])) throw new CorruptBlockException($"{path}: the table of contents at its end has a wrong checksum");
        symbolsStart = (long)BinaryPrimitives.ReadUInt64BigEndian(toc);
        tableStart = (long)BinaryPrimitives.ReadUInt64BigEndian(toc[40..]);
        tableLength = CheckSection(tableStart, "postings table");
        CheckSection(symbolsStart, "symbols");
        ReadTable();
        symbols = new Lazy<uint[]>(ReadSymbolPlaces);
        GC.KeepAlive(file);
    }

    public long Bytes => file.Length;

    /// <summary>Names of labels, sorted.</summary>
    public IEnumerable<string> Names => names.Keys;

    public ReadOnlyMemory<uint> All() => allPostings < 0 ? default : ReadPostings(allPostings);

    public ReadOnlyMemory<uint> Of(string name, string value)
    {
        if (!names.TryGetValue(name, out var values)) return default;
        var wanted = Encoding.UTF8.GetBytes(value);
        // The value is there or in the 31 behind it.
        int low = LastNotAbove(values, wanted);
        long at = values.Places[low];
        int last = Math.Min(values.Count, (low + 1) * Sparse);
        for (int i = low * Sparse; i < last; i++)
        {
            var entry = EntryAt(at, out at);
            int order = entry.Value.SequenceCompareTo(wanted);
            if (order == 0) return ReadPostings(entry.Postings);
            if (order > 0) break;
        }
        return default;
    }

    /// <summary>Number of the last kept entry that is not above a value, or of the first.</summary>
    private int LastNotAbove(ValueTable values, ReadOnlySpan<byte> wanted)
    {
        int low = 0, high = values.Places.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (EntryAt(values.Places[middle], out _).Value.SequenceCompareTo(wanted) <= 0) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    public int ValueCount(string name) => names.TryGetValue(name, out var values) ? values.Count : 0;

    public Utf8Texts Values(string name)
    {
        if (!names.TryGetValue(name, out var values)) return Utf8Texts.Empty;
        var texts = new Utf8Texts.Builder(values.Count);
        long at = values.Places[0];
        for (int i = 0; i < values.Count; i++) texts.Add(EntryAt(at, out at).Value);
        GC.KeepAlive(file);
        return texts.ToTexts();
    }

    /// <summary>The symbol of the value that a series has of a label; null for none.</summary>
    /// <param name="nameSymbol">The name's symbol, once some series had it; null before.</param>
    public ulong? ValueOf(uint series, ReadOnlySpan<byte> nameUtf8, ref ulong? nameSymbol)
    {
        var entry = Entry(series);
        for (int left = entry.Count(); left > 0; left--)
        {
            ulong name = entry.Uvarint(), value = entry.Uvarint();
            if (nameSymbol is null && Symbol(name).SequenceEqual(nameUtf8)) nameSymbol = name;
            if (name == nameSymbol) return value;
        }
        GC.KeepAlive(file);
        return null;
    }

    /// <summary>The texts of symbols.</summary>
    public Utf8Texts Texts(IReadOnlyList<ulong> of)
    {
        var texts = Utf8Texts.Sorted([.. of.Select(s => (ReadOnlyMemory<byte>)Symbol(s).ToArray())]);
        GC.KeepAlive(file);
        return texts;
    }

    public void Collect(Matcher matcher, bool matching, List<ReadOnlyMemory<uint>> into)
    {
        if (!names.TryGetValue(matcher.Name, out var values)) return;
        var key = MatchKey.Of(matcher, matching, values.Count);
        if (key is { } asked && matched.Find(asked) is { } known)
        {
            foreach (long postings in known) into.Add(ReadPostings(postings));
            return;
        }
        var found = new List<long>();
        // Values are sorted: those with the pattern's beginning stand together.
        var prefix = matching && matcher.Op == MatchOp.Regex ? matcher.PrefixUtf8 : [];
        int first = prefix.IsEmpty ? 0 : LastNotAbove(values, prefix);
        long at = values.Places[first];
        for (int i = first * Sparse; i < values.Count; i++)
        {
            var entry = EntryAt(at, out at);
            if (matcher.Matches(entry.Value) == matching) found.Add(entry.Postings);
            else if (!entry.Value.StartsWith(prefix) && entry.Value.SequenceCompareTo(prefix) > 0) break;
        }
        foreach (long postings in found) into.Add(ReadPostings(postings));
        if (key is { } question) matched.Put(question, [.. found], question.Bytes + (found.Count * 8L));
        GC.KeepAlive(file);
    }

    public int Filter(ReadOnlySpan<uint> series, Matcher matcher, Span<uint> into)
    {
        // Series have few values of most labels: each is compared once.
        var known = new Dictionary<ulong, bool>();
        ulong nameSymbol = ulong.MaxValue;
        int kept = 0;
        foreach (uint one in series)
        {
            if (Matches(one)) into[kept++] = one;
        }
        return kept;

        bool Matches(uint one)
        {
            var entry = Entry(one);
            for (int left = entry.Count(); left > 0; left--)
            {
                ulong name = entry.Uvarint(), value = entry.Uvarint();
                if (nameSymbol == ulong.MaxValue && Symbol(name).SequenceEqual(matcher.NameUtf8.Span)) nameSymbol = name;
                if (name != nameSymbol) continue;
                if (!known.TryGetValue(value, out bool matches)) known.Add(value, matches = matcher.Matches(Symbol(value)));
                return matches;
            }
            return matcher.MatchesEmpty;
        }
    }

    /// <param name="buffer">Working space of the caller.</param>
    public Labels LabelsOf(uint series, ByteBuffer buffer)
    {
        buffer.Clear();
        var entry = Entry(series);
        for (int left = entry.Count(); left > 0; left--)
        {
            buffer.Text(Symbol(entry.Uvarint()));
            buffer.Text(Symbol(entry.Uvarint()));
        }
        GC.KeepAlive(file);
        return Labels.FromEncoded(buffer.Written);
    }

    /// <summary>Chunks of a series that overlap a range, oldest first.</summary>
    public void Chunks(uint series, TimeRange range, List<ChunkMeta> into)
    {
        var entry = Entry(series);
        for (int left = entry.Count(); left > 0; left--)
        {
            entry.Uvarint();
            entry.Uvarint();
        }
        int count = entry.Count();
        long min = 0, max = 0;
        ulong at = 0;
        for (int i = 0; i < count; i++)
        {
            min = i == 0 ? entry.Varint() : max + (long)entry.Uvarint();
            max = min + (long)entry.Uvarint();
            at = i == 0 ? entry.Uvarint() : at + (ulong)entry.Varint();
            if (min > range.MaxMs) break;
            if (range.Overlaps(min, max)) into.Add(new ChunkMeta(min, max, at));
        }
        GC.KeepAlive(file);
    }

    private ByteReader Entry(uint series)
    {
        long at = version == 1 ? series : (long)series * 16;
        var head = file.UpTo(at, 10);
        var reader = new ByteReader(head);
        long length = (long)reader.Uvarint();
        long start = at + head.Length - reader.Remaining;
        var body = file.Span(start, length);
        if (Crc32C.Of(body) != BinaryPrimitives.ReadUInt32BigEndian(file.Span(start + length, 4)))
            throw new CorruptBlockException($"{file.Path}: the series at {at} has a wrong checksum");
        return new ByteReader(body);
    }

    private ReadOnlySpan<byte> Symbol(ulong reference)
    {
        long at;
        if (version == 1)
        {
            at = (long)reference;
        }
        else
        {
            var places = symbols.Value;
            if (reference >= (ulong)places.Length) throw new CorruptBlockException($"{file.Path}: symbol {reference} of {places.Length} is asked for");
            at = symbolsStart + places[reference];
        }
        var head = file.UpTo(at, 5);
        var reader = new ByteReader(head);
        int length = (int)reader.Uvarint();
        return file.Span(at + head.Length - reader.Remaining, length);
    }

    private uint[] ReadSymbolPlaces()
    {
        long length = BinaryPrimitives.ReadUInt32BigEndian(file.Span(symbolsStart, 4));
        int count = (int)BinaryPrimitives.ReadUInt32BigEndian(file.Span(symbolsStart + 4, 4));
        if (count < 0 || count > length - 4) throw new CorruptBlockException($"{file.Path}: {(uint)count} symbols are announced in {length} bytes");
        var places = new uint[count];
        var reader = new ByteReader(file.Span(symbolsStart + 8, length - 4));
        int total = reader.Remaining;
        for (int i = 0; i < count; i++)
        {
            places[i] = (uint)(8 + total - reader.Remaining);
            reader.Text();
        }
        GC.KeepAlive(file);
        return places;
    }

    private uint[] ReadPostings(long at)
    {
        long length = BinaryPrimitives.ReadUInt32BigEndian(file.Span(at, 4));
        var body = file.Span(at + 4, length);
        if (Crc32C.Of(body) != BinaryPrimitives.ReadUInt32BigEndian(file.Span(at + 4 + length, 4)))
            throw new CorruptBlockException($"{file.Path}: the postings at {at} have a wrong checksum");
        int count = (int)BinaryPrimitives.ReadUInt32BigEndian(body);
        if (count < 0 || 4 + (4L * count) > length) throw new CorruptBlockException($"{file.Path}: the postings at {at} announce {count} series in {length} bytes");
        var series = new uint[count];
        for (int i = 0; i < count; i++) series[i] = BinaryPrimitives.ReadUInt32BigEndian(body[(4 + (i * 4))..]);
        GC.KeepAlive(file);
        return series;
    }

    private void ReadTable()
    {
        int count = (int)BinaryPrimitives.ReadUInt32BigEndian(file.Span(tableStart + 4, 4));
        long at = tableStart + 8;
        ValueTable? values = null;
        byte[] current = [];
        for (int i = 0; i < count; i++)
        {
            long entryAt = at;
            var entry = EntryAt(at, out at);
            if (entry.Name.IsEmpty)
            {
                allPostings = entry.Postings;
                continue;
            }
            if (values is null || !entry.Name.SequenceEqual(current))
            {
                current = entry.Name.ToArray();
                names[Encoding.UTF8.GetString(current)] = values = new ValueTable();
            }
            if (values.Count % Sparse == 0) values.Places.Add(entryAt);
            values.Count++;
        }
    }

    private TableEntry EntryAt(long at, out long next)
    {
        long left = tableStart + 4 + tableLength - at;
        if (left <= 0) throw new CorruptBlockException($"{file.Path}: the postings table ends early");
        var bytes = file.Span(at, Math.Min(left, 1 << 20));
        var reader = new ByteReader(bytes);
        reader.Uvarint();
        var name = reader.Text();
        var value = reader.Text();
        long postings = (long)reader.Uvarint();
        next = at + bytes.Length - reader.Remaining;
        return new TableEntry(name, value, postings);
    }

    private long CheckSection(long start, string what)
    {
        long length = BinaryPrimitives.ReadUInt32BigEndian(file.Span(start, 4));
        uint checksum = 0;
        for (long at = 0; at < length; at += 1 << 30) checksum = Crc32C.Append(checksum, file.Span(start + 4 + at, Math.Min(1 << 30, length - at)));
        if (checksum != BinaryPrimitives.ReadUInt32BigEndian(file.Span(start + 4 + length, 4)))
            throw new CorruptBlockException($"{file.Path}: the {what} at {start} has a wrong checksum");
        return length;
    }

    private readonly ref struct TableEntry(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long postings)
    {
        public ReadOnlySpan<byte> Name { get; } = name;
        public ReadOnlySpan<byte> Value { get; } = value;
        public long Postings { get; } = postings;
    }

    private sealed class ValueTable
    {
        public List<long> Places { get; } = [];
        public int Count { get; set; }
    }
}
