using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Fields;
using Pharos.Logs.Ingest;
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
    private readonly Dictionary<byte[], int> metadataOf = new(ByteKeys.Instance);
    private readonly List<byte[]> metadata = [];
    private readonly List<int> metadataCounts = [];
    private readonly List<int> metadataLineBytes = [];
    private (int At, int Length)[] repeats = [];

    [ThreadStatic]
    private static BlockWriter? ofThread;

    /// <summary>A writer that this thread may use until its next call.</summary>
    public static BlockWriter OfThread => ofThread ??= new BlockWriter();

    /// <summary>Packs entries that are sorted by time and belong to one UTC day.</summary>
    public BlockRef Write(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
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
            WriteIndex(entries, bytes, shaped);
            int indexRaw = frame.Length;
            int indexPacked = Pack(codec, frame.Span, level);
            int shapesRaw = 0, shapesPacked = 0, columnsPacked = 0;
            if (shaped)
            {
                WriteColumns(codec, entries, bytes, level);
                shapesRaw = frame.Length;
                shapesPacked = Pack(codec, frame.Span, level);
                columnsPacked = columns.Length;
                packed.Append(columns.Span);
            }
            filter = NeedleFilter.Build(entries, bytes, shaped ? repeats.AsSpan(0, entries.Length) : default, out int filterLength);
            int linesRaw = Kept(entries, bytes, shaped, lines);
            int linesPacked = Pack(codec, lines.AsSpan(0, linesRaw), level);
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
                Levels = Levels(entries.Length, lineBytes),
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

    private int Pack(BlockCodec codec, ReadOnlySpan<byte> raw, int level)
    {
        int written = BlockCodecs.Pack(codec, raw, packed.GetSpan(BlockCodecs.PackedBytesMax(raw.Length)), level);
        packed.Advance(written);
        return written;
    }

    private void WriteColumns(BlockCodec codec, ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
    {
        columns.Clear();
        if (repeats.Length < entries.Length) repeats = new (int, int)[entries.Length];
        repeats.AsSpan(0, entries.Length).Clear();
        var directory = new List<ColumnEntry>(shredder.ColumnCount);
        for (int i = 0; i < shredder.ColumnCount; i++)
        {
            var kind = encoder.Encode(bytes, shredder.Column(i), entries, frame);
            if (kind is ColumnKind.Dictionary or ColumnKind.LargeDictionary) encoder.NoteRepeats(shredder.Column(i), repeats);
            int from = columns.Length;
            var room = columns.GetSpan(BlockCodecs.PackedBytesMax(frame.Length));
            int written = BlockCodecs.Pack(codec, frame.Span, room, level);
            directory.Add(new ColumnEntry(shredder.NameOf(i), kind, encoder.Form, from, written, frame.Length, Crc32C.Of(room[..written]), encoder.Min, encoder.Max));
            columns.Advance(written);
        }
        frame.Clear();
        BlockShapes.Write(frame, shredder.Shapes, directory, shredder.Rows);
    }

    private void WriteIndex(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, bool shaped)
    {
        frame.Clear();
        WriteTimestamps(entries);
        metadataOf.Clear();
        metadata.Clear();
        metadataCounts.Clear();
        metadataLineBytes.Clear();
        var lookup = metadataOf.GetAlternateLookup<ReadOnlySpan<byte>>();
        int[] numbers = ArrayPool<int>.Shared.Rent(entries.Length);
        try
        {
            int last = 0;
            for (int i = 0; i < entries.Length; i++)
            {
                numbers[i] = 0;
                var own = bytes.Slice(entries[i].LineAt + entries[i].LineLength, entries[i].MetadataLength);
                if (own.IsEmpty) continue;
                if (last == 0 || !own.SequenceEqual(metadata[last - 1]))
                {
                    if (!lookup.TryGetValue(own, out last))
                    {
                        byte[] kept = own.ToArray();
                        metadata.Add(kept);
                        metadataCounts.Add(0);
                        metadataLineBytes.Add(0);
                        last = metadataOf[kept] = metadata.Count;
                    }
                }
                numbers[i] = last;
                metadataCounts[last - 1]++;
                metadataLineBytes[last - 1] += entries[i].LineLength;
            }
            Varints.Write(frame, (ulong)metadata.Count);
            foreach (byte[] value in metadata)
            {
                Varints.Write(frame, (ulong)value.Length);
                frame.Append(value);
            }
            if (metadata.Count > 0) Varints.WriteAll(frame, numbers.AsSpan(0, entries.Length));
            int kepts = 0;
            for (int i = 0; i < entries.Length; i++)
            {
                if (!shaped || shredder.Rows[i] == 0) numbers[kepts++] = entries[i].LineLength;
            }
            Varints.WriteAll(frame, numbers.AsSpan(0, kepts));
        }
        finally
        {
            ArrayPool<int>.Shared.Return(numbers);
        }
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

    private LevelCount[]? Levels(int entries, int lineBytes)
    {
        var levels = new Dictionary<byte[], LevelCount>(ByteKeys.Instance);
        int with = 0, bytesWith = 0;
        for (int i = 0; i < metadata.Count; i++)
        {
            with += metadataCounts[i];
            bytesWith += metadataLineBytes[i];
            byte[] level = LevelDetector.PairOf(metadata[i]).ToArray();
            levels[level] = levels.TryGetValue(level, out var so)
                ? so with { Entries = so.Entries + metadataCounts[i], LineBytes = so.LineBytes + metadataLineBytes[i] }
                : new LevelCount(level, metadataCounts[i], metadataLineBytes[i]);
            if (levels.Count > LevelsMax) return null;
        }
        if (with < entries)
        {
            levels.TryGetValue([], out var none);
            levels[[]] = new LevelCount([], none.Entries + entries - with, none.LineBytes + lineBytes - bytesWith);
        }
        return [.. levels.Values];
    }
}
