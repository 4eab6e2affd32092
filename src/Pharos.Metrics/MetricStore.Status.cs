using System.Text;
using Pharos.Core;
using Pharos.Metrics.Head;

namespace Pharos.Metrics;

/// <summary>Numbers about the store for its operators.</summary>
public sealed partial class MetricStore
{
    /// <summary>Series in a tenant's head.</summary>
    public long SeriesCount(TenantId tenant)
    {
        return tenants.TryGetValue(tenant, out var store) ? store.Head.Table.Count : 0;
    }

    /// <param name="limit">Longest list; Prometheus's default is 10.</param>
    public TsdbStatus Status(TenantId tenant, int limit = 10)
    {
        var head = tenants.TryGetValue(tenant, out var store) ? store.Head : null;
        var lists = head is null ? ([], [], [], []) : Lists(head.Index, limit);
        return Status(head, lists);
    }

    /// <summary>The tenant's blocks, oldest first.</summary>
    public IReadOnlyList<BlockStatus> BlockList(TenantId tenant)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        return [.. store.Blocks.Current.Select(b => new BlockStatus(
            b.Meta.Id, b.Meta.MinMs, b.Meta.EndMs, b.Meta.Level, b.Meta.Series, b.Meta.FloatSamples + b.Meta.HistogramSamples, b.Meta.Chunks, b.Bytes, b.Folder))];
    }

    private static TsdbStatus Status(
        TenantHead? head, (List<NamedCount> Metrics, List<NamedCount> Values, List<NamedCount> Memory, List<NamedCount> Pairs) lists) => new()
        {
            SeriesCount = head?.Table.Count ?? 0,
            LabelPairCount = head?.Index.PairCount ?? 0,
            ChunkCount = head?.ChunkCount ?? 0,
            MinTimeMs = head?.MinMs ?? long.MaxValue,
            MaxTimeMs = head?.MaxMs ?? long.MinValue,
            SeriesCountByMetricName = lists.Metrics,
            LabelValueCountByLabelName = lists.Values,
            MemoryInBytesByLabelName = lists.Memory,
            SeriesCountByLabelValuePair = lists.Pairs,
        };

    private static (List<NamedCount>, List<NamedCount>, List<NamedCount>, List<NamedCount>) Lists(HeadIndex index, int limit)
    {
        var values = new Top(limit);
        var memory = new Top(limit);
        var pairs = new Top(limit);
        var metrics = new Top(limit);
        foreach (string name in index.Names())
        {
            long bytes = 0;
            int count = 0;
            foreach (var (value, series) in index.Counts(name))
            {
                bytes += (long)Encoding.UTF8.GetByteCount(value) * series;
                count++;
                if (pairs.Takes(series)) pairs.Add($"{name}={value}", series);
                if (name == Labels.MetricName) metrics.Add(value, series);
            }
            values.Add(name, count);
            memory.Add(name, bytes);
        }
        return (metrics.Sorted(), values.Sorted(), memory.Sorted(), pairs.Sorted());
    }

    /// <summary>Keeps the largest few.</summary>
    private sealed class Top(int limit)
    {
        private readonly PriorityQueue<string, long> kept = new();

        public bool Takes(long value) => kept.Count < limit || (kept.TryPeek(out _, out long least) && value > least);

        public void Add(string name, long value)
        {
            if (!Takes(value)) return;
            kept.Enqueue(name, value);
            if (kept.Count > limit) kept.Dequeue();
        }

        public List<NamedCount> Sorted() =>
            [.. kept.UnorderedItems.Select(i => new NamedCount(i.Element, i.Priority)).OrderByDescending(c => c.Value).ThenBy(c => c.Name, StringComparer.Ordinal)];
    }
}
