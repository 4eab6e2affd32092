using Pharos.Core;
using Pharos.Logs.Blocks;
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

    /// <summary>Null where the header does not say what the reader wants to know.</summary>
    public static CountedBlock? Of(BlockHeader header, bool inMemory, Labels stream, ReadContext context)
    {
        var selection = context.Selection;
        if (selection.Counting is not { } windows || selection.MetadataNames is not { } names || selection.RequiredLiterals.Count > 0 || selection.RequiredFolded is not null || selection.RequiredExpression is not null) return null;
        if (header.MinNs < selection.StartNs || header.MaxNs >= selection.EndNs || !windows.AreSame(header.MinNs, header.MaxNs)) return null;
        // A name that the stream has is its label, whatever an entry's metadata says.
        var own = names.Where(n => !stream.Has(n)).ToList();
        if (own.Count == 0) return new CountedBlock(header, [new LevelCount([], header.Entries, header.LineBytes)], context) { InMemory = inMemory };
        return own.Count == 1 && own[0] == LevelDetector.Label && header.Levels is { } levels ? new CountedBlock(header, levels, context) { InMemory = inMemory } : null;
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
