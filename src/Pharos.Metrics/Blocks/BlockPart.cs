using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>What a block holds of a series, for a query.</summary>
internal sealed class BlockPart(IBlock block, BlockSeries series) : ISeriesPart
{
    public long MinMs => series.MinMs;
    public long MaxMs => series.MaxMs;

    public void Read(TimeRange range, SampleColumns into) => block.Read(series.Number, range, into);
}
