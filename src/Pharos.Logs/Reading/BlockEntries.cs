using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Fields;
using Pharos.Logs.Metadata;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Reading;

/// <summary>Entries of a packed block: the filter is asked first, lines are unpacked only when one is wanted.</summary>
internal sealed class BlockEntries : EntrySource
{
    /// <summary>Lines after which it is known whether an expression matches most of them.</summary>
    private const int TestedMin = 64;

    private readonly BlockRef block;
    private readonly Labels stream;
    private BlockRef counted;
    private BlockIndex? index;
    private ShapedBlock? shaped;
    private byte[]? kept;
    private int[]? keptEnds;
    private byte[]? scratch;
    private int scratchRow = -1;
    private int scratchLength;
    private byte[]? lines;
    private int[]? lineEnds;
    private int end;
    private int at;
    private bool[]? marks;
    private bool[]? wanted;
    private MetadataSets? metadata;
    private MetadataSets? wholeMetadata;
    private int tested;
    private int matched;
    private bool opened;
    private bool dead;

    public BlockEntries(BlockRef block, Labels stream, ReadContext context) : base(context)
    {
        this.block = block;
        this.stream = stream;
        InMemory = block.Source is MemoryBlockSource;
        counted = block;
        MinNs = block.Header.MinNs;
        MaxNs = block.Header.MaxNs;
    }

    public BlockHeader Header => block.Header;

    public override int LineLength => Line.Length;

    public override ReadOnlySpan<byte> Line
    {
        get
        {
            if (lines is not null) return lines.AsSpan(Start(at), lineEnds![at] - Start(at));
            if (kept is null && !TryReadKept()) return default;
            if (shaped is null || !shaped.IsShaped(at))
            {
                int from = at == 0 ? 0 : keptEnds![at - 1];
                return kept.AsSpan(from, keptEnds![at] - from);
            }
            return scratchRow == at || TryAssemble() ? scratch.AsSpan(0, scratchLength) : default;
        }
    }

    public override ReadOnlySpan<byte> Metadata => MetadataOf(metadata ??= new MetadataSets(index!.Metadata, Context.Selection.MetadataNames));

    public override ReadOnlySpan<byte> WholeMetadata =>
        Context.Selection.MetadataNames is null ? Metadata : MetadataOf(wholeMetadata ??= new MetadataSets(index!.Metadata, null));

    public override LogFields? Fields => shaped;

    public override int Row => at;

    public override bool Next()
    {
        if (!opened && !Open()) return false;
        if (dead) return false;
        bool backward = Context.Selection.Backward;
        var literal = Context.Literal.Span;
        if (literal.IsEmpty)
        {
            do
            {
                at += backward ? -1 : 1;
                if (at == end) return false;
            }
            while (!MayBeWanted());
            if (dead) return false;
            TimestampNs = index!.Timestamps[at];
            return true;
        }
        return backward ? NextBackward(literal) : NextForward(literal);
    }

    public override void Dispose()
    {
        index?.Dispose();
        shaped?.Dispose();
        metadata?.Dispose();
        wholeMetadata?.Dispose();
        foreach (byte[]? buffer in new[] { kept, scratch, lines })
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
        foreach (int[]? buffer in new[] { keptEnds, lineEnds })
        {
            if (buffer is not null) ArrayPool<int>.Shared.Return(buffer);
        }
        foreach (bool[]? buffer in new[] { marks, wanted })
        {
            if (buffer is not null) ArrayPool<bool>.Shared.Return(buffer);
        }
        marks = wanted = null;
        index = null;
        shaped = null;
        kept = scratch = lines = null;
        keptEnds = lineEnds = null;
        dead = true;
        opened = true;
    }

    /// <summary>False where the current line was taken apart and is none of those asked for. True where the block turns out to be damaged.</summary>
    private bool MayBeWanted()
    {
        if (wanted is not null && !wanted[at]) return false;
        if (shaped is null || !shaped.IsShaped(at)) return true;
        try
        {
            if (Context.Folded is { } folded)
            {
                if (marks is null)
                {
                    marks = ArrayPool<bool>.Shared.Rent(block.Header.Entries);
                    shaped.Mark(folded, marks.AsSpan(0, block.Header.Entries));
                }
                return marks[at];
            }
            return Context.Expression is not { } expression || MayMatch(expression);
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return true;
        }
    }

    private bool MayMatch(LineSearch expression)
    {
        // Where most lines match, looking at them twice is no gain.
        if (tested >= TestedMin && matched * 2 > tested) return true;
        tested++;
        bool match = shaped!.IsMatch(expression, at);
        if (match) matched++;
        return match;
    }

    private int Start(int entry) => entry == 0 ? 0 : lineEnds![entry - 1];

    private bool NextForward(ReadOnlySpan<byte> literal)
    {
        if (at + 1 >= end) return false;
        if (lines is null && !TryPutTogether(literal)) return false;
        int current = at + 1;
        int from = Start(current);
        int limit = lineEnds![end - 1];
        while (true)
        {
            int hit = lines.AsSpan(from, limit - from).IndexOf(literal);
            if (hit < 0)
            {
                at = end;
                return false;
            }
            int position = from + hit;
            while (lineEnds[current] <= position) current++;
            if (position + literal.Length <= lineEnds[current])
            {
                at = current;
                TimestampNs = index!.Timestamps[at];
                return true;
            }
            // The hit spans two lines: no line holds it.
            from = position + 1;
        }
    }

    private bool NextBackward(ReadOnlySpan<byte> literal)
    {
        if (at - 1 <= end) return false;
        if (lines is null && !TryPutTogether(literal)) return false;
        int low = Start(end + 1);
        int to = lineEnds![at - 1];
        int current = at - 1;
        while (true)
        {
            int hit = lines.AsSpan(low, to - low).LastIndexOf(literal);
            if (hit < 0)
            {
                at = end;
                return false;
            }
            int position = low + hit;
            while (Start(current) > position) current--;
            if (position + literal.Length <= lineEnds[current])
            {
                at = current;
                TimestampNs = index!.Timestamps[at];
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
            if (!MayHoldLiterals()) return Skip();
            counted = block with { Source = new CountedSource(block.Source, Counts, Context.Time) };
            index = BlockIndex.Read(counted);
            if (!MayHoldMetadata()) return Skip();
            if (!Context.Selection.LinesUnread)
            {
                if (header.ShapesRaw > 0) ReadShapes(header);
                if (!MayHoldFields()) return Skip();
                CheckLines();
            }
            Counts.Blocks++;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return false;
        }
        var all = index.Timestamps.AsSpan(0, header.Entries);
        int first = LowerBound(all, Context.Selection.StartNs), last = LowerBound(all, Context.Selection.EndNs);
        (at, end) = Context.Selection.Backward ? (last, first - 1) : (first - 1, last);
        double share = (double)(last - first) / header.Entries;
        long metadata = (long)(header.MetadataBytes * share);
        Counts.Lines += last - first;
        Counts.MetadataBytes += metadata;
        Counts.Bytes += metadata + (long)(header.LineBytes * share);
        return true;
    }

    private bool Skip()
    {
        Counts.BlocksSkipped++;
        dead = true;
        return false;
    }

    /// <summary>False where no line can have the values that are wanted. Reads no column but dictionaries of these.</summary>
    private bool MayHoldFields()
    {
        if (Context.Selection.RequiredFields is not { } filter || shaped is null || !shaped.IsAll(filter.Format)) return true;
        return index!.Metadata.IsWhole || filter.Names.Any(n => stream.Has(n) || index.Metadata.NumberOf(n) >= 0) || filter.MayPass(shaped);
    }

    /// <summary>False where no entry can have the labels and metadata that are wanted. Reads the columns of these alone.</summary>
    private bool MayHoldMetadata()
    {
        if (Context.Selection.RequiredMetadata is not { } filter || index!.Metadata.IsWhole) return true;
        var fields = new MetadataFields(index.Metadata, stream);
        if (!filter.MayPass(fields)) return false;
        wanted = ArrayPool<bool>.Shared.Rent(block.Header.Entries);
        var rows = wanted.AsSpan(0, block.Header.Entries);
        rows.Fill(true);
        filter.Narrow(fields, rows);
        return rows.Contains(true);
    }

    private ReadOnlySpan<byte> MetadataOf(MetadataSets sets)
    {
        if (dead) return default;
        try
        {
            return sets.Of(at);
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return default;
        }
    }

    private void ReadShapes(BlockHeader header)
    {
        byte[] frame = BlockFrames.Read(counted, header.ShapesAt, header.ShapesPacked, header.ShapesRaw, header.ShapesCrc, "shapes");
        try
        {
            shaped = new ShapedBlock(counted, frame.AsSpan(0, header.ShapesRaw), index!.Metadata.ColumnsPacked, index.Timestamps);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    private bool MayHoldLiterals()
    {
        uint[] bits = FilterBits();
        if (bits.Length == 0 || block.Is(BlockNotes.FilterDamaged)) return true;
        var header = block.Header;
        if (!block.Is(BlockNotes.FilterChecked))
        {
            byte[] filter;
            try
            {
                filter = BlockFrames.ReadPlain(block, header.FilterAt, header.FilterLength, header.FilterCrc, "filter");
            }
            catch (InvalidDataException e)
            {
                // It only spares work: the lines are searched without it.
                Context.Damaged(block, stream, e);
                block.Note(BlockNotes.FilterDamaged);
                return true;
            }
            try
            {
                block.Note(BlockNotes.FilterChecked);
                return NeedleFilter.MayHold(filter.AsSpan(0, header.FilterLength), bits);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(filter);
            }
        }
        // Mostly one of the first bits settles it: single bytes are read, not the filter.
        Span<byte> one = stackalloc byte[1];
        foreach (uint bit in bits)
        {
            var (byteAt, mask) = NeedleFilter.Place(bit, header.FilterLength);
            block.Source.Read(header.FilterAt + byteAt, one);
            if ((one[0] & mask) == 0) return false;
        }
        return true;
    }

    /// <summary>Those of the lines, and those of values that only structured metadata can have.</summary>
    private uint[] FilterBits()
    {
        uint[] bits = Context.FilterBits;
        foreach (var (name, more) in Context.MetadataBits)
        {
            if (!stream.Has(name)) bits = [.. bits, .. more];
        }
        return bits;
    }

    /// <summary>
    /// Once per block: lines are unpacked later, when an entry has been handed out already, and must not turn out to be damaged then.
    /// </summary>
    private void CheckLines()
    {
        if (block.Is(BlockNotes.LinesChecked)) return;
        var header = block.Header;
        byte[] packed = BlockFrames.ReadPlain(block, header.LinesAt, header.LinesPacked, header.LinesCrc, "lines frame");
        ArrayPool<byte>.Shared.Return(packed);
        Check(index!.Metadata.Entries);
        if (header.ShapesRaw > 0)
        {
            byte[] frame = BlockFrames.Read(block, header.ShapesAt, header.ShapesPacked, header.ShapesRaw, header.ShapesCrc, "shapes");
            try
            {
                Check(BlockShapes.Read(frame.AsSpan(0, header.ShapesRaw), header, index!.Metadata.ColumnsPacked).Columns);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(frame);
            }
        }
        block.Note(BlockNotes.LinesChecked);
    }

    private void Check(IReadOnlyList<ColumnEntry> columns)
    {
        foreach (var column in columns)
        {
            if (column.Packed == 0) continue;
            byte[] bytes = BlockFrames.ReadPlain(block, block.Header.ColumnsAt + column.Offset, column.Packed, column.Crc, "columns");
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>Reads the lines that were kept as they are.</summary>
    private bool TryReadKept()
    {
        if (dead) return false;
        var header = block.Header;
        try
        {
            if (header.ShapesRaw > 0 && shaped is null) ReadShapes(header);
            keptEnds = ArrayPool<int>.Shared.Rent(header.Entries);
            index!.ReadLengths(shaped, keptEnds.AsSpan(0, header.Entries));
            EndsOf(keptEnds.AsSpan(0, header.Entries), header.LinesRaw);
            kept = BlockFrames.Read(counted, header.LinesAt, header.LinesPacked, header.LinesRaw, header.LinesCrc, "lines");
            return true;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return false;
        }
    }

    /// <summary>Puts the current line together.</summary>
    private bool TryAssemble()
    {
        if (dead) return false;
        try
        {
            scratch ??= ArrayPool<byte>.Shared.Rent(Math.Max(1, block.Header.LineBytes));
            scratchLength = shaped!.Assemble(at, scratch.AsSpan(0, block.Header.LineBytes));
            scratchRow = at;
            return true;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return false;
        }
    }

    /// <summary>Gives the lines that may hold a literal one after another, to be searched as a whole; the others are as if they were empty.</summary>
    private bool TryPutTogether(ReadOnlySpan<byte> literal)
    {
        if (kept is null && !TryReadKept()) return false;
        if (shaped is null)
        {
            (lines, lineEnds) = (kept, keptEnds);
            kept = null;
            keptEnds = null;
            return true;
        }
        var header = block.Header;
        bool[] marked = ArrayPool<bool>.Shared.Rent(header.Entries);
        byte[] whole = ArrayPool<byte>.Shared.Rent(Math.Max(1, header.LineBytes));
        int[] ends = ArrayPool<int>.Shared.Rent(header.Entries);
        try
        {
            var marks = marked.AsSpan(0, header.Entries);
            shaped.Mark(new Needle(literal), marks);
            for (int row = 0; wanted is not null && row < marks.Length; row++) marks[row] &= wanted[row];
            if (Context.Expression is { } expression)
            {
                for (int row = 0; row < marks.Length; row++) marks[row] = marks[row] && (!shaped.IsShaped(row) || shaped.IsMatch(expression, row));
            }
            shaped.Assemble(kept.AsSpan(0, header.LinesRaw), keptEnds.AsSpan(0, header.Entries), marks, whole.AsSpan(0, header.LineBytes), ends);
            (lines, lineEnds) = (whole, ends);
            return true;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return false;
        }
        finally
        {
            ArrayPool<bool>.Shared.Return(marked);
            if (lines is null)
            {
                ArrayPool<byte>.Shared.Return(whole);
                ArrayPool<int>.Shared.Return(ends);
            }
        }
    }

    private static void EndsOf(Span<int> lengths, int total)
    {
        long lineEnd = 0;
        foreach (ref int length in lengths)
        {
            lineEnd += length;
            if (lineEnd > total) break;
            length = (int)lineEnd;
        }
        if (lineEnd != total) throw new InvalidDataException("line lengths do not fit the lines frame");
    }

    private void Fail(Exception e)
    {
        Context.Damaged(block, stream, e);
        dead = true;
    }
}
