using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.Logs.Fields;
using Pharos.Logs.Ingest;
using Pharos.Logs.Metadata;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Blocks;

/// <summary>Turns sorted entries into packed blocks. Layout: docs/formats/log-part.md. Reused; not safe for several threads.</summary>
internal sealed class BlockWriter : IDisposable
{
    private const int LevelsMax = 16;

    private readonly LineShredder shredder = new();
    private readonly ColumnEncoder encoder = new();
    private readonly PooledBuffer frame = new();
    private readonly PooledBuffer columns = new();
    private readonly PooledBuffer packed = new();
    private readonly MetadataColumns metadata = new();
    private (int At, int Length)[] repeats = [];
    private HeadEntry[] texts = [];

    /// <summary>A writer's buffers are some megabytes: no more of them are kept than can be busy at once.</summary>
    private static readonly ConcurrentBag<BlockWriter> Idle = [];

    /// <summary>Packs entries that are sorted by time and belong to one UTC day.</summary>
    public static BlockRef Pack(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
    {
        if (!Idle.TryTake(out var writer)) writer = new BlockWriter();
        try
        {
            return writer.Write(entries, bytes, level);
        }
        finally
        {
            if (Idle.Count < Environment.ProcessorCount) Idle.Add(writer);
            else writer.Dispose();
        }
    }

    private BlockRef Write(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
    {
        int lineBytes = 0, metadataBytes = 0;
        foreach (ref readonly var entry in entries)
        {
            lineBytes += entry.LineLength;
            metadataBytes += entry.MetadataLength;
        }
        byte[] lines = ArrayPool<byte>.Shared.Rent(Math.Max(1, lineBytes));
        byte[]? filter = null;
        try
        {
            bool shaped = shredder.Shred(entries, bytes);
            var codec = BlockCodecs.Best;
            packed.Clear();
            columns.Clear();
            metadata.Encode(entries, bytes, encoder, codec, level, frame, columns);
            WriteIndex(entries, shaped);
            int indexRaw = frame.Length;
            int indexPacked = Compress(codec, frame.Span, level);
            int shapesRaw = 0, shapesPacked = 0;
            if (shaped)
            {
                WriteColumns(codec, entries, bytes, level);
                shapesRaw = frame.Length;
                shapesPacked = Compress(codec, frame.Span, level);
            }
            int columnsPacked = columns.Length;
            packed.Append(columns.Span);
            var filtered = WithMetadata(entries);
            filter = NeedleFilter.Build(filtered, bytes, shaped ? repeats.AsSpan(0, filtered.Length) : default, out int filterLength);
            int linesRaw = Kept(entries, bytes, shaped, lines);
            int linesPacked = Compress(codec, lines.AsSpan(0, linesRaw), level);
            packed.Append(filter.AsSpan(0, filterLength));
            byte[] data = packed.Span.ToArray();
            int linesAt = indexPacked + shapesPacked + columnsPacked;
            var header = new BlockHeader
            {
                MinNs = entries[0].TimestampNs,
                MaxNs = entries[^1].TimestampNs,
                Entries = entries.Length,
                LineBytes = lineBytes,
                MetadataBytes = metadataBytes,
                Codec = codec,
                Offset = 0,
                IndexPacked = indexPacked,
                IndexRaw = indexRaw,
                ShapesPacked = shapesPacked,
                ShapesRaw = shapesRaw,
                ColumnsPacked = columnsPacked,
                LinesRaw = linesRaw,
                LinesPacked = linesPacked,
                FilterLength = filterLength,
                Levels = Levels(entries, bytes),
                IndexCrc = Crc32C.Of(data.AsSpan(0, indexPacked)),
                ShapesCrc = Crc32C.Of(data.AsSpan(indexPacked, shapesPacked)),
                LinesCrc = Crc32C.Of(data.AsSpan(linesAt, linesPacked)),
                FilterCrc = Crc32C.Of(data.AsSpan(linesAt + linesPacked)),
            };
            return new BlockRef(header, new MemoryBlockSource(data), 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(lines);
            if (filter is not null) ArrayPool<byte>.Shared.Return(filter);
        }
    }

    public void Dispose()
    {
        frame.Dispose();
        columns.Dispose();
        packed.Dispose();
    }

    /// <summary>Lines that were not taken apart, one after another.</summary>
    private int Kept(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, bool shaped, byte[] lines)
    {
        int at = 0;
        var rows = shredder.Rows;
        for (int i = 0; i < entries.Length; i++)
        {
            if (shaped && rows[i] != 0) continue;
            bytes.Slice(entries[i].LineAt, entries[i].LineLength).CopyTo(lines.AsSpan(at));
            at += entries[i].LineLength;
        }
        return at;
    }

    private int Compress(BlockCodec codec, ReadOnlySpan<byte> raw, int level)
    {
        int written = BlockCodecs.Pack(codec, raw, packed.GetSpan(BlockCodecs.PackedBytesMax(raw.Length)), level);
        packed.Advance(written);
        return written;
    }

    private void WriteColumns(BlockCodec codec, ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
    {
        // Room for what the filter holds besides the lines.
        int room = entries.Length + metadata.Values.Count;
        Sized.AtLeast(ref repeats, room);
        repeats.AsSpan(0, room).Clear();
        var directory = new List<ColumnEntry>(shredder.ColumnCount);
        for (int i = 0; i < shredder.ColumnCount; i++)
        {
            var kind = encoder.Encode(bytes, shredder.Column(i), entries, frame);
            if (kind is ColumnKind.Dictionary or ColumnKind.LargeDictionary) encoder.NoteRepeats(shredder.Column(i), repeats);
            int from = columns.Length;
            var space = columns.GetSpan(BlockCodecs.PackedBytesMax(frame.Length));
            int written = BlockCodecs.Pack(codec, frame.Span, space, level);
            directory.Add(new ColumnEntry(shredder.NameOf(i), kind, encoder.Form, from, written, frame.Length, Crc32C.Of(space[..written]), encoder.Min, encoder.Max));
            columns.Advance(written);
        }
        frame.Clear();
        BlockShapes.Write(frame, shredder.Shapes, directory, shredder.Rows);
    }

    /// <summary>What the skip filter holds: the lines, and the values of metadata as if they were lines.</summary>
    private ReadOnlySpan<HeadEntry> WithMetadata(ReadOnlySpan<HeadEntry> entries)
    {
        var values = metadata.Values;
        if (values.Count == 0) return entries;
        int count = entries.Length + values.Count;
        Sized.AtLeast(ref texts, count);
        entries.CopyTo(texts);
        for (int i = 0; i < values.Count; i++) texts[entries.Length + i] = new HeadEntry(0, values[i].At, values[i].Length, 0);
        return texts.AsSpan(0, count);
    }

    private void WriteIndex(ReadOnlySpan<HeadEntry> entries, bool shaped)
    {
        frame.Clear();
        WriteTimestamps(entries);
        metadata.WriteDirectory(frame);
        int[] lengths = ArrayPool<int>.Shared.Rent(entries.Length);
        int kept = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            if (!shaped || shredder.Rows[i] == 0) lengths[kept++] = entries[i].LineLength;
        }
        Varints.WriteAll(frame, lengths.AsSpan(0, kept));
        ArrayPool<int>.Shared.Return(lengths);
    }

    /// <summary>Differences in the largest power of ten that divides them all.</summary>
    private void WriteTimestamps(ReadOnlySpan<HeadEntry> entries)
    {
        long unit = 1_000_000_000;
        foreach (ref readonly var entry in entries)
        {
            while (entry.TimestampNs % unit != 0) unit /= 10;
            if (unit == 1) break;
        }
        Varints.Write(frame, (ulong)unit);
        long last = entries[0].TimestampNs / unit;
        foreach (ref readonly var entry in entries)
        {
            long now = entry.TimestampNs / unit;
            Varints.Write(frame, (ulong)(now - last));
            last = now;
        }
    }

    private static LevelCount[]? Levels(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes)
    {
        var levels = new List<LevelCount>();
        ReadOnlySpan<byte> before = default;
        int level = -1;
        foreach (ref readonly var entry in entries)
        {
            var own = bytes.Slice(entry.LineAt + entry.LineLength, entry.MetadataLength);
            if (level < 0 || !own.SequenceEqual(before))
            {
                before = own;
                var pair = LevelDetector.PairOf(own);
                for (level = levels.Count - 1; level >= 0 && !pair.SequenceEqual(levels[level].Metadata); level--);
                if (level < 0)
                {
                    if (levels.Count == LevelsMax) return null;
                    level = levels.Count;
                    levels.Add(new LevelCount(pair.ToArray(), 0, 0));
                }
            }
            ref var counted = ref CollectionsMarshal.AsSpan(levels)[level];
            counted = counted with { Entries = counted.Entries + 1, LineBytes = counted.LineBytes + entry.LineLength };
        }
        return [.. levels];
    }
}
