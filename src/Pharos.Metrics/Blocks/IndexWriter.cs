using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Blocks;

/// <summary>Where a chunk is, and the time it covers, both ends inclusive.</summary>
internal readonly record struct ChunkMeta(long MinMs, long MaxMs, ulong Ref);

/// <summary>Writes an index file in Prometheus's format, version 2: symbols, series, postings, their table, and a table of contents.</summary>
internal sealed class IndexWriter : IDisposable
{
    public const uint Magic = 0xBAAAD700;

    private readonly SectionFile file;
    private readonly SymbolTable symbols;
    private readonly int[] sorted;
    private readonly ByteBuffer entry = new();
    private readonly Dictionary<ulong, int> pairs = [];
    private readonly List<int> pairOfLabel = [];
    private readonly List<(uint Ref, int LabelsEnd)> series = [];
    private readonly long symbolsStart;
    private readonly long seriesStart;
    private Labels? last;

    public IndexWriter(IDisk disk, string path, SymbolTable symbols)
    {
        this.symbols = symbols;
        file = new SectionFile(disk, path);
        file.UInt32(Magic);
        file.Write([2]);
        sorted = symbols.Sort();
        symbolsStart = file.BeginSection();
        file.UInt32((uint)sorted.Length);
        foreach (int symbol in sorted)
        {
            entry.Clear();
            entry.Text(symbols[symbol]);
            file.Write(entry.Written);
        }
        file.EndSection();
        file.Align(16);
        seriesStart = file.Position;
    }

    /// <summary>Adds a series; they come sorted by labels, chunks by time.</summary>
    public void AddSeries(Labels labels, IReadOnlyList<ChunkMeta> chunks)
    {
        if (last is not null && last.CompareTo(labels) >= 0) throw new InvalidOperationException($"series {labels} comes after {last} in a block, out of order");
        last = labels;
        file.Align(16);
        long at = file.Position / 16;
        if (at > uint.MaxValue) throw new IOException("the index is over the format's limit of 64 GiB");
        entry.Clear();
        int labelCount = labels.Count;
        entry.Uvarint((ulong)labelCount);
        foreach (var label in labels)
        {
            int name = symbols.Rank(label.NameUtf8), value = symbols.Rank(label.ValueUtf8);
            entry.Uvarint((ulong)name);
            entry.Uvarint((ulong)value);
            ulong pair = ((ulong)name << 32) | (uint)value;
            if (!pairs.TryGetValue(pair, out int index)) pairs[pair] = index = pairs.Count;
            pairOfLabel.Add(index);
        }
        series.Add(((uint)at, pairOfLabel.Count));
        entry.Uvarint((ulong)chunks.Count);
        for (int i = 0; i < chunks.Count; i++)
        {
            var chunk = chunks[i];
            if (i == 0)
            {
                entry.Varint(chunk.MinMs);
                entry.Uvarint((ulong)(chunk.MaxMs - chunk.MinMs));
                entry.Uvarint(chunk.Ref);
                continue;
            }
            var before = chunks[i - 1];
            entry.Uvarint((ulong)(chunk.MinMs - before.MaxMs));
            entry.Uvarint((ulong)(chunk.MaxMs - chunk.MinMs));
            entry.Varint((long)(chunk.Ref - before.Ref));
        }
        Span<byte> length = stackalloc byte[10];
        int lengthBytes = 0;
        for (uint left = (uint)entry.Length; ; left >>= 7)
        {
            length[lengthBytes++] = (byte)(left >= 0x80 ? left | 0x80 : left);
            if (left < 0x80) break;
        }
        file.Write(length[..lengthBytes]);
        file.StartChecksum();
        file.Write(entry.Written);
        file.WriteChecksum();
    }

    public void Finish()
    {
        // Upstream leaves the label indices empty: their place is between series and postings, their table before the postings' table.
        long labelIndices = file.Position;
        file.Align(4);
        long postings = file.Position;
        var (order, starts, refs) = GroupByPair();
        var offsets = new long[order.Length];
        long all = WritePostings(CollectRefs());
        for (int i = 0; i < order.Length; i++)
        {
            int pair = order[i].Pair;
            offsets[i] = WritePostings(refs.AsSpan(starts[pair], starts[pair + 1] - starts[pair]));
        }
        long table = file.BeginSection();
        file.UInt32((uint)order.Length + 1);
        WriteTableEntry([], [], all);
        for (int i = 0; i < order.Length; i++)
        {
            WriteTableEntry(symbols[sorted[(int)(order[i].Key >> 32)]], symbols[sorted[(int)(uint)order[i].Key]], offsets[i]);
        }
        file.EndSection();
        file.StartChecksum();
        foreach (long start in (ReadOnlySpan<long>)[symbolsStart, seriesStart, labelIndices, table, postings, table]) file.UInt64((ulong)start);
        file.WriteChecksum();
        file.Sync();
    }

    public void Dispose() => file.Dispose();

    private uint[] CollectRefs()
    {
        var refs = new uint[series.Count];
        for (int i = 0; i < refs.Length; i++) refs[i] = series[i].Ref;
        return refs;
    }

    /// <summary>Series of each label pair, grouped; pairs in the order of name and value.</summary>
    private ((ulong Key, int Pair)[] Order, int[] Starts, uint[] Refs) GroupByPair()
    {
        var starts = new int[pairs.Count + 1];
        foreach (int pair in pairOfLabel) starts[pair + 1]++;
        for (int i = 0; i < pairs.Count; i++) starts[i + 1] += starts[i];
        var next = starts.AsSpan(0, pairs.Count).ToArray();
        var refs = new uint[pairOfLabel.Count];
        int label = 0;
        foreach (var (at, labelsEnd) in series)
        {
            for (; label < labelsEnd; label++) refs[next[pairOfLabel[label]]++] = at;
        }
        var order = pairs.Select(p => (p.Key, p.Value)).ToArray();
        Array.Sort(order, static (a, b) => a.Key.CompareTo(b.Key));
        return (order, starts, refs);
    }

    private long WritePostings(ReadOnlySpan<uint> refs)
    {
        file.Align(4);
        long start = file.Position;
        file.UInt32(4 + (4 * (uint)refs.Length));
        file.StartChecksum();
        file.UInt32((uint)refs.Length);
        Span<byte> bytes = stackalloc byte[1024];
        while (!refs.IsEmpty)
        {
            int part = Math.Min(refs.Length, bytes.Length / 4);
            for (int i = 0; i < part; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes[(i * 4)..], refs[i]);
            file.Write(bytes[..(part * 4)]);
            refs = refs[part..];
        }
        file.WriteChecksum();
        return start;
    }

    private void WriteTableEntry(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long offset)
    {
        entry.Clear();
        entry.Byte(2);
        entry.Text(name);
        entry.Text(value);
        entry.Uvarint((ulong)offset);
        file.Write(entry.Written);
    }
}
