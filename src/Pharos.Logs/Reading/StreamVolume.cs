using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>Sizes of a stream, from headers alone.</summary>
internal static class StreamVolume
{
    /// <summary>Bytes for each step of a range that has any: what <see cref="Of"/> gives for the step alone.</summary>
    public static List<(int Step, long Bytes)> BySteps(Labels labels, in StreamSnapshot content, IReadOnlyList<ActiveDeletion> deletions, long startNs, long endNs, long stepNs)
    {
        // Where nothing of the stream is, no step needs a look.
        long minNs = Math.Max(startNs, Math.Min(content.Blocks.Select(b => b.Header.MinNs).DefaultIfEmpty(long.MaxValue).Min(), content.Heads.Select(h => h.MinNs).DefaultIfEmpty(long.MaxValue).Min()));
        long maxNs = Math.Min(endNs - 1, Math.Max(content.Blocks.Select(b => b.Header.MaxNs).DefaultIfEmpty(long.MinValue).Max(), content.Heads.Select(h => h.MaxNs).DefaultIfEmpty(long.MinValue).Max()));
        var steps = new List<(int, long)>();
        for (long step = (minNs - startNs) / stepNs; minNs <= maxNs && step <= (maxNs - startNs) / stepNs; step++)
        {
            long from = startNs + (step * stepNs);
            var volume = Of(labels, content, deletions, from, Math.Min(endNs, from + stepNs));
            if (volume.Entries > 0) steps.Add(((int)step, volume.Bytes));
        }
        return steps;
    }

    public static LogVolume Of(Labels labels, in StreamSnapshot content, IReadOnlyList<ActiveDeletion> deletions, long startNs, long endNs)
    {
        var hidden = HiddenEntries.Of(labels, deletions, startNs, endNs);
        long chunks = 0, entries = 0, bytes = 0;
        foreach (var head in content.Heads)
        {
            long before = entries;
            foreach (ref readonly var entry in head.Entries.AsSpan(0, head.Count))
            {
                if (entry.TimestampNs < startNs || entry.TimestampNs >= endNs || hidden?.Covers(entry.TimestampNs, entry.TimestampNs) == true) continue;
                entries++;
                bytes += entry.LineLength + entry.MetadataLength;
            }
            if (entries > before) chunks++;
        }
        foreach (var block in content.Blocks)
        {
            var header = block.Header;
            if (!header.Overlaps(startNs, endNs) || hidden?.Covers(Math.Max(header.MinNs, startNs), Math.Min(header.MaxNs, endNs - 1)) == true) continue;
            chunks++;
            // A block that lies partly in the range counts with that part of its span.
            double share = header.MinNs >= startNs && header.MaxNs < endNs
                ? 1
                : (Math.Min(header.MaxNs, endNs - 1) - Math.Max(header.MinNs, startNs) + 1.0) / (header.MaxNs - header.MinNs + 1.0);
            entries += Math.Max(1, (long)Math.Round(header.Entries * share));
            bytes += Math.Max(1, (long)Math.Round((header.LineBytes + header.MetadataBytes) * share));
        }
        return new LogVolume(entries > 0 ? 1 : 0, chunks, entries, bytes);
    }
}
