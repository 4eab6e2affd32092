using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Serving;

/// <summary>Names what may share finished steps: the query as printed, its step, where its steps fall, and a span of time.</summary>
internal readonly record struct MatrixKey(TenantId Tenant, string Query, long StepNs, long PhaseNs, long SpanNs, long Span);

/// <summary>All steps of a span.</summary>
/// <param name="Version">Of the lines that they see, read before they were evaluated.</param>
internal sealed record MatrixPart(long Version, IReadOnlyList<LogQlSeries> Series)
{
    public long Bytes { get; } = 200 + Series.Sum(s => 150L + s.Labels.Encoded.Length + (s.Points.Count * 16L));
}

/// <summary>
/// Answers metric queries over a range from finished spans and evaluates what is missing between them. A span is used only while the store
/// says that no line it could have seen came or went: late and deleted lines make the spans they touch be evaluated again, of queries that may see their streams, and no others.
/// </summary>
internal sealed class CachedMatrices(long bytesMax, ILogChanges changes)
{
    private const long HourNs = ILogChanges.GrainNs;

    /// <summary>A span holds about so many steps, at least an hour of them.</summary>
    private const int StepsPerSpan = 24;

    private readonly SizedCache<MatrixKey, MatrixPart> parts = new(bytesMax);

    public long BytesUsed => parts.BytesUsed;

    /// <param name="Whole">All steps that the span can have are asked for.</param>
    private readonly record struct Piece(long Span, long FromNs, long ToNs, bool Whole, long Version);

    /// <param name="evaluate">Evaluates all steps from one to another, both inclusive.</param>
    public LogQlResult Answer(TenantId tenant, MetricExpr expr, LogQlRangeQuery query, Func<long, long, LogQlResult> evaluate)
    {
        var ranges = ExprWalk.Ranges(expr).ToList();
        if (ranges.Count == 0 || ranges.Exists(r => ExprWalk.DependsOnNow(r.Log))) return evaluate(query.StartNs, query.EndNs);
        // A step sees lines from so long before it up to so long after it.
        long before = ranges.Max(r => r.RangeNs + r.OffsetNs), after = Math.Max(0, ranges.Max(r => -r.OffsetNs));
        long span = Math.Max(1, query.StepNs * StepsPerSpan / HourNs) * HourNs;
        string text = Formatter.Format(expr);
        var pieces = Pieces(tenant, ranges, query, span, before, after);
        var answer = new Joined();
        int requested = 0, found = 0, stored = 0;
        long bytesFound = 0, bytesStored = 0;
        for (int i = 0; i < pieces.Count;)
        {
            requested += pieces[i].Whole ? 1 : 0;
            if (Find(pieces[i]) is { } part)
            {
                found++;
                bytesFound += part.Bytes;
                answer.Add(part.Series);
                i++;
                continue;
            }
            int to = i + 1;
            for (; to < pieces.Count && Find(pieces[to]) is null; to++) requested += pieces[to].Whole ? 1 : 0;
            var evaluated = evaluate(pieces[i].FromNs, pieces[to - 1].ToNs);
            answer.Add(evaluated);
            for (; i < to; i++)
            {
                if (!pieces[i].Whole) continue;
                var finished = new MatrixPart(pieces[i].Version, Between(evaluated.Series, pieces[i].FromNs / 1_000_000, pieces[i].ToNs / 1_000_000));
                parts.Put(Key(pieces[i].Span), finished, finished.Bytes);
                stored++;
                bytesStored += finished.Bytes;
            }
        }
        var result = answer.Result();
        return result with
        {
            Statistics = result.Statistics with
            {
                Splits = pieces.Count,
                Cache = (requested, found, stored),
                CacheBytes = (bytesFound, bytesStored),
                CacheServed = TimeSpan.FromTicks(span / 100 * found),
            },
        };

        MatrixKey Key(long number) => new(tenant, text, query.StepNs, TimeRanges.Into(query.StartNs, query.StepNs), span, number);

        MatrixPart? Find(Piece piece) => piece.Whole && parts.Find(Key(piece.Span)) is { } part && part.Version == piece.Version ? part : null;
    }

    private List<Piece> Pieces(TenantId tenant, List<RangeExpr> ranges, LogQlRangeQuery query, long span, long before, long after)
    {
        var pieces = new List<Piece>();
        long last = query.StartNs + ((query.EndNs - query.StartNs) / query.StepNs * query.StepNs);
        for (long from = query.StartNs; from <= last;)
        {
            long number = TimeRanges.Number(from, span), end = (number + 1) * span;
            long to = Math.Min(last, from + ((end - 1 - from) / query.StepNs * query.StepNs));
            bool whole = from - query.StepNs < number * span && to + query.StepNs >= end;
            pieces.Add(new Piece(number, from, to, whole, whole ? ranges.Sum(r => changes.VersionOf(tenant, r.Log.Matchers, from - before, to + after + 1)) : 0));
            from = to + query.StepNs;
        }
        return pieces;
    }

    /// <summary>The points of each series from one time to another, both inclusive; series without any are left out.</summary>
    private static List<LogQlSeries> Between(IReadOnlyList<LogQlSeries> series, long fromMs, long toMs)
    {
        var kept = new List<LogQlSeries>();
        foreach (var one in series)
        {
            var points = one.Points.Where(p => p.TimestampMs >= fromMs && p.TimestampMs <= toMs).ToList();
            if (points.Count > 0) kept.Add(new LogQlSeries(one.Labels, points));
        }
        return kept;
    }

    /// <summary>Pieces in the order of time put together.</summary>
    private sealed class Joined
    {
        private readonly Dictionary<Labels, List<(long TimestampMs, double Value)>> series = [];
        private LogReadStatistics read;

        public void Add(LogQlResult evaluated)
        {
            Add(evaluated.Series);
            read += evaluated.Statistics.Read;
        }

        public void Add(IReadOnlyList<LogQlSeries> more)
        {
            foreach (var one in more)
            {
                if (!series.TryGetValue(one.Labels, out var points)) series[one.Labels] = points = [];
                points.AddRange(one.Points);
            }
        }

        public LogQlResult Result() => new()
        {
            Kind = LogQlResultKind.Matrix,
            Series = [.. series.Select(s => new LogQlSeries(s.Key, s.Value)).OrderBy(s => s.Labels)],
            Statistics = new LogQlStatistics(read, series.Count, default),
        };
    }
}
