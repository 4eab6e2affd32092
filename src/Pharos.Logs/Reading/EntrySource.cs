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

    /// <summary>What every wanted line holds; null where looking for <see cref="Literal"/> says enough.</summary>
    public Needle? Folded { get; } = selection is { RequiredLiterals.Count: 0, RequiredFolded: { } folded } ? new Needle(folded) : null;

    /// <summary>What every wanted line matches; null where nothing is known of it, or where looking for text says enough.</summary>
    public LineSearch? Expression { get; } = selection is { RequiredLiterals.Count: 0, RequiredFolded: not null } ? null : LineSearch.For(selection.RequiredExpression);

    /// <summary>Bits that the filter of a block with a wanted entry has for each value of structured metadata that it must have.</summary>
    public (string Name, uint[] Bits)[] MetadataBits { get; } = [.. (selection.RequiredMetadata?.Required ?? []).Select(r => (r.Name, NeedleFilter.BitsOf(r.Utf8.Span)))];

    /// <summary>Measures how long reading takes; null: it is not measured.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>Streams with something in the range.</summary>
    public long Streams { get; set; }

    public ReadCounts Memory { get; } = new();

    public ReadCounts Parts { get; } = new();

    public LogReadStatistics Statistics => new(
        Memory.Lines + Memory.OpenLines + Parts.Lines, Memory.Bytes + Memory.OpenBytes + Parts.Bytes, Memory.Blocks + Parts.Blocks, Memory.BlocksSkipped + Parts.BlocksSkipped)
    {
        Streams = Streams,
        Chunks = Memory.Chunks + Parts.Chunks,
        MetadataBytes = Memory.MetadataBytes + Memory.OpenMetadataBytes + Parts.MetadataBytes,
        PackedBytes = Memory.PackedBytes + Parts.PackedBytes,
        Duplicates = Memory.Duplicates + Parts.Duplicates,
        Hidden = Memory.Hidden + Parts.Hidden,
        Reading = TimeSpan.FromTicks(Memory.ReadingTicks + Parts.ReadingTicks),
        Memory = new LogMemoryStatistics(Memory.Chunks, Memory.Blocks, Memory.Lines, Memory.Bytes, Memory.MetadataBytes, Memory.PackedBytes)
        {
            OpenLines = Memory.OpenLines,
            OpenBytes = Memory.OpenBytes,
            OpenMetadataBytes = Memory.OpenMetadataBytes,
            Duplicates = Memory.Duplicates,
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
    private readonly HeadEntry[] entries;
    private readonly int end;
    private int at;

    public HeadSource(HeadSnapshot head, ReadContext context) : base(context)
    {
        this.head = head;
        InMemory = true;
        entries = head.ByTime();
        int first = Bound(context.Selection.StartNs), last = Bound(context.Selection.EndNs);
        bool backward = context.Selection.Backward;
        (at, end) = backward ? (last, first - 1) : (first - 1, last);
        MinNs = first < last ? entries[first].TimestampNs : long.MaxValue;
        MaxNs = first < last ? entries[last - 1].TimestampNs : long.MinValue;
    }

    public override ReadOnlySpan<byte> Line => head.Bytes.AsSpan(entries[at].LineAt, entries[at].LineLength);

    public override int LineLength => entries[at].LineLength;

    public override ReadOnlySpan<byte> Metadata => head.Bytes.AsSpan(entries[at].LineAt + entries[at].LineLength, entries[at].MetadataLength);

    public override bool Next()
    {
        var counts = Context.Memory;
        int step = Context.Selection.Backward ? -1 : 1;
        var literal = Context.Literal.Span;
        while ((at += step) != end)
        {
            counts.OpenLines++;
            counts.OpenBytes += entries[at].LineLength + entries[at].MetadataLength;
            counts.OpenMetadataBytes += entries[at].MetadataLength;
            if (!literal.IsEmpty && Line.IndexOf(literal) < 0) continue;
            TimestampNs = entries[at].TimestampNs;
            return true;
        }
        return false;
    }

    public override void Dispose()
    {
    }

    private int Bound(long bound)
    {
        int low = 0, high = head.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (entries[middle].TimestampNs < bound) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
