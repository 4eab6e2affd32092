using System.Globalization;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Upkeep;

/// <summary>Writes parts of one day anew as one: blocks of a stream in order of time and of good size, each entry once, without what is to go.</summary>
/// <param name="known">The mark that holds now.</param>
/// <param name="deletions">Deletions whose entries go for good.</param>
/// <param name="keepFromNs">For a stream the time before which its entries go.</param>
/// <param name="isAlone">No other part holds entries of the time of these.</param>
internal sealed class PartMerger(LogStoreOptions options, IndexCache cache, FlushMark known, IReadOnlyList<ActiveDeletion> deletions, Func<Labels, long> keepFromNs, bool isAlone)
{
    private long entriesBefore;
    private long entriesAfter;

    /// <summary>Whether what is to be sealed next has no entry in common with blocks of other parts.</summary>
    private bool distinct = true;

    /// <summary>Entries that were left out: deleted, too old, or there twice.</summary>
    public long Dropped => entriesBefore - entriesAfter;

    /// <summary>Where the new part is to be; null before <see cref="Write(IReadOnlyList{PartFile}, CancellationToken)"/>.</summary>
    public string? NewPath { get; private set; }

    /// <summary>Writes the new part, durable, beside the old ones. Null: nothing is left.</summary>
    /// <exception cref="InvalidDataException">A block cannot be read: the parts must stay as they are.</exception>
    public PartFile? Write(IReadOnlyList<PartFile> parts, CancellationToken cancel)
    {
        entriesBefore = entriesAfter = 0;
        long flush = parts.Max(p => p.Flush);
        string folder = Path.GetDirectoryName(parts[0].Path)!;
        NewPath = NextPath(folder, flush);
        using var writer = new PartWriter(options, cache, NewPath, flush, known, [.. parts.SelectMany(p => StillReplaced(p).Prepend(Path.GetFileName(p.Path)))]);
        foreach (var (labels, content) in new StreamSelection(parts, [], [], Fail).Read(long.MinValue, long.MaxValue))
        {
            cancel.ThrowIfCancellationRequested();
            Write(labels, [.. content.Blocks.OrderBy(b => b.Header.MinNs)], writer, cancel);
        }
        return writer.IsEmpty ? null : writer.Finish();
    }

    /// <summary>
    /// Names of the parts that a part replaced and whose files are still there. What replaces it replaces them too: else the first of these files
    /// that a start finds without it would count again, with all that was deleted since.
    /// </summary>
    public static IEnumerable<string> StillReplaced(PartFile part) => part.Replaces.Where(name => File.Exists(Path.Combine(Path.GetDirectoryName(part.Path)!, name)));

    /// <summary>The path of a new part. Its number is above all there are: a name that was used before may still be named as replaced.</summary>
    private static string NextPath(string folder, long sequence)
    {
        string start = $"{sequence:d12}-";
        int newest = Directory.GetFiles(folder, $"{start}*{PartFormat.Extension}")
            .Select(p => int.TryParse(Path.GetFileNameWithoutExtension(p).AsSpan(start.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0)
            .DefaultIfEmpty().Max();
        return Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{start}{newest + 1}{PartFormat.Extension}"));
    }

    private void Write(Labels labels, BlockRef[] blocks, PartWriter writer, CancellationToken cancel)
    {
        long keepFrom = keepFromNs(labels);
        var hidden = HiddenEntries.Of(labels, deletions, long.MinValue, long.MaxValue);
        var open = new HeadBlock();
        foreach (var block in blocks) entriesBefore += block.Header.Entries;
        for (int from = 0; from < blocks.Length;)
        {
            long maxNs = blocks[from].Header.MaxNs;
            int to = from + 1;
            while (to < blocks.Length && blocks[to].Header.MinNs <= maxNs) maxNs = Math.Max(maxNs, blocks[to++].Header.MaxNs);
            var group = blocks[from..to];
            if (Array.TrueForAll(group, b => MayStay(b.Header) && (group.Length == 1 || b.Header.Distinct)))
            {
                // Nothing to do but to copy them.
                Seal(labels, ref open, writer);
                foreach (var block in group) writer.Add(labels, block);
                entriesAfter += group.Sum(b => (long)b.Header.Entries);
            }
            else if (maxNs >= keepFrom)
            {
                Rewrite(labels, group, keepFrom, ref open, writer, cancel);
            }
            from = to;
        }
        Seal(labels, ref open, writer);

        bool MayStay(BlockHeader header) =>
            header.LineBytes + header.MetadataBytes >= options.BlockBytes / 2 && header.MinNs >= keepFrom && hidden?.MayTouch(header.MinNs, header.MaxNs) != true;
    }

    private void Rewrite(Labels labels, BlockRef[] blocks, long keepFrom, ref HeadBlock open, PartWriter writer, CancellationToken cancel)
    {
        bool areDistinct = Array.TrueForAll(blocks, b => b.Header.Distinct);
        var selection = new LogSelection { Matchers = [], StartNs = keepFrom, EndNs = long.MaxValue, Ordered = false };
        var context = new ReadContext(selection, deletions, Fail, cancel);
        using var entries = new StreamEntries(labels, new StreamSnapshot(blocks, []), context);
        while (entries.MoveNext())
        {
            var entry = entries.Current;
            if (open.Count > 0 && open.Bytes + entry.LineLength + entry.Metadata.Length > options.BlockBytes) Seal(labels, ref open, writer);
            distinct &= isAlone || areDistinct;
            open.Append(entry.TimestampNs, entry.Line, entry.Metadata);
        }
    }

    private static void Fail(PartFile part, Exception e) => throw new InvalidDataException($"the index of {part.Path} cannot be read: {e.Message}", e);

    private static void Fail(BlockRef block, Labels stream, Exception e) =>
        throw new InvalidDataException($"the block of {block.Source.Name} at offset {block.Header.Offset} for stream {stream} cannot be read: {e.Message}", e);

    private void Seal(Labels labels, ref HeadBlock open, PartWriter writer)
    {
        if (open.Count == 0) return;
        foreach (var block in open.Seal(options.CompressionLevel))
        {
            writer.Add(labels, block with { Header = block.Header with { Distinct = distinct } });
            entriesAfter += block.Header.Entries;
        }
        open.Release();
        open = new HeadBlock();
        distinct = true;
    }
}
