using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>A stretch of a stream's time that can be read by itself: no block outside it overlaps it.</summary>
/// <param name="Number">By stream, then time.</param>
internal readonly record struct ReadSection(int Number, Labels Labels, StreamSnapshot Content)
{
    /// <summary>Cuts what a selection touches of a stream into sections.</summary>
    public static void Cut(Labels labels, in StreamSnapshot stream, LogSelection selection, List<ReadSection> into)
    {
        var pieces = new List<(long MinNs, long MaxNs, BlockRef? Block, bool IsPart, HeadSnapshot Head, bool IsFrozen)>(stream.Parts.Length + stream.Memory.Length + 2);
        foreach (var block in stream.Parts)
        {
            if (block.Header.Overlaps(selection.StartNs, selection.EndNs)) pieces.Add((block.Header.MinNs, block.Header.MaxNs, block, true, default, false));
        }
        foreach (var block in stream.Memory)
        {
            if (block.Header.Overlaps(selection.StartNs, selection.EndNs)) pieces.Add((block.Header.MinNs, block.Header.MaxNs, block, false, default, false));
        }
        foreach (var (head, isFrozen) in new[] { (stream.Frozen, true), (stream.Head, false) })
        {
            if (head.Count > 0 && head.MinNs < selection.EndNs && head.MaxNs >= selection.StartNs) pieces.Add((head.MinNs, head.MaxNs, null, false, head, isFrozen));
        }
        // Stable: blocks of one time stay in the order of writing.
        var sorted = pieces.OrderBy(p => p.MinNs).ToList();
        for (int from = 0; from < sorted.Count;)
        {
            long maxNs = sorted[from].MaxNs;
            int to = from + 1;
            while (to < sorted.Count && sorted[to].MinNs <= maxNs) maxNs = Math.Max(maxNs, sorted[to++].MaxNs);
            var group = sorted.GetRange(from, to - from);
            into.Add(new ReadSection(into.Count, labels, new StreamSnapshot(
                group.Find(p => p.Block is null && !p.IsFrozen).Head, group.Find(p => p.IsFrozen).Head,
                [.. group.Where(p => p.Block is not null && !p.IsPart).Select(p => p.Block!)], [.. group.Where(p => p.IsPart).Select(p => p.Block!)])));
            from = to;
        }
    }
}
