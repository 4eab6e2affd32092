using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Blocks;

/// <summary>Turns sorted entries into a packed block.</summary>
internal static class BlockWriter
{
    /// <summary>
    /// Packs entries that are sorted by time and belong to one UTC day.
    /// Index frame: varint deltas of timestamps from the minimum, varint line lengths, then the metadata dictionary
    /// (count, each as length and bytes; entry 0 is "none" and not written) and a varint dictionary index per entry.
    /// </summary>
    public static BlockRef Write(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, int level)
    {
        int lineBytes = 0, metadataBytes = 0;
        foreach (ref readonly var entry in entries)
        {
            lineBytes += entry.LineLength;
            metadataBytes += entry.MetadataLength;
        }
        byte[] lines = ArrayPool<byte>.Shared.Rent(Math.Max(1, lineBytes));
        int[] ends = ArrayPool<int>.Shared.Rent(entries.Length);
        var index = new ArrayBufferWriter<byte>((entries.Length * 6) + 64);
        byte[]? filter = null;
        try
        {
            WriteIndex(entries, bytes, index);
            int at = 0;
            for (int i = 0; i < entries.Length; i++)
            {
                bytes.Slice(entries[i].LineAt, entries[i].LineLength).CopyTo(lines.AsSpan(at));
                at += entries[i].LineLength;
                ends[i] = at;
            }
            filter = TrigramFilter.Build(lines.AsSpan(0, lineBytes), ends.AsSpan(0, entries.Length), out int filterLength);
            var codec = BlockCodecs.Best;
            byte[] packed = ArrayPool<byte>.Shared.Rent(BlockCodecs.PackedBytesMax(index.WrittenCount) + BlockCodecs.PackedBytesMax(lineBytes) + filterLength);
            try
            {
                int indexPacked = BlockCodecs.Pack(codec, index.WrittenSpan, packed, level);
                int linesPacked = BlockCodecs.Pack(codec, lines.AsSpan(0, lineBytes), packed.AsSpan(indexPacked), level);
                filter.AsSpan(0, filterLength).CopyTo(packed.AsSpan(indexPacked + linesPacked));
                byte[] data = packed.AsSpan(0, indexPacked + linesPacked + filterLength).ToArray();
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
                    IndexRaw = index.WrittenCount,
                    LinesPacked = linesPacked,
                    FilterLength = filterLength,
                    IndexCrc = Crc32C.Of(data.AsSpan(0, indexPacked)),
                    LinesCrc = Crc32C.Of(data.AsSpan(indexPacked, linesPacked)),
                    FilterCrc = Crc32C.Of(data.AsSpan(indexPacked + linesPacked)),
                };
                return new BlockRef(header, new MemoryBlockSource(data)) { LinesChecked = true };
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(packed);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(lines);
            ArrayPool<int>.Shared.Return(ends);
            if (filter is not null) ArrayPool<byte>.Shared.Return(filter);
        }
    }

    private static void WriteIndex(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> index)
    {
        long last = entries[0].TimestampNs;
        foreach (ref readonly var entry in entries)
        {
            Varints.Write(index, (ulong)(entry.TimestampNs - last));
            last = entry.TimestampNs;
        }
        foreach (ref readonly var entry in entries) Varints.Write(index, (ulong)entry.LineLength);
        var dictionary = new Dictionary<byte[], int>(ByteKeys.Instance);
        var lookup = dictionary.GetAlternateLookup<ReadOnlySpan<byte>>();
        var values = new List<byte[]>();
        foreach (ref readonly var entry in entries)
        {
            if (entry.MetadataLength == 0) continue;
            var metadata = bytes.Slice(entry.LineAt + entry.LineLength, entry.MetadataLength);
            if (lookup.ContainsKey(metadata)) continue;
            byte[] kept = metadata.ToArray();
            values.Add(kept);
            dictionary[kept] = values.Count;
        }
        Varints.Write(index, (ulong)values.Count);
        if (values.Count == 0) return;
        foreach (byte[] value in values)
        {
            Varints.Write(index, (ulong)value.Length);
            index.Write(value);
        }
        foreach (ref readonly var entry in entries)
        {
            var metadata = bytes.Slice(entry.LineAt + entry.LineLength, entry.MetadataLength);
            Varints.Write(index, metadata.IsEmpty ? 0 : (ulong)lookup[metadata]);
        }
    }
}
