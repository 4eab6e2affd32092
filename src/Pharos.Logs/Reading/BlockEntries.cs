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
    private LineChecks? checks;
    private int end;
    private int at;
    private bool[]? wanted;
    private MetadataSets? metadata;
    private MetadataSets? wholeMetadata;
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
            // Where lines were not to be read the shapes are not known yet.
            if (shaped is null && kept is null && !TryReadKept()) return default;
            if (shaped?.IsShaped(at) == true) return scratchRow == at || TryAssemble() ? scratch.AsSpan(0, scratchLength) : default;
            if (kept is null && !TryReadKept()) return default;
            int from = at == 0 ? 0 : keptEnds![at - 1];
            return kept.AsSpan(from, keptEnds![at] - from);
        }
    }

    public override ReadOnlySpan<byte> Metadata => MetadataOf(metadata ??= new MetadataSets(index!.Metadata, Context.Selection.MetadataNames));

    public override ReadOnlySpan<byte> WholeMetadata =>
        Context.Selection.MetadataNames is null ? Metadata : MetadataOf(wholeMetadata ??= new MetadataSets(index!.Metadata, null));

    public override LogFields? Fields => shaped;

    public override int Row => at;

    public override bool LineFiltersHold => checks?.Holds(at) == true;

    public override bool Next()
    {
        if (!opened && !Open()) return false;
        if (dead || at == end) return false;
        try
        {
            if (checks is null && (wanted is not null || LineChecks.Has(Context))) checks = CheckLineFilters();
            at = checks?.Next(at, end) ?? (Context.Selection.Backward ? at - 1 : at + 1);
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            Fail(e);
            return false;
        }
        if (at == end) return false;
        TimestampNs = index!.Timestamps[at];
        return true;
    }

    public override void Dispose()
    {
        index?.Dispose();
        shaped?.Dispose();
        checks?.Dispose();
        metadata?.Dispose();
        wholeMetadata?.Dispose();
        foreach (byte[]? buffer in new[] { kept, scratch })
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
        if (keptEnds is not null) ArrayPool<int>.Shared.Return(keptEnds);
        if (wanted is not null) ArrayPool<bool>.Shared.Return(wanted);
        wanted = null;
        index = null;
        shaped = null;
        checks = null;
        kept = scratch = null;
        keptEnds = null;
        dead = true;
        opened = true;
    }

    private LineChecks CheckLineFilters()
    {
        var header = block.Header;
        if (!LineChecks.NeedsKept(Context) || header.LinesRaw == 0) return new LineChecks(Context, shaped, default, header.Entries, wanted);
        ReadKept();
        return new LineChecks(Context, shaped, new KeptLines(kept.AsSpan(0, header.LinesRaw), keptEnds.AsSpan(0, header.Entries)), header.Entries, wanted);
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

    /// <summary>False where no line has the values that are wanted. Reads no columns but those of these.</summary>
    private bool MayHoldFields()
    {
        if (Context.Selection.RequiredFields is not { } filter || shaped is null || !shaped.HasAny(filter.Format)) return true;
        if (index!.Metadata.IsWhole || filter.Names.Any(n => stream.Has(n) || index.Metadata.NumberOf(n) >= 0)) return true;
        if (shaped.IsAll(filter.Format))
        {
            if (!filter.MayPass(shaped)) return false;
            filter.Narrow(shaped, Wanted());
        }
        else
        {
            var rows = Wanted();
            bool[] rented = ArrayPool<bool>.Shared.Rent(rows.Length);
            var narrowed = rented.AsSpan(0, rows.Length);
            rows.CopyTo(narrowed);
            filter.Narrow(shaped, narrowed);
            shaped.CopyMarks(filter.Format, narrowed, rows);
            ArrayPool<bool>.Shared.Return(rented);
        }
        return Wanted().Contains(true);
    }

    /// <summary>A mark for each line of the block: whether it may be wanted.</summary>
    private Span<bool> Wanted()
    {
        if (wanted is null)
        {
            wanted = ArrayPool<bool>.Shared.Rent(block.Header.Entries);
            wanted.AsSpan(0, block.Header.Entries).Fill(true);
        }
        return wanted.AsSpan(0, block.Header.Entries);
    }

    /// <summary>False where no entry can have the labels and metadata that are wanted. Reads the columns of these alone.</summary>
    private bool MayHoldMetadata()
    {
        if (Context.Selection.RequiredMetadata is not { } filter || index!.Metadata.IsWhole) return true;
        var fields = new MetadataFields(index.Metadata, stream);
        if (!filter.MayPass(fields)) return false;
        filter.Narrow(fields, Wanted());
        return Wanted().Contains(true);
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
    private void ReadKept()
    {
        var header = block.Header;
        if (header.ShapesRaw > 0 && shaped is null) ReadShapes(header);
        keptEnds = ArrayPool<int>.Shared.Rent(header.Entries);
        index!.ReadLengths(shaped, keptEnds.AsSpan(0, header.Entries));
        EndsOf(keptEnds.AsSpan(0, header.Entries), header.LinesRaw);
        kept = BlockFrames.Read(counted, header.LinesAt, header.LinesPacked, header.LinesRaw, header.LinesCrc, "lines");
    }

    private bool TryReadKept()
    {
        if (dead) return false;
        try
        {
            ReadKept();
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
