using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Ingest;

namespace Pharos.Logs.Reading;

/// <summary>All entries of a block from its header alone, those of a level as one. For readers that only count.</summary>
internal sealed class CountedBlock : EntrySource
{
    private readonly LevelCount[] counts;
    private int at = -1;

    private CountedBlock(BlockHeader header, LevelCount[] counts, ReadContext context) : base(context)
    {
        this.counts = counts;
        MinNs = header.MinNs;
        MaxNs = header.MaxNs;
    }

    public override ReadOnlySpan<byte> Line => throw new InvalidOperationException("entries that are only counted have no lines");

    public override int LineLength => counts[at].LineBytes;

    public override ReadOnlySpan<byte> Metadata => counts[at].Metadata;

    public override int Count => counts[at].Entries;

    /// <summary>Null where a section is more than one block, or the block's header does not say what the reader wants to know.</summary>
    public static CountedBlock? Of(in ReadSection section, ReadContext context)
    {
        var selection = context.Selection;
        if (selection.Counting is not { } windows || selection.MetadataNames is not { } names || selection.RequiredLiterals.Count > 0 || selection.RequiredFolded is not null || selection.RequiredExpression is not null) return null;
        if (section.Content is not { Heads.Length: 0, Blocks: [{ Header: var header } block] }) return null;
        if (header.MinNs < selection.StartNs || header.MaxNs >= selection.EndNs || !windows.AreSame(header.MinNs, header.MaxNs)) return null;
        if (context.Deletions.Count > 0 && HiddenEntries.Of(section.Labels, context.Deletions, selection.StartNs, selection.EndNs)?.MayTouch(header.MinNs, header.MaxNs) == true) return null;
        bool isLevelWanted = false;
        foreach (string name in names)
        {
            // A name that the stream has is its label, whatever an entry's metadata says.
            if (section.Labels.Has(name)) continue;
            if (name != LevelDetector.Label || header.Levels is null) return null;
            isLevelWanted = true;
        }
        LevelCount[] counts = isLevelWanted ? header.Levels! : [new LevelCount([], header.Entries, header.LineBytes)];
        var counted = new CountedBlock(header, counts, context) { InMemory = block.Source is MemoryBlockSource };
        counted.Counts.Chunks++;
        return counted;
    }

    public override bool Next()
    {
        if (++at >= counts.Length) return false;
        TimestampNs = MinNs;
        return true;
    }

    public override void Dispose()
    {
    }
}
