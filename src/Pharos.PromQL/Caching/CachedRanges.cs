using Pharos.Core;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Caching;

/// <summary>
/// Answers range queries from finished parts, by UTC day, and evaluates what is missing. A part is used only while the store says
/// that nothing it could have seen has changed since: late, out-of-order, back-filled and deleted samples make the days that see them be
/// evaluated again, and no others.
/// </summary>
internal sealed class CachedRanges(SizedCache<PartKey, Part> cache, IMetricChanges changes, TimeProvider time, Instruments instruments)
{
    private readonly Counter steps = instruments.Counter("pharos_query_range_steps_total", "Steps of range queries by where they came from.", "from");

    private const long DayMs = 86_400_000;

    /// <summary>Steps younger than this still change with every scrape and are not kept.</summary>
    private const long OpenMs = 120_000;

    /// <summary>In a key for a day, tells of a query in which something was found: what it finds is to be known day by day.</summary>
    private const long Noted = long.MinValue;

    /// <summary>The answer, or null where the query cannot be taken apart.</summary>
    /// <param name="evaluate">Evaluates all steps of a grid.</param>
    public async ValueTask<QueryResult?> TryAnswerAsync(
        TenantId tenant, string query, Expr expr, Grid grid, long lookbackMs, Func<Grid, ValueTask<QueryResult>> evaluate)
    {
        if (grid.Count < 2 || expr.Type is not (ExprType.Vector or ExprType.Scalar) || Reach.Of(expr, lookbackMs) is not { } reach) return null;
        string text = expr.ToString();
        long phase = TimeRanges.Into(grid.StartMs, grid.StepMs);
        long closedMs = time.UnixMs() - OpenMs;
        var known = new List<MatrixSeries>();
        var findings = new List<Finding>();
        bool noted = cache.Find(Key(Noted)) is not null;
        var missing = new List<(int From, int To)>();
        bool reused = false;
        var kept = new List<(long Day, Part? Before, long FromMs, long ToMs, long Version)>();
        foreach (var (day, from, to) in Days(grid))
        {
            var part = cache.Find(Key(day));
            if (part is not null && (part.ToMs < grid.At(from) || part.FromMs > grid.At(to))) part = null;
            int closed = to;
            while (closed >= from && reach.LastMs(grid.At(closed)) > closedMs) closed--;
            long fromMs = Math.Min(grid.At(from), part?.FromMs ?? long.MaxValue), toMs = Math.Max(closed < from ? long.MinValue : grid.At(closed), part?.ToMs ?? long.MinValue);
            // Read before anything is evaluated, and before the part is found good: what changes later is seen to have changed.
            long version = fromMs <= toMs ? VersionOf(fromMs, toMs) : IMetricChanges.Unknown;
            if (part is not null
                && (version == IMetricChanges.Unknown || VersionOf(part.FromMs, part.ToMs) != part.Version || !part.Tells(query, new TimeRange(grid.At(from), grid.At(to)))))
            {
                part = null;
                (fromMs, toMs) = (grid.At(from), closed < from ? long.MinValue : grid.At(closed));
                version = fromMs <= toMs ? VersionOf(fromMs, toMs) : IMetricChanges.Unknown;
            }
            if (version != IMetricChanges.Unknown && (part is null || fromMs < part.FromMs || toMs > part.ToMs)) kept.Add((day, part, fromMs, toMs, version));
            if (part is null)
            {
                Miss(from, to, closed);
                continue;
            }
            reused = true;
            findings.AddRange(part.Findings.Where(f => f.ArisesIn(new TimeRange(grid.At(from), grid.At(to)), new TimeRange(part.FromMs, part.ToMs)) == true));
            int first = Math.Max(from, StepAt(part.FromMs)), last = Math.Min(to, StepAt(part.ToMs));
            known.AddRange(Between(part.Series, grid.At(first), grid.At(last)));
            if (first > from) Miss(from, first - 1, closed);
            if (last < to) Miss(last + 1, to, closed);
        }
        int toEvaluate = missing.Sum(m => m.To - m.From + 1);
        steps.With("cache").Add(grid.Count - toEvaluate);
        steps.With("evaluation").Add(toEvaluate);
        QueryResult? only = null;
        var statistics = new QueryStatistics();
        var found = new List<(TimeRange Steps, IReadOnlyList<Finding> Findings)>();
        foreach (var (from, to) in missing)
        {
            only = await evaluate(new Grid(grid.At(from), grid.StepMs, to - from + 1)).ConfigureAwait(false);
            known.AddRange(only.Matrix);
            statistics = statistics.With(only.Statistics);
            if (only.Findings.Count == 0) continue;
            found.Add((new TimeRange(grid.At(from), grid.At(to)), only.Findings));
            findings.AddRange(only.Findings);
        }
        bool evaluated = missing.Count == 1 && !reused;
        var matrix = evaluated ? only!.Matrix : Joined(known);
        Keep();
        // A day at a time costs little where a step does not look back over many.
        if (found.Count > 0 && !noted && reach.BackMs + reach.AheadMs <= DayMs) cache.Put(Key(Noted), new Part(0, -1, 0, [], query, []), 200);
        if (evaluated) return only;
        var all = Finding.Join(findings);
        return new QueryResult
        {
            Type = QueryResultType.Matrix, Matrix = matrix, Statistics = statistics,
            Findings = all, Warnings = Finding.Texts(all, warnings: true, query), Infos = Finding.Texts(all, warnings: false, query),
        };

        long VersionOf(long fromMs, long toMs) => changes.VersionOf(tenant, reach.FirstMs(fromMs), reach.LastMs(toMs));

        PartKey Key(long day) => new(tenant, text, grid.StepMs, phase, lookbackMs, day);

        int StepAt(long ms) => (int)((ms - grid.StartMs) / grid.StepMs);

        void Miss(int from, int to, int closed)
        {
            if (noted && from <= closed && closed < to)
            {
                missing.Add((from, closed));
                missing.Add((closed + 1, to));
            }
            else if (noted)
            {
                missing.Add((from, to));
            }
            else if (missing.Count > 0 && missing[^1].To == from - 1) missing[^1] = (missing[^1].From, to);
            else missing.Add((from, to));
        }

        void Keep()
        {
            foreach (var (day, before, fromMs, toMs, version) in kept)
            {
                // Of a stretch that goes on beyond the part it is to be known that something was found on one side alone, or at every step.
                var steps = new TimeRange(fromMs, toMs);
                var around = found.Where(f => f.Steps.Overlaps(fromMs, toMs)).SelectMany(f => f.Findings.Select(one => (Finding: one, f.Steps))).ToList();
                if (around.Exists(f => !f.Finding.IsTold(steps, f.Steps))) continue;
                var here = around.Where(f => f.Finding.ArisesIn(steps, f.Steps) == true).Select(f => f.Finding);
                var series = Between(matrix, Math.Max(fromMs, grid.StartMs), Math.Min(toMs, grid.EndMs)).ToList();
                // They overlap: what the part before has beyond is still good.
                if (before is not null && before.FromMs < grid.StartMs) series.AddRange(Between(before.Series, before.FromMs, grid.StartMs - 1));
                if (before is not null && before.ToMs > grid.EndMs) series.AddRange(Between(before.Series, grid.EndMs + 1, before.ToMs));
                var said = Finding.Join([.. before?.Findings ?? [], .. here]);
                var part = new Part(fromMs, toMs, version, Joined(series), said.Count > 0 ? query : "", said);
                cache.Put(Key(day), part, part.Bytes);
            }
        }
    }

    /// <summary>Indexes of the grid's steps, by UTC day.</summary>
    private static IEnumerable<(long Day, int From, int To)> Days(Grid grid)
    {
        for (int from = 0; from < grid.Count;)
        {
            long day = TimeRanges.Number(grid.At(from), DayMs);
            int to = (int)Math.Min(grid.Count - 1, ((((day + 1) * DayMs) - 1 - grid.StartMs) / grid.StepMs));
            yield return (day, from, to);
            from = to + 1;
        }
    }

    /// <summary>The points of each series from one time to another, both inclusive; series without any are left out.</summary>
    private static IEnumerable<MatrixSeries> Between(IReadOnlyList<MatrixSeries> matrix, long fromMs, long toMs)
    {
        foreach (var series in matrix)
        {
            int from = 0, to = series.Timestamps.Count;
            while (from < to && series.Timestamps[from] < fromMs) from++;
            while (to > from && series.Timestamps[to - 1] > toMs) to--;
            if (from == to) continue;
            if (to - from == series.Timestamps.Count) yield return series;
            else
            {
                yield return new MatrixSeries(
                    series.Labels, [.. series.Timestamps.Skip(from).Take(to - from)], [.. series.Values.Skip(from).Take(to - from)],
                    series.Histograms is null ? null : [.. series.Histograms.Skip(from).Take(to - from)]);
            }
        }
    }

    /// <summary>Series with equal labels become one, in the order of time; the whole is sorted by labels.</summary>
    private static List<MatrixSeries> Joined(List<MatrixSeries> pieces)
    {
        var joined = new List<MatrixSeries>();
        foreach (var group in pieces.GroupBy(s => s.Labels, LabelsComparer.Instance))
        {
            var inOrder = group.OrderBy(s => s.Timestamps[0]).ToList();
            if (inOrder.Count == 1)
            {
                joined.Add(inOrder[0]);
                continue;
            }
            bool histograms = inOrder.Exists(s => s.Histograms is not null);
            joined.Add(new MatrixSeries(
                group.Key, [.. inOrder.SelectMany(s => s.Timestamps)], [.. inOrder.SelectMany(s => s.Values)],
                histograms ? [.. inOrder.SelectMany(s => s.Histograms ?? [.. s.Values.Select(_ => (Histogram?)null)])] : null));
        }
        joined.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return joined;
    }
}
