using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Streams;

/// <summary>An entry of an open block; its metadata follows its line.</summary>
internal readonly record struct HeadEntry(long TimestampNs, int LineAt, int LineLength, int MetadataLength);

/// <summary>A view of an open block that later appends leave alone. Entries are in the order of arrival unless <see cref="Sorted"/>.</summary>
internal readonly record struct HeadSnapshot(byte[] Bytes, HeadEntry[] Entries, int Count, bool Sorted, long MinNs, long MaxNs)
{
    /// <summary>The entries by time, those of one time in the order of arrival.</summary>
    public HeadEntry[] ByTime()
    {
        if (Sorted) return Entries;
        var sorted = Entries.AsSpan(0, Count).ToArray();
        // Offsets grow with arrival, so they make the order stable.
        Array.Sort(sorted, static (a, b) => a.TimestampNs != b.TimestampNs ? a.TimestampNs.CompareTo(b.TimestampNs) : a.LineAt.CompareTo(b.LineAt));
        return sorted;
    }
}

/// <summary>
/// The open block of a stream: entries as they come, in memory. Its stream's lock guards writes;
/// written bytes and entries never change, so a snapshot can be read without the lock.
/// </summary>
internal sealed class HeadBlock
{
    private const int TailScan = 16;

    private byte[] bytes = [];
    private HeadEntry[] entries = [];
    private HashSet<ulong>? seen;
    private int used;
    private int count;
    private bool sorted = true;

    public int Bytes => used;

    public int Count => count;

    public long MinNs { get; private set; } = long.MaxValue;

    public long MaxNs { get; private set; } = long.MinValue;

    public HeadSnapshot Snapshot() => new(bytes, entries, count, sorted, MinNs, MaxNs);

    /// <summary>Appends; false where the very same entry is here already.</summary>
    public bool Append(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        if (count > 0 && timestampNs <= MaxNs && Holds(timestampNs, line, metadata)) return false;
        int size = line.Length + metadata.Length;
        if (used + size > bytes.Length) Array.Resize(ref bytes, Math.Max(used + size, bytes.Length * 2));
        if (count == entries.Length) Array.Resize(ref entries, Math.Max(2, count * 2));
        line.CopyTo(bytes.AsSpan(used));
        metadata.CopyTo(bytes.AsSpan(used + line.Length));
        entries[count] = new HeadEntry(timestampNs, used, line.Length, metadata.Length);
        used += size;
        count++;
        if (timestampNs < MaxNs) sorted = false;
        MinNs = Math.Min(MinNs, timestampNs);
        MaxNs = Math.Max(MaxNs, timestampNs);
        seen?.Add(Hash(timestampNs, line, metadata));
        return true;
    }

    /// <summary>Packs all entries, a block per UTC day.</summary>
    public List<BlockRef> Seal(int level)
    {
        var blocks = new List<BlockRef>();
        var snapshot = Snapshot();
        var byTime = snapshot.ByTime();
        for (int from = 0; from < count;)
        {
            long nextDay = UtcDays.EndOf(byTime[from].TimestampNs);
            int to = from + 1;
            while (to < count && byTime[to].TimestampNs < nextDay) to++;
            blocks.Add(BlockWriter.OfThread.Write(byTime.AsSpan(from, to - from), snapshot.Bytes.AsSpan(0, used), level));
            from = to;
        }
        return blocks;
    }

    private bool Holds(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        if (seen is null)
        {
            // Mostly the newest entries share a timestamp and a look at the last few settles it.
            int i = count - 1;
            if (sorted)
            {
                int stop = Math.Max(0, count - TailScan);
                for (; i >= stop; i--)
                {
                    if (entries[i].TimestampNs < timestampNs) return false;
                    if (Same(entries[i], timestampNs, line, metadata)) return true;
                }
                if (i < 0) return false;
            }
            seen = new HashSet<ulong>(count * 2);
            foreach (ref readonly var entry in entries.AsSpan(0, count))
            {
                seen.Add(Hash(entry.TimestampNs, bytes.AsSpan(entry.LineAt, entry.LineLength), bytes.AsSpan(entry.LineAt + entry.LineLength, entry.MetadataLength)));
            }
        }
        if (!seen.Contains(Hash(timestampNs, line, metadata))) return false;
        foreach (ref readonly var entry in entries.AsSpan(0, count))
        {
            if (Same(entry, timestampNs, line, metadata)) return true;
        }
        return false;
    }

    private bool Same(in HeadEntry entry, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata) =>
        entry.TimestampNs == timestampNs
        && line.SequenceEqual(bytes.AsSpan(entry.LineAt, entry.LineLength))
        && metadata.SequenceEqual(bytes.AsSpan(entry.LineAt + entry.LineLength, entry.MetadataLength));

    private static ulong Hash(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata) =>
        LabelCodec.Hash(line) ^ (LabelCodec.Hash(metadata) * 3) ^ ((ulong)timestampNs * 0x9E3779B97F4A7C15);
}
