using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Tools;

/// <summary>What a block is made of: where its series, its churn and its bytes come from. Lists are sorted, largest first.</summary>
public sealed record BlockAnalysis
{
    public required BlockStatus Block { get; init; }

    /// <summary>Series that matched, and of those that do not span the block's time: the time that they do not cover, in block lengths.</summary>
    public required long Series { get; init; }
    public required int LabelNames { get; init; }

    /// <summary>Different label pairs, and label pairs of all series together.</summary>
    public required long Postings { get; init; }
    public required long PostingEntries { get; init; }

    /// <summary>Chunks, samples and bytes by encoding.</summary>
    public required IReadOnlyList<EncodingCount> Encodings { get; init; }

    /// <summary>Label pairs and label names by the series that came and went: each counts for the part of the block's time in which it had no samples.</summary>
    public required IReadOnlyList<NamedCount> ChurnByPair { get; init; }
    public required IReadOnlyList<NamedCount> ChurnByName { get; init; }

    public required IReadOnlyList<NamedCount> SeriesByPair { get; init; }

    /// <summary>Label names by the bytes of all their values together.</summary>
    public required IReadOnlyList<NamedCount> ValueBytesByName { get; init; }
    public required IReadOnlyList<NamedCount> ValuesByName { get; init; }
    public required IReadOnlyList<NamedCount> SeriesByMetric { get; init; }

    internal static BlockAnalysis Of(IBlock block, BlockStatus status, IReadOnlyList<Matcher> matchers, int limit, CancellationToken cancel)
    {
        double blockMs = block.Meta.EndMs - block.Meta.MinMs;
        var pairs = new Dictionary<string, (long Series, double Uncovered)>(StringComparer.Ordinal);
        var names = new Dictionary<string, (HashSet<string> Values, double Uncovered)>(StringComparer.Ordinal);
        var metrics = new Dictionary<string, (long Series, double Uncovered)>(StringComparer.Ordinal);
        var encodings = new SortedDictionary<ChunkEncoding, EncodingCount>();
        var chunks = new List<ChunkToWrite>();
        long series = 0, entries = 0;
        foreach (var one in block.Select(matchers, TimeRange.All, cancel))
        {
            series++;
            double uncovered = (blockMs - (one.MaxMs - one.MinMs)) / blockMs;
            foreach (var (name, value) in one.Labels)
            {
                entries++;
                Count(pairs, $"{name}={value}", uncovered);
                if (!names.TryGetValue(name, out var of)) of = ([], 0);
                of.Values.Add(value);
                names[name] = (of.Values, of.Uncovered + uncovered);
                if (name == Labels.MetricName) Count(metrics, value, uncovered);
            }
            chunks.Clear();
            block.ReadChunks(one.Number, chunks, out _);
            foreach (var chunk in chunks)
            {
                var before = encodings.GetValueOrDefault(chunk.Encoding, new EncodingCount(chunk.Encoding.ToString(), 0, 0, 0));
                encodings[chunk.Encoding] = before with
                {
                    Chunks = before.Chunks + 1,
                    Samples = before.Samples + ChunkReader.Count(chunk.Data.Span),
                    Bytes = before.Bytes + chunk.Data.Length,
                };
            }
        }
        return new BlockAnalysis
        {
            Block = status,
            Series = series,
            LabelNames = names.Count,
            Postings = pairs.Count,
            PostingEntries = entries,
            Encodings = [.. encodings.Values],
            ChurnByPair = Top(pairs, p => (long)p.Uncovered, limit),
            ChurnByName = Top(names, n => (long)n.Uncovered, limit),
            SeriesByPair = Top(pairs, p => p.Series, limit),
            ValueBytesByName = Top(names, n => n.Values.Sum(v => (long)System.Text.Encoding.UTF8.GetByteCount(v)), limit),
            ValuesByName = Top(names, n => n.Values.Count, limit),
            SeriesByMetric = Top(metrics, m => m.Series, limit),
        };
    }

    private static void Count(Dictionary<string, (long Series, double Uncovered)> counts, string name, double uncovered)
    {
        var before = counts.GetValueOrDefault(name);
        counts[name] = (before.Series + 1, before.Uncovered + uncovered);
    }

    private static List<NamedCount> Top<T>(Dictionary<string, T> counts, Func<T, long> number, int limit) =>
        [.. counts.Select(c => new NamedCount(c.Key, number(c.Value))).Where(c => c.Value > 0)
            .OrderByDescending(c => c.Value).ThenBy(c => c.Name, StringComparer.Ordinal).Take(limit)];
}

/// <summary>Chunks of one encoding in a block.</summary>
public sealed record EncodingCount(string Encoding, long Chunks, long Samples, long Bytes);
