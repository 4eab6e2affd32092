using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>Selects from several blocks: one series for all parts of equal labels.</summary>
internal static class BlockQuery
{
    /// <summary>Blocks that may have samples of a range, newest first: where two blocks have a sample of one time, the newer block's counts.</summary>
    public static List<IBlock> Overlapping(IEnumerable<IBlock> blocks, TimeRange range) =>
        [.. blocks.Where(b => range.Overlaps(b.Meta.MinMs, b.Meta.MaxMs)).OrderByDescending(b => b.Meta.Id, StringComparer.Ordinal)];

    /// <summary>Adds the matching series of the blocks. A block that cannot be searched is counted, logged and left out.</summary>
    /// <param name="found">Series from elsewhere, to which parts are added.</param>
    /// <param name="budget">Charged for each series and chunk; null for none.</param>
    /// <param name="all">The same series and the new ones, in no order.</param>
    public static void Add(
        IEnumerable<IBlock> blocks, IReadOnlyList<Matcher> matchers, TimeRange range, Dictionary<Labels, MergedSeries> found, List<ISeries> all,
        QueryBudget? budget, InstrumentCell damaged, ILogger logger, CancellationToken cancel)
    {
        Each(blocks, damaged, logger, block =>
        {
            foreach (var series in block.Select(matchers, range, cancel))
            {
                if (!found.TryGetValue(series.Labels, out var merged))
                {
                    found[series.Labels] = merged = new MergedSeries(series.Labels);
                    all.Add(merged);
                    budget?.Take(1, 0, 0);
                }
                merged.Add(new BlockPart(block, series));
                budget?.Take(0, series.Chunks, budget.CountsBytes ? block.ChunkBytes(series.Number, range) : 0);
            }
        });
    }

    /// <summary>Values of a label in the blocks, where matchers are given on series that match and have samples in the range. A block that cannot be searched is counted, logged and left out.</summary>
    public static Utf8Texts Values(
        IEnumerable<IBlock> blocks, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, InstrumentCell damaged, ILogger logger, CancellationToken cancel)
    {
        var values = Utf8Texts.Empty;
        Each(blocks, damaged, logger, block =>
        {
            if (matcherSets.Count == 0) values = Utf8Texts.Merge(values, block.Values(name));
            foreach (var matchers in matcherSets) values = Utf8Texts.Merge(values, block.Values(name, matchers, range, cancel));
        });
        return values;
    }

    private static void Each(IEnumerable<IBlock> blocks, InstrumentCell damaged, ILogger logger, Action<IBlock> read)
    {
        foreach (var block in blocks)
        {
            try
            {
                read(block);
            }
            catch (Exception wrong) when (wrong is CorruptBlockException or InvalidDataException)
            {
                damaged.Add(1);
                MetricsLog.DamagedBlock(logger, block.Folder, wrong.Message);
            }
        }
    }
}
