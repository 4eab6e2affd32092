using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>Is shown streams of a part's index and their blocks without objects being made of them.</summary>
internal abstract class PageVisitor
{
    /// <param name="labels">Canonical bytes.</param>
    /// <returns>False: the stream's blocks are of no interest.</returns>
    public abstract bool Begin(ReadOnlySpan<byte> labels);

    /// <summary>A block of the stream that began last.</summary>
    /// <returns>False: the block itself is wanted.</returns>
    public abstract bool Visit(in HeaderSummary header);

    /// <summary>A block that was wanted.</summary>
    /// <param name="labels">Canonical bytes of its stream.</param>
    public abstract void Take(ReadOnlySpan<byte> labels, BlockRef block);
}
