using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
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

    public long Lines;
    public long Bytes;
    public long Blocks;
    public long BlocksSkipped;
}

/// <summary>Entries of one stream from one place, in the selection's direction.</summary>
internal abstract class EntrySource(ReadContext context) : IDisposable
{
    protected ReadContext Context { get; } = context;

    /// <summary>Bounds of what may come, before the source is opened.</summary>
    public long MinNs { get; protected init; }

    /// <inheritdoc cref="MinNs"/>
    public long MaxNs { get; protected init; }

    public long TimestampNs { get; protected set; }

    public abstract ReadOnlySpan<byte> Line { get; }

    public abstract int LineLength { get; }

    public abstract ReadOnlySpan<byte> Metadata { get; }

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
        int step = Context.Selection.Backward ? -1 : 1;
        var literal = Context.Literal.Span;
        while ((at += step) != end)
        {
            Context.Lines++;
            Context.Bytes += entries[at].LineLength + entries[at].MetadataLength;
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

/// <summary>Entries of a packed block: the filter is asked first, lines are unpacked only when one is wanted.</summary>
internal sealed class BlockEntries : EntrySource
{
    private readonly BlockRef block;
    private readonly Labels stream;
    private long[]? timestamps;
    private int[]? lineEnds;
    private int[]? metadataOf;
    private int[]? metadataEnds;
    private byte[]? index;
    private byte[]? lines;
    private int metadataAt;
    private int end;
    private int at;
    private bool opened;
    private bool dead;

    public BlockEntries(BlockRef block, Labels stream, ReadContext context) : base(context)
    {
        this.block = block;
        this.stream = stream;
        MinNs = block.Header.MinNs;
        MaxNs = block.Header.MaxNs;
    }

    public override int LineLength => lineEnds![at] - Start(at);

    public override ReadOnlySpan<byte> Line
    {
        get
        {
            if (lines is null && !TryUnpackLines()) return default;
            return lines.AsSpan(Start(at), lineEnds![at] - Start(at));
        }
    }

    public override ReadOnlySpan<byte> Metadata
    {
        get
        {
            if (metadataOf is null || metadataOf[at] == 0) return default;
            int number = metadataOf[at] - 1;
            int from = number == 0 ? metadataAt : metadataEnds![number - 1];
            int length = (int)Varints.Read(index, ref from);
            return index.AsSpan(from, length);
        }
    }

    public override bool Next()
    {
        if (!opened && !Open()) return false;
        if (dead) return false;
        bool backward = Context.Selection.Backward;
        var literal = Context.Literal.Span;
        if (literal.IsEmpty)
        {
            at += backward ? -1 : 1;
            if (at == end) return false;
            Count(at);
            TimestampNs = timestamps![at];
            return true;
        }
        return backward ? NextBackward(literal) : NextForward(literal);
    }

    public override void Dispose()
    {
        if (timestamps is not null) ArrayPool<long>.Shared.Return(timestamps);
        if (lineEnds is not null) ArrayPool<int>.Shared.Return(lineEnds);
        if (metadataOf is not null) ArrayPool<int>.Shared.Return(metadataOf);
        if (metadataEnds is not null) ArrayPool<int>.Shared.Return(metadataEnds);
        if (index is not null) ArrayPool<byte>.Shared.Return(index);
        if (lines is not null) ArrayPool<byte>.Shared.Return(lines);
        timestamps = null;
        lineEnds = metadataOf = metadataEnds = null;
        index = lines = null;
        dead = true;
        opened = true;
    }

    private int Start(int entry) => entry == 0 ? 0 : lineEnds![entry - 1];

    private void Count(int entry)
    {
        Context.Lines++;
        Context.Bytes += lineEnds![entry] - Start(entry);
    }

    private bool NextForward(ReadOnlySpan<byte> literal)
    {
        if (at + 1 >= end) return false;
        if (lines is null && !TryUnpackLines()) return false;
        int from = lineEnds![at + 1] - (lineEnds[at + 1] - Start(at + 1));
        int limit = lineEnds[end - 1];
        int current = at + 1;
        while (true)
        {
            int hit = lines.AsSpan(from, limit - from).IndexOf(literal);
            if (hit < 0)
            {
                for (; current < end; current++) Count(current);
                at = end;
                return false;
            }
            int position = from + hit;
            while (lineEnds[current] <= position) Count(current++);
            if (position + literal.Length <= lineEnds[current])
            {
                Count(current);
                at = current;
                TimestampNs = timestamps![at];
                return true;
            }
            // The hit spans two lines: no line holds it.
            from = position + 1;
        }
    }

    private bool NextBackward(ReadOnlySpan<byte> literal)
    {
        if (at - 1 <= end) return false;
        if (lines is null && !TryUnpackLines()) return false;
        int low = Start(end + 1);
        int to = lineEnds![at - 1];
        int current = at - 1;
        while (true)
        {
            int hit = lines.AsSpan(low, to - low).LastIndexOf(literal);
            if (hit < 0)
            {
                for (; current > end; current--) Count(current);
                at = end;
                return false;
            }
            int position = low + hit;
            while (Start(current) > position) Count(current--);
            if (position + literal.Length <= lineEnds[current])
            {
                Count(current);
                at = current;
                TimestampNs = timestamps![at];
                return true;
            }
            to = position + literal.Length - 1;
        }
    }

    private bool Open()
    {
        opened = true;
        Context.Cancel.ThrowIfCancellationRequested();
        var header = block.Header;
        try
        {
            if (!MayHoldLiterals())
            {
                Context.BlocksSkipped++;
                dead = true;
                return false;
            }
            Context.Blocks++;
            index = ReadFrame(header.Offset, header.IndexPacked, header.IndexRaw, header.IndexCrc, "index");
            ParseIndex(index.AsSpan(0, header.IndexRaw));
            CheckLines();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Fail(e);
            return false;
        }
        var all = timestamps.AsSpan(0, header.Entries);
        int first = LowerBound(all, Context.Selection.StartNs), last = LowerBound(all, Context.Selection.EndNs);
        (at, end) = Context.Selection.Backward ? (last, first - 1) : (first - 1, last);
        return true;
    }

    private bool MayHoldLiterals()
    {
        var literals = Context.Selection.RequiredLiterals;
        if (literals.Count == 0 || literals.All(l => l.Length < 3)) return true;
        var header = block.Header;
        byte[] filter = ArrayPool<byte>.Shared.Rent(header.FilterLength);
        try
        {
            var bits = filter.AsSpan(0, header.FilterLength);
            block.Source.Read(header.Offset + header.IndexPacked + header.LinesPacked, bits);
            if (Crc32C.Of(bits) != header.FilterCrc) throw new InvalidDataException("the filter's checksum does not match");
            foreach (var literal in literals)
            {
                if (!TrigramFilter.MayHold(bits, literal.Span)) return false;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(filter);
        }
    }

    /// <summary>
    /// Once per block: lines are unpacked later, when an entry has been handed out already, and must not turn out to be damaged then.
    /// </summary>
    private void CheckLines()
    {
        if (block.LinesChecked) return;
        var header = block.Header;
        byte[] packed = ArrayPool<byte>.Shared.Rent(header.LinesPacked);
        try
        {
            block.Source.Read(header.Offset + header.IndexPacked, packed.AsSpan(0, header.LinesPacked));
            if (Crc32C.Of(packed.AsSpan(0, header.LinesPacked)) != header.LinesCrc) throw new InvalidDataException("the lines frame's checksum does not match");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
        block.LinesChecked = true;
    }

    private byte[] ReadFrame(long offset, int packedLength, int rawLength, uint crc, string what)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(packedLength);
        byte[] raw = ArrayPool<byte>.Shared.Rent(Math.Max(1, rawLength));
        bool good = false;
        try
        {
            block.Source.Read(offset, packed.AsSpan(0, packedLength));
            if (Crc32C.Of(packed.AsSpan(0, packedLength)) != crc) throw new InvalidDataException($"the {what} frame's checksum does not match");
            BlockCodecs.Unpack(block.Header.Codec, packed.AsSpan(0, packedLength), raw.AsSpan(0, rawLength));
            good = true;
            return raw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            if (!good) ArrayPool<byte>.Shared.Return(raw);
        }
    }

    private void ParseIndex(ReadOnlySpan<byte> raw)
    {
        var header = block.Header;
        int position = 0;
        timestamps = ArrayPool<long>.Shared.Rent(header.Entries);
        lineEnds = ArrayPool<int>.Shared.Rent(header.Entries);
        long timestamp = header.MinNs;
        for (int i = 0; i < header.Entries; i++) timestamps[i] = timestamp += (long)Varints.Read(raw, ref position);
        long lineEnd = 0;
        for (int i = 0; i < header.Entries; i++)
        {
            lineEnd += (long)Varints.Read(raw, ref position);
            if (lineEnd > header.LineBytes) throw new InvalidDataException("line lengths run over the lines frame");
            lineEnds[i] = (int)lineEnd;
        }
        int dictionary = Varints.ReadLength(raw, ref position);
        if (dictionary == 0) return;
        metadataAt = position;
        metadataEnds = ArrayPool<int>.Shared.Rent(dictionary);
        for (int i = 0; i < dictionary; i++)
        {
            int length = Varints.ReadLength(raw, ref position);
            metadataEnds[i] = position += length;
        }
        metadataOf = ArrayPool<int>.Shared.Rent(header.Entries);
        for (int i = 0; i < header.Entries; i++)
        {
            ulong number = Varints.Read(raw, ref position);
            if (number > (ulong)dictionary) throw new InvalidDataException("a metadata number runs over the dictionary");
            metadataOf[i] = (int)number;
        }
    }

    private bool TryUnpackLines()
    {
        var header = block.Header;
        try
        {
            lines = ReadFrame(header.Offset + header.IndexPacked, header.LinesPacked, header.LineBytes, header.LinesCrc, "lines");
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Fail(e);
            return false;
        }
    }

    private void Fail(Exception e)
    {
        Context.Damaged(block, stream, e);
        dead = true;
    }
}
