using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>Sizes of a stream, from headers alone.</summary>
internal static class StreamVolume
{
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
