using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>
/// What leaves a tenant's blocks with time: whole blocks over the limits of age and size, and samples of series that a rule keeps for shorter.
/// The latter are hidden by tombstones, a block range at a time; a rewrite of the block frees their bytes later.
/// </summary>
internal sealed class BlockRetention(TenantId tenant, BlockSet blocks, long blockRangeMs, MetricInstruments instruments, ILogger logger)
{
    /// <summary>The part of a block that must be deleted before it is rewritten to free the room.</summary>
    public const double ShareWorthCleaning = 0.05;

    // What was hidden already, so that a round without news searches nothing.
    private HashSet<(string Block, string Selector, long BelowMs)> hidden = [];

    /// <returns>Whether samples were hidden.</returns>
    /// <exception cref="IOException">Tombstones could not be written; the next round tries again.</exception>
    public bool Run(TenantLimits limits, long nowMs, CancellationToken cancel)
    {
        if (limits.MetricRetention > TimeSpan.Zero) DeleteOld(nowMs - (long)limits.MetricRetention.TotalMilliseconds);
        if (limits.MetricBytesMax > 0) DeleteOver(limits.MetricBytesMax);
        bool hid = false;
        var done = new HashSet<(string, string, long)>();
        foreach (var rule in limits.SeriesRetention)
        {
            long belowMs = TimeRanges.Floor(nowMs - (long)rule.Period.TotalMilliseconds, blockRangeMs);
            foreach (var block in blocks.Current.Where(b => b.Meta.MinMs < belowMs))
            {
                var key = (block.Meta.Id, rule.Selector, belowMs);
                if (!hidden.Contains(key)) hid |= Hide(block, rule, belowMs, cancel);
                done.Add(key);
            }
        }
        hidden = done;
        return hid;
    }

    private void DeleteOld(long belowMs)
    {
        var old = blocks.Current.Where(b => b.Meta.EndMs <= belowMs).ToList();
        if (old.Count == 0) return;
        instruments.TimeRetentions.Add(1);
        blocks.Change([], old, "older than the retention time");
    }

    /// <summary>Keeps the newest blocks that fit. The newest of all stays, however large.</summary>
    private void DeleteOver(long bytesMax)
    {
        long bytes = 0;
        var newestFirst = blocks.Current.OrderByDescending(b => b.Meta.EndMs).ToList();
        var over = newestFirst.Where((b, i) => (bytes += b.Bytes) > bytesMax && i > 0).ToList();
        if (over.Count == 0) return;
        instruments.SizeRetentions.Add(1);
        blocks.Change([], over, "blocks are over the size limit");
    }

    private bool Hide(IBlock block, SeriesRetention rule, long belowMs, CancellationToken cancel)
    {
        long maxMs = Math.Min(belowMs - 1, block.Meta.MaxMs);
        var gone = block.Select(rule.Matchers, new TimeRange(block.Meta.MinMs, maxMs), cancel)
            .ToDictionary(s => s.Number, _ => new TimeRange(block.Meta.MinMs, maxMs));
        if (gone.Count == 0) return false;
        block.Delete(gone);
        MetricsLog.SeriesRetained(logger, rule.Selector, tenant.Name, gone.Count, block.Meta.Id, belowMs);
        return true;
    }
}
