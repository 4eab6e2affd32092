using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Reading;

/// <summary>Finds out whether blocks of a stream have entries in common.</summary>
internal static class SharedEntries
{
    /// <summary>A block that overlaps more than so many others is not looked into: that would take longer than it spares.</summary>
    private const int OverlapsMax = 4;

    /// <summary>Whether none of a block's entries is in any of the others. False where that is not looked into.</summary>
    public static bool None(BlockRef block, IReadOnlyList<BlockRef> others)
    {
        List<BlockRef> overlapping = [.. others.Where(o => o.Header.MinNs <= block.Header.MaxNs && o.Header.MaxNs >= block.Header.MinNs).Take(OverlapsMax + 1)];
        return overlapping.Count <= OverlapsMax && !overlapping.Exists(o => Any(block, o));
    }

    /// <summary>True also where one of the blocks cannot be read.</summary>
    private static bool Any(BlockRef one, BlockRef other)
    {
        bool damaged = false;
        var selection = new LogSelection
        {
            Matchers = [],
            StartNs = Math.Max(one.Header.MinNs, other.Header.MinNs),
            EndNs = Math.Min(one.Header.MaxNs, other.Header.MaxNs) + 1,
        };
        var context = new ReadContext(selection, [], (_, _, _) => damaged = true, CancellationToken.None);
        using var a = new BlockEntries(one, Labels.Empty, context);
        using var b = new BlockEntries(other, Labels.Empty, context);
        using var entry = new PooledBuffer();
        var atThisTime = new HashSet<byte[]>(ByteKeys.Instance);
        bool moreA = a.Next(), moreB = b.Next();
        while (moreA && moreB)
        {
            if (a.TimestampNs < b.TimestampNs)
            {
                moreA = a.Next();
                continue;
            }
            if (a.TimestampNs > b.TimestampNs)
            {
                moreB = b.Next();
                continue;
            }
            // Lines are read only where both have entries of one time.
            long time = a.TimestampNs;
            atThisTime.Clear();
            do atThisTime.Add(Bytes(a, entry).ToArray());
            while ((moreA = a.Next()) && a.TimestampNs == time);
            do
            {
                if (atThisTime.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(Bytes(b, entry))) return true;
            }
            while ((moreB = b.Next()) && b.TimestampNs == time);
        }
        return damaged;
    }

    private static ReadOnlySpan<byte> Bytes(BlockEntries source, PooledBuffer entry)
    {
        entry.Clear();
        Varints.Write(entry, (ulong)source.Line.Length);
        entry.Append(source.Line);
        entry.Append(source.Metadata);
        return entry.Span;
    }
}
