using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Streams;

/// <summary>An entry of a block that is not packed yet; its metadata follows its line.</summary>
/// <param name="LineAt">Place of the line in the block's bytes; in an open block see <see cref="HeadPages"/>.</param>
internal readonly record struct HeadEntry(long TimestampNs, int LineAt, int LineLength, int MetadataLength);

/// <summary>A view of an open block that later appends leave alone. Entries are in the order of arrival.</summary>
/// <param name="ByTime">Gives their order by time; null where they came in it.</param>
internal readonly record struct HeadSnapshot(HeadPages Pages, HeadEntry[] Entries, int Count, HeadOrder? ByTime, long MinNs, long MaxNs)
{
    /// <summary>Numbers of the entries by time, those of one time in the order of arrival; null where that is how they stand. Not to be changed.</summary>
    public int[]? Order() => ByTime?.Of(Entries.AsSpan(0, Count));
}

/// <summary>
/// The open block of a stream: entries as they come, in memory. Its stream's lock guards writes;
/// written bytes and entries never change, so a snapshot can be read without the lock. Its arrays come from pools, and go back to them
/// where no snapshot has them.
/// </summary>
internal sealed class HeadBlock
{
    private const int TailScan = 16;
    private const int PooledEntriesMin = 16;

    /// <summary>Stretches in order in which an entry is looked for that may have come before; with more, all entries are hashed.</summary>
    private const int RunsMax = 128;

    private readonly HeadPages pages = new();
    private HeadEntry[] entries = [];

    // By hash the numbers of entries, counted from 1: 0 is a free place. Empty until it is needed; at most half full.
    private int[] places = [];

    // Null while all entries are in order.
    private List<Run>? runs;

    // Made when somebody reads entries that are not in order.
    private HeadOrder? order;
    private int count;

    /// <summary>Whether a snapshot has the arrays of now.</summary>
    private bool shared;

    /// <summary>Of lines and metadata.</summary>
    public int Bytes { get; private set; }

    /// <summary>Memory that its entries take, bytes.</summary>
    public long MemoryBytes => pages.MemoryBytes + ((long)Unsafe.SizeOf<HeadEntry>() * entries.Length);

    public int Count => count;

    public long MinNs { get; private set; } = long.MaxValue;

    public long MaxNs { get; private set; } = long.MinValue;

    public HeadSnapshot Snapshot()
    {
        shared = true;
        if (runs is not null) order ??= new HeadOrder();
        return new HeadSnapshot(pages, entries, count, order, MinNs, MaxNs);
    }

    /// <summary>Appends; false where the very same entry is here already.</summary>
    public bool Append(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        if (count > 0 && timestampNs <= MaxNs && Holds(timestampNs, line, metadata)) return false;
        if (count == entries.Length) Grow();
        entries[count] = new HeadEntry(timestampNs, pages.Add(line, metadata, shared), line.Length, metadata.Length);
        Bytes += line.Length + metadata.Length;
        NoteRun(timestampNs);
        count++;
        MinNs = Math.Min(MinNs, timestampNs);
        MaxNs = Math.Max(MaxNs, timestampNs);
        if (places.Length > 0) NotePlace(Hash(timestampNs, line, metadata));
        return true;
    }

    /// <summary>Whether entries are of more than one UTC day.</summary>
    public bool HasSeveralDays => UtcDays.StartOf(MinNs) != UtcDays.StartOf(MaxNs);

    /// <summary>Entries in the order of arrival.</summary>
    public ReadOnlySpan<HeadEntry> Entries => entries.AsSpan(0, count);

    /// <summary>Packs all entries, a block per UTC day.</summary>
    public List<BlockRef> Seal(int level) => Seal(Entries, Bytes, level);

    /// <summary>Packs the entries of one UTC day; none where it has none of that day.</summary>
    /// <param name="dayNs">Its start.</param>
    public List<BlockRef> SealDay(long dayNs, int level)
    {
        if (!HasSeveralDays) return UtcDays.StartOf(MinNs) == dayNs ? Seal(level) : [];
        HeadEntry[] ofDay = Array.FindAll(Entries.ToArray(), e => UtcDays.StartOf(e.TimestampNs) == dayNs);
        return Seal(ofDay, ofDay.Sum(e => e.LineLength + e.MetadataLength), level);
    }

    private List<BlockRef> Seal(ReadOnlySpan<HeadEntry> wanted, int wantedBytes, int level)
    {
        var sorted = ArrayPool<HeadEntry>.Shared.Rent(wanted.Length);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(wantedBytes);
        int[] numbers = runs is null ? [] : ArrayPool<int>.Shared.Rent(wanted.Length);
        try
        {
            var byTime = sorted.AsSpan(0, wanted.Length);
            if (runs is not null) HeadOrder.Fill(wanted, numbers.AsSpan(0, wanted.Length));
            int at = 0;
            for (int i = 0; i < byTime.Length; i++)
            {
                var entry = wanted[runs is null ? i : numbers[i]];
                var text = pages.Slice(entry.LineAt, entry.LineLength + entry.MetadataLength);
                text.CopyTo(bytes.AsSpan(at));
                byTime[i] = entry with { LineAt = at };
                at += text.Length;
            }
            return Pack(byTime, bytes.AsSpan(0, at), level);
        }
        finally
        {
            ArrayPool<HeadEntry>.Shared.Return(sorted);
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<int>.Shared.Return(numbers);
        }
    }

    /// <summary>Gives up all entries; the block is not used any more.</summary>
    public void Release()
    {
        if (!shared)
        {
            pages.Release();
            Return(entries);
        }
        if (places.Length > 0) ArrayPool<int>.Shared.Return(places);
        (entries, places, count) = ([], [], 0);
    }

    private static List<BlockRef> Pack(ReadOnlySpan<HeadEntry> byTime, ReadOnlySpan<byte> bytes, int level)
    {
        var blocks = new List<BlockRef>();
        for (int from = 0; from < byTime.Length;)
        {
            long nextDay = UtcDays.EndOf(byTime[from].TimestampNs);
            int to = from + 1;
            while (to < byTime.Length && byTime[to].TimestampNs < nextDay) to++;
            blocks.Add(BlockWriter.Pack(byTime[from..to], bytes, level));
            from = to;
        }
        return blocks;
    }

    private bool Holds(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        if (places.Length == 0)
        {
            // Mostly the newest entries share a timestamp and a look at the last few settles it.
            int i = count - 1;
            if (runs is null)
            {
                int stop = Math.Max(0, count - TailScan);
                for (; i >= stop; i--)
                {
                    if (entries[i].TimestampNs < timestampNs) return false;
                    if (Same(entries[i], timestampNs, line, metadata)) return true;
                }
                if (i < 0) return false;
            }
            else if (runs.Count <= RunsMax && HoldsInRuns(timestampNs, line, metadata) is { } settled)
            {
                return settled;
            }
            FillPlaces();
        }
        int mask = places.Length - 1;
        for (int place = Hash(timestampNs, line, metadata) & mask; places[place] is > 0 and int number; place = (place + 1) & mask)
        {
            if (Same(entries[number - 1], timestampNs, line, metadata)) return true;
        }
        return false;
    }

    /// <summary>Notes the newest entry.</summary>
    private void NotePlace(int hash)
    {
        if (2 * count > places.Length)
        {
            FillPlaces();
            return;
        }
        int mask = places.Length - 1, place = hash & mask;
        while (places[place] != 0) place = (place + 1) & mask;
        places[place] = count;
    }

    /// <summary>Notes all entries, with room for as many again.</summary>
    private void FillPlaces()
    {
        if (places.Length > 0) ArrayPool<int>.Shared.Return(places);
        // What the pool gives here is a power of two.
        places = ArrayPool<int>.Shared.Rent((int)BitOperations.RoundUpToPowerOf2((uint)(4 * count)));
        Array.Clear(places);
        int mask = places.Length - 1;
        for (int i = 0; i < count; i++)
        {
            ref readonly var entry = ref entries[i];
            int place = Hash(entry.TimestampNs, pages.Line(entry), pages.Metadata(entry)) & mask;
            while (places[place] != 0) place = (place + 1) & mask;
            places[place] = i + 1;
        }
    }

    /// <summary>Null where so many entries have the timestamp that it takes a hash of all.</summary>
    private bool? HoldsInRuns(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        int end = count;
        for (int i = runs!.Count - 1; i >= 0; end = runs[i--].From)
        {
            var run = runs[i];
            if (timestampNs < run.MinNs || timestampNs > run.MaxNs) continue;
            int at = run.From + FirstFrom(entries.AsSpan(run.From, end - run.From), timestampNs);
            for (int stop = at + TailScan; at < end && entries[at].TimestampNs == timestampNs; at++)
            {
                if (at == stop) return null;
                if (Same(entries[at], timestampNs, line, metadata)) return true;
            }
        }
        return false;
    }

    /// <summary>The first of entries in order that is not before a time.</summary>
    private static int FirstFrom(ReadOnlySpan<HeadEntry> inOrder, long timestampNs)
    {
        int from = 0, to = inOrder.Length;
        while (from < to)
        {
            int middle = (from + to) >>> 1;
            if (inOrder[middle].TimestampNs < timestampNs) from = middle + 1;
            else to = middle;
        }
        return from;
    }

    /// <summary>An entry with this timestamp is about to be counted.</summary>
    private void NoteRun(long timestampNs)
    {
        if (count > 0 && timestampNs < entries[count - 1].TimestampNs)
        {
            runs ??= [new Run(0, MinNs, MaxNs)];
            runs.Add(new Run(count, timestampNs, timestampNs));
        }
        else if (runs is not null)
        {
            runs[^1] = runs[^1] with { MaxNs = timestampNs };
        }
    }

    private void Grow()
    {
        var old = entries;
        // Most streams of a million have a few entries: the least array of the pool would be too much for them.
        entries = count < PooledEntriesMin / 2 ? new HeadEntry[Math.Max(2, 2 * count)] : ArrayPool<HeadEntry>.Shared.Rent(2 * count);
        old.AsSpan(0, count).CopyTo(entries);
        if (!shared) Return(old);
    }

    private static void Return(HeadEntry[] entries)
    {
        if (entries.Length >= PooledEntriesMin) ArrayPool<HeadEntry>.Shared.Return(entries);
    }

    /// <summary>Entries in order, up to where the next run begins.</summary>
    private readonly record struct Run(int From, long MinNs, long MaxNs);

    private bool Same(in HeadEntry entry, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata) =>
        entry.TimestampNs == timestampNs
        && line.SequenceEqual(pages.Line(entry))
        && metadata.SequenceEqual(pages.Metadata(entry));

    /// <summary>Times are mostly round numbers, whose products differ in the upper half only.</summary>
    private static int Hash(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        ulong hash = LabelCodec.Hash(line) ^ (LabelCodec.Hash(metadata) * 3) ^ ((ulong)timestampNs * 0x9E3779B97F4A7C15);
        return (int)(hash ^ (hash >> 32));
    }
}
