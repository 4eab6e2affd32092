using Pharos.Core;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Caching;

/// <summary>
/// Answers range queries from finished parts, by UTC day, and evaluates what is missing. A part is used only while the store says
/// that nothing it could have seen has changed since: late, out-of-order, back-filled and deleted samples make the days they touch,
/// and those after, be evaluated again.
/// </summary>
internal sealed class CachedRanges(SizedCache<PartKey, Part> cache, IMetricChanges changes, TimeProvider time, Instruments instruments)
{
    private readonly Counter steps = instruments.Counter("pharos_query_range_steps_total", "Steps of range queries by where they came from.", "from");

    private const long DayMs = 86_400_000;

    /// <summary>Steps younger than this still change with every scrape and are not kept.</summary>
    private const long OpenMs = 120_000;

    /// <summary>The answer, or null where the query cannot be taken apart.</summary>
    /// <param name="evaluate">Evaluates all steps of a grid.</param>
    public async ValueTask<QueryResult?> TryAnswerAsync(
        TenantId tenant, Expr expr, Grid grid, long lookbackMs, Func<Grid, ValueTask<QueryResult>> evaluate)
    {
        if (grid.Count < 2 || expr.Type is not (ExprType.Vector or ExprType.Scalar) || Reach.Of(expr, lookbackMs) is not { } reach) return null;
        string text = expr.ToString();
        long phase = Mod(grid.StartMs, grid.StepMs);
        // Read before anything is looked up or evaluated: what changes later is seen to have changed.
        var days = Days(grid).Select(d => (d.Day, d.From, d.To, Version: changes.VersionAt(tenant, reach.LastMs(grid.At(d.To))))).ToList();
        var known = new List<MatrixSeries>();
        var missing = new List<(int From, int To)>();
        var before = new Dictionary<long, Part>();
        foreach (var (day, from, to, _) in days)
        {
            var part = cache.Find(Key(day));
            if (part is null || !IsGood(part) || part.ToMs < grid.At(from) || part.FromMs > grid.At(to))
            {
                Miss(from, to);
                continue;
            }
            before.Add(day, part);
            int first = Math.Max(from, StepAt(part.FromMs)), last = Math.Min(to, StepAt(part.ToMs));
            known.AddRange(Between(part.Series, grid.At(first), grid.At(last)));
            if (first > from) Miss(from, first - 1);
            if (last < to) Miss(last + 1, to);
        }
        int toEvaluate = missing.Sum(m => m.To - m.From + 1);
        steps.With("cache").Add(grid.Count - toEvaluate);
        steps.With("evaluation").Add(toEvaluate);
        QueryResult? only = null;
        bool plain = true;
        foreach (var (from, to) in missing)
        {
            var evaluated = await evaluate(new Grid(grid.At(from), grid.StepMs, to - from + 1)).ConfigureAwait(false);
            plain &= evaluated.Warnings.Count == 0 && evaluated.Infos.Count == 0;
            // What the evaluation found fault with is said about the whole: then the whole is evaluated.
            if (!plain) return missing.Count == 1 && to - from + 1 == grid.Count ? evaluated : null;
            known.AddRange(evaluated.Matrix);
            only = evaluated;
        }
        var matrix = missing.Count == 1 && before.Count == 0 ? only!.Matrix : Joined(known);
        Keep();
        return missing.Count == 1 && before.Count == 0 ? only : new QueryResult { Type = QueryResultType.Matrix, Matrix = matrix, Statistics = only?.Statistics ?? new QueryStatistics() };

        bool IsGood(Part part) => part.Version != IMetricChanges.Unknown && part.Version == changes.VersionAt(tenant, part.LastMs);

        PartKey Key(long day) => new(tenant, text, grid.StepMs, phase, lookbackMs, day);

        int StepAt(long ms) => (int)((ms - grid.StartMs) / grid.StepMs);

        void Miss(int from, int to)
        {
            if (missing.Count > 0 && missing[^1].To == from - 1) missing[^1] = (missing[^1].From, to);
            else missing.Add((from, to));
        }

        void Keep()
        {
            long closedMs = time.UnixMs() - OpenMs;
            foreach (var (day, from, to, version) in days)
            {
                if (version == IMetricChanges.Unknown) continue;
                int last = to;
                while (last >= from && reach.LastMs(grid.At(last)) > closedMs) last--;
                if (last < from) continue;
                long fromMs = grid.At(from), toMs = grid.At(last);
                var old = before.GetValueOrDefault(day);
                if (old is not null && old.FromMs <= fromMs && old.ToMs >= toMs) continue;
                var series = Between(matrix, fromMs, toMs).ToList();
                if (old is not null)
                {
                    // They overlap: what the part before has beyond is still good.
                    if (old.FromMs < fromMs) series.AddRange(Between(old.Series, old.FromMs, fromMs - 1));
                    if (old.ToMs > toMs) series.AddRange(Between(old.Series, toMs + 1, old.ToMs));
                    (fromMs, toMs) = (Math.Min(fromMs, old.FromMs), Math.Max(toMs, old.ToMs));
                }
                long lastMs = reach.LastMs(toMs);
                // The version was read for the query's own last step of the day; a part that reaches further has its own.
                var kept = new Part(fromMs, toMs, lastMs, lastMs <= reach.LastMs(grid.At(to)) ? VersionFor(lastMs, version) : old!.Version, Joined(series));
                cache.Put(Key(day), kept, kept.Bytes);
            }
        }

        // Of an earlier time the version may be smaller, never larger, than that of the day's last step.
        long VersionFor(long lastMs, long atEnd) => Math.Min(atEnd, changes.VersionAt(tenant, lastMs));
    }

    /// <summary>Indexes of the grid's steps, by UTC day.</summary>
    private static IEnumerable<(long Day, int From, int To)> Days(Grid grid)
    {
        for (int from = 0; from < grid.Count;)
        {
            long day = FloorDiv(grid.At(from), DayMs);
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

    private static long Mod(long a, long b) => ((a % b) + b) % b;

    private static long FloorDiv(long a, long b) => (a - Mod(a, b)) / b;
}
