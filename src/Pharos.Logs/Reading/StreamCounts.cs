using System.Runtime.InteropServices;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Reading;

/// <summary>
/// What one reader has counted from headers: entries by the labels that matter, their level and the windows that they are in; and the blocks whose headers do not
/// say it. Gives what was counted as entries that stand for many.
/// </summary>
internal sealed class StreamCounts : PageVisitor
{
    /// <summary>So many counts are kept before they are given.</summary>
    private const int CellsMax = 20_000;

    private readonly CountedStreams shared;
    private readonly ReadContext context;
    private readonly LogSelection selection;
    private readonly StepWindows windows;
    private readonly IReadOnlyList<Matcher> matchers;
    private readonly byte[][] names;
    private readonly Dictionary<byte[], Labels> groups = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], byte[]> levels = new(ByteKeys.Instance);
    private readonly Dictionary<(Labels Group, byte[] Level, long First, long Last), int> cellOf = [];
    private readonly List<Cell> cells = [];
    private readonly Queue<(Labels Labels, BlockRef Block)> left = new();
    private byte[] key = new byte[256];
    private Labels group = Labels.Empty;
    private CountedStreams.Apart? apart;
    private bool isLevelWanted;
    private bool isMetadataWanted;
    private bool isSeen;
    private int given;
    private int current;
    private int place;

    public StreamCounts(CountedStreams shared, IReadOnlyList<Matcher> matchers, ReadContext context)
    {
        this.shared = shared;
        this.context = context;
        this.matchers = matchers;
        selection = context.Selection;
        windows = selection.Counting!;
        names = [.. selection.MetadataNames!.Select(Encoding.UTF8.GetBytes)];
        Use(Labels.Empty);
    }

    /// <summary>Place of the part that is being counted in the order of writing.</summary>
    public int Part { get; set; }

    public Labels Labels => cells[current].Group;

    public ReadOnlySpan<byte> Metadata => cells[current].Level;

    public int Count => (int)cells[current].Entries;

    public int LineBytes => (int)cells[current].LineBytes;

    public long TimestampNs => cells[current].TimestampNs;

    /// <summary>Moves to the next count to give. False: there is none now.</summary>
    /// <param name="all">Nothing more will be counted.</param>
    public bool Next(bool all)
    {
        if (given == 0 && !all && cells.Count < CellsMax) return false;
        if (given < cells.Count)
        {
            current = given++;
            return true;
        }
        cells.Clear();
        cellOf.Clear();
        given = 0;
        return false;
    }

    /// <summary>Takes a block that must be read.</summary>
    public bool TryTakeLeft(out (Labels Labels, BlockRef Block) block) => left.TryDequeue(out block);

    public override bool Begin(ReadOnlySpan<byte> labels)
    {
        foreach (var matcher in matchers)
        {
            LabelCodec.TryGetValue(labels, matcher.NameUtf8.Span, out var value);
            if (!matcher.Matches(value)) return false;
        }
        apart = shared.FindApart(labels);
        isSeen = false;
        if (apart is null) FindGroup(labels);
        return true;
    }

    public override bool Visit(in HeaderSummary header)
    {
        if (header.MinNs >= selection.EndNs || header.MaxNs < selection.StartNs) return true;
        if (apart is not null) return false;
        if (!isSeen) context.Streams++;
        isSeen = true;
        if (isMetadataWanted || header.MinNs < selection.StartNs || header.MaxNs >= selection.EndNs || (isLevelWanted && header.LevelCount < 0)) return false;
        long first = 0, last = 0;
        var steps = windows.Steps;
        // Mostly there is one window, that of a query at an instant.
        if (steps.Count > 1 || header.MinNs <= steps.StartNs - windows.RangeNs || header.MaxNs > steps.StartNs)
        {
            (first, last) = (windows.First(header.MinNs), windows.Last(header.MinNs));
            if (windows.First(header.MaxNs) != first || windows.Last(header.MaxNs) != last) return false;
        }
        context.Parts.Chunks++;
        if (!isLevelWanted)
        {
            Add([], first, last, header.MinNs, header.Entries, header.LineBytes);
            return true;
        }
        for (int at = 0; at < header.Levels.Length;)
        {
            var (entries, lineBytes) = HeaderCodec.ReadLevel(header.Levels, ref at, out var level);
            Add(LevelOf(level), first, last, header.MinNs, entries, lineBytes);
        }
        return true;
    }

    public override void Take(ReadOnlySpan<byte> labels, BlockRef block)
    {
        if (apart is not null) apart.Add(Part, block);
        else left.Enqueue((Labels.FromEncoded(labels), block));
    }

    /// <summary>Cuts labels down to those that matter.</summary>
    private void FindGroup(ReadOnlySpan<byte> labels)
    {
        if (key.Length < labels.Length) key = new byte[2 * labels.Length];
        var bytes = key.AsSpan(0, LabelCodec.CopyNamed(labels, names, without: false, key));
        if (group.Encoded.SequenceEqual(bytes)) return;
        if (!groups.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(bytes, out var known))
        {
            byte[] own = bytes.ToArray();
            // Where there are about as many groups as streams, they are only kept until they are given.
            if (groups.Count > CellsMax) groups.Clear();
            groups[own] = known = Labels.FromEncoded(own);
        }
        Use(known);
    }

    private void Use(Labels next)
    {
        group = next;
        int missing = names.Length - next.Count;
        // A name that the stream has is its label, whatever an entry's metadata says.
        isLevelWanted = selection.MetadataNames!.Contains(LevelDetector.Label) && !next.Has(LevelDetector.Label);
        isMetadataWanted = missing > (isLevelWanted ? 1 : 0);
    }

    private byte[] LevelOf(ReadOnlySpan<byte> metadata)
    {
        if (levels.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(metadata, out byte[]? known)) return known;
        byte[] own = metadata.ToArray();
        return levels[own] = own;
    }

    private void Add(byte[] level, long first, long last, long timestampNs, int entries, int lineBytes)
    {
        // Streams come in the order of their labels: the next is mostly one of the same group.
        if (place >= cells.Count || !cells[place].Is(group, level, first, last)) place = PlaceOf(level, first, last, timestampNs);
        ref var cell = ref CollectionsMarshal.AsSpan(cells)[place];
        if (cell.Entries + entries > int.MaxValue || cell.LineBytes + lineBytes > int.MaxValue)
        {
            cellOf.Remove((group, level, first, last));
            place = PlaceOf(level, first, last, timestampNs);
            cell = ref CollectionsMarshal.AsSpan(cells)[place];
        }
        cell.Entries += entries;
        cell.LineBytes += lineBytes;
    }

    private int PlaceOf(byte[] level, long first, long last, long timestampNs)
    {
        ref int found = ref CollectionsMarshal.GetValueRefOrAddDefault(cellOf, (group, level, first, last), out bool exists);
        if (exists) return found;
        found = cells.Count;
        cells.Add(new Cell(group, level, first, last, timestampNs));
        return found;
    }

    private struct Cell(Labels group, byte[] level, long first, long last, long timestampNs)
    {
        public readonly Labels Group => group;
        public readonly byte[] Level => level;
        public readonly long TimestampNs => timestampNs;
        public long Entries;
        public long LineBytes;

        public readonly bool Is(Labels ofGroup, byte[] ofLevel, long ofFirst, long ofLast) =>
            ReferenceEquals(group, ofGroup) && ReferenceEquals(level, ofLevel) && first == ofFirst && last == ofLast;
    }
}
