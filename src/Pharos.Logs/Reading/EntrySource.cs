using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Fields;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>What a cursor carries through all its sources.</summary>
internal sealed class ReadContext(
    LogSelection selection, IReadOnlyList<ActiveDeletion> deletions, Action<BlockRef, Labels, Exception> damaged, CancellationToken cancel)
{
    private readonly LineSearch? expression = LineSearch.For(selection.RequiredExpression);
    private readonly LineSearch? excludedExpression = LineSearch.For(selection.ExcludedExpression);

    /// <summary>Deletions that hide entries.</summary>
    public IReadOnlyList<ActiveDeletion> Deletions { get; } = deletions;

    public LogSelection Selection { get; } = selection;
    public CancellationToken Cancel { get; } = cancel;
    public Action<BlockRef, Labels, Exception> Damaged { get; } = damaged;

    /// <summary>The longest required literal; lines without it are passed over.</summary>
    public ReadOnlyMemory<byte> Literal { get; } = selection.RequiredLiterals.OrderByDescending(l => l.Length).FirstOrDefault();

    /// <summary>Bits that the filter of a block with a wanted line has, the most telling first.</summary>
    public uint[] FilterBits { get; } =
        [.. selection.RequiredLiterals.OrderByDescending(l => l.Length).SelectMany(l => NeedleFilter.BitsOf(l.Span)).Distinct()];

    /// <summary>What every wanted line holds as text, the longest first.</summary>
    public Needle[] Texts { get; } =
    [
        .. selection.RequiredLiterals.OrderByDescending(l => l.Length).Select(l => new Needle(l.Span)),
        .. selection.RequiredFolded is { } folded ? [new Needle(folded)] : Array.Empty<Needle>(),
    ];

    /// <summary>What every wanted line matches; null where nothing is known of it, or where it cannot be asked of lines in pieces.</summary>
    public LineSearch? Expression => Useful(expression);

    /// <summary>What no wanted line holds, as text.</summary>
    public Needle[] ExcludedTexts { get; } = [.. selection.ExcludedLiterals.Select(l => new Needle(l.Span))];

    /// <summary>What no wanted line matches; null where there is nothing, or where it cannot be asked of lines in pieces.</summary>
    public LineSearch? ExcludedExpression => Useful(excludedExpression);

    /// <summary>Bits that the filter of a block with a wanted entry has for each value of structured metadata that it must have.</summary>
    public (string Name, uint[] Bits)[] MetadataBits { get; } = [.. (selection.RequiredMetadata?.Required ?? []).Select(r => (r.Name, NeedleFilter.BitsOf(r.Utf8.Span)))];

    /// <summary>Measures how long reading takes; null: it is not measured.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>Streams with something in the range.</summary>
    public long Streams { get; set; }

    public ReadCounts Memory { get; } = new();

    public ReadCounts Parts { get; } = new();

    public LogReadStatistics Statistics => Sum(Streams, Memory, Parts);

    /// <summary>Whole lines, which the reader asks of itself, are cheaper where the expression makes a state for nearly each byte.</summary>
    private static LineSearch? Useful(LineSearch? search) => search is { Automaton.IsOverworked: false } ? search : null;

    public static LogReadStatistics Sum(long streams, ReadCounts memory, ReadCounts parts) => new(
        memory.Lines + memory.OpenLines + parts.Lines, memory.Bytes + memory.OpenBytes + parts.Bytes, memory.Blocks + parts.Blocks, memory.BlocksSkipped + parts.BlocksSkipped)
    {
        Streams = streams,
        Chunks = memory.Chunks + parts.Chunks,
        MetadataBytes = memory.MetadataBytes + memory.OpenMetadataBytes + parts.MetadataBytes,
        PackedBytes = memory.PackedBytes + parts.PackedBytes,
        Duplicates = memory.Duplicates + parts.Duplicates,
        Hidden = memory.Hidden + parts.Hidden,
        Reading = TimeSpan.FromTicks(memory.ReadingTicks + parts.ReadingTicks),
        Memory = new LogMemoryStatistics(memory.Chunks, memory.Blocks, memory.Lines, memory.Bytes, memory.MetadataBytes, memory.PackedBytes)
        {
            OpenLines = memory.OpenLines,
            OpenBytes = memory.OpenBytes,
            OpenMetadataBytes = memory.OpenMetadataBytes,
            Duplicates = memory.Duplicates,
        },
    };
}

/// <summary>Entries of one stream from one place, in the selection's direction.</summary>
internal abstract class EntrySource(ReadContext context) : IDisposable
{
    protected ReadContext Context { get; } = context;

    /// <summary>No part holds the entries yet.</summary>
    public bool InMemory { get; protected init; }

    /// <summary>What was touched where the entries are.</summary>
    public ReadCounts Counts => InMemory ? Context.Memory : Context.Parts;

    /// <summary>Bounds of what may come, before the source is opened.</summary>
    public long MinNs { get; protected init; }

    /// <inheritdoc cref="MinNs"/>
    public long MaxNs { get; protected init; }

    public long TimestampNs { get; protected set; }

    public abstract ReadOnlySpan<byte> Line { get; }

    public abstract int LineLength { get; }

    /// <summary>Structured metadata; names that the selection does not ask for may be left out.</summary>
    public abstract ReadOnlySpan<byte> Metadata { get; }

    /// <summary>All of it.</summary>
    public virtual ReadOnlySpan<byte> WholeMetadata => Metadata;

    /// <summary>Entries that the current one stands for.</summary>
    public virtual int Count => 1;

    public virtual LogFields? Fields => null;

    public virtual int Row => 0;

    /// <inheritdoc cref="ILogCursor.LineFiltersHold"/>
    public virtual bool LineFiltersHold => false;

    /// <summary>Moves to the next entry inside the time range that may be wanted.</summary>
    public abstract bool Next();

    /// <summary>Gives buffers back; a source without any does nothing.</summary>
    public abstract void Dispose();

    /// <summary>First index whose timestamp is not before the bound.</summary>
    protected static int LowerBound(ReadOnlySpan<long> timestamps, long bound)
    {
        int low = 0, high = timestamps.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (timestamps[middle] < bound) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}

/// <summary>Entries of an open block.</summary>
internal sealed class HeadSource : EntrySource
{
    private readonly HeadSnapshot head;
    private readonly int[]? order;
    private readonly int end;
    private int at;

    public HeadSource(HeadSnapshot head, ReadContext context) : base(context)
    {
        this.head = head;
        InMemory = true;
        order = head.Order();
        int first = Bound(context.Selection.StartNs), last = Bound(context.Selection.EndNs);
        bool backward = context.Selection.Backward;
        (at, end) = backward ? (last, first - 1) : (first - 1, last);
        MinNs = first < last ? Entry(first).TimestampNs : long.MaxValue;
        MaxNs = first < last ? Entry(last - 1).TimestampNs : long.MinValue;
    }

    public override ReadOnlySpan<byte> Line => head.Pages.Line(Entry(at));

    public override int LineLength => Entry(at).LineLength;

    public override ReadOnlySpan<byte> Metadata => head.Pages.Metadata(Entry(at));

    public override bool Next()
    {
        var counts = Context.Memory;
        int step = Context.Selection.Backward ? -1 : 1;
        var literal = Context.Literal.Span;
        while ((at += step) != end)
        {
            ref readonly var entry = ref Entry(at);
            counts.OpenLines++;
            counts.OpenBytes += entry.LineLength + entry.MetadataLength;
            counts.OpenMetadataBytes += entry.MetadataLength;
            if (!literal.IsEmpty && Line.IndexOf(literal) < 0) continue;
            TimestampNs = entry.TimestampNs;
            return true;
        }
        return false;
    }

    public override void Dispose()
    {
    }

    /// <summary>The entry of a number by time.</summary>
    private ref readonly HeadEntry Entry(int number) => ref head.Entries[order is null ? number : order[number]];

    private int Bound(long bound)
    {
        int low = 0, high = head.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Entry(middle).TimestampNs < bound) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
