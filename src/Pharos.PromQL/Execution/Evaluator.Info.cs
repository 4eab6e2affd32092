using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>info(): labels of info metrics joined to the series that they describe.</content>
internal sealed partial class Evaluator
{
    private static readonly NameList IdentifyingLabels = new(["instance", "job"]);

    private IEnumerable<Column> Info(CallExpr call, Grid grid)
    {
        var selector = call.Arguments.Count > 1 ? (VectorSelector)call.Arguments[1].Unwrapped : null;
        var nameMatchers = selector?.Matchers.Where(m => m.Name == Labels.MetricName).ToArray() ?? [];
        var dataMatchers = selector?.Matchers.Where(m => m.Name != Labels.MetricName).ToArray() ?? [];
        var positiveNames = nameMatchers.Where(m => m.Op is MatchOp.Equal or MatchOp.Regex).ToArray();
        if (nameMatchers.Length == 0) nameMatchers = [new Matcher(MatchOp.Equal, Labels.MetricName, "target_info")];
        else if (positiveNames.Length == 0) nameMatchers = [.. nameMatchers, new Matcher(MatchOp.Regex, Labels.MetricName, ".+_info")];
        var wantedLabels = dataMatchers.Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
        bool mustMatch = dataMatchers.Any(m => !m.MatchesEmpty);
        var infos = InfoSeries(call, [.. nameMatchers, .. dataMatchers], grid);
        var results = new List<Column>();
        var byLabels = new Dictionary<Labels, Column>(LabelsComparer.Instance);
        foreach (var column in Vector(call.Arguments[0], grid))
        {
            // An info metric is not enriched by its like.
            string name = column.Labels.Name;
            if (name.Length > 0 && nameMatchers.All(m => m.Matches(name)))
            {
                Put(column, column.Labels);
                column.Dispose();
                continue;
            }
            infos.TryGetValue(LabelEditing.Filter(column.Labels, IdentifyingLabels, keep: true), out var candidates);
            Enrich(column, candidates, wantedLabels, mustMatch, grid, Put);
            column.Dispose();
        }
        return results;

        void Put(Column from, Labels labels)
        {
            var into = Into(labels, from);
            for (int i = 0; i < grid.Count; i++)
            {
                if (from.Has(i)) Copy(from, i, into);
            }
        }

        Column Into(Labels labels, Column from)
        {
            if (byLabels.TryGetValue(labels, out var into)) return into;
            into = new Column(labels, from.DropName, grid.Count, run.Memory);
            into.Values.Fill(Column.Absent);
            byLabels.Add(labels, into);
            results.Add(into);
            return into;
        }

        void Enrich(Column column, List<InfoColumn>? candidates, HashSet<string> wanted, bool must, Grid steps, Action<Column, Labels> put)
        {
            var builder = new LabelsBuilder();
            Labels? last = null;
            string lastKey = "";
            for (int i = 0; i < steps.Count; i++)
            {
                if (!column.Has(i)) continue;
                // Of one info metric the newest sample counts.
                var newest = new Dictionary<string, InfoColumn>(StringComparer.Ordinal);
                foreach (var candidate in candidates ?? [])
                {
                    if (!candidate.Column.Has(i)) continue;
                    if (candidate.Column.HistogramAt(i) is not null) throw run.Fail(call, "this should be an info metric, with float samples: " + candidate.Column.Labels);
                    if (!newest.TryGetValue(candidate.Name, out var known) || candidate.Times.Values[i] > known.Times.Values[i]) newest[candidate.Name] = candidate;
                    else if (candidate.Times.Values[i] == known.Times.Values[i])
                        throw run.Fail(call, $"found duplicate series for info metric: existing {known.Column.Labels}, new {candidate.Column.Labels}");
                }
                if (newest.Count == 0 && must) continue;
                string key = string.Join('\n', newest.Values.Select(c => c.Index));
                if (last is null || key != lastKey)
                {
                    lastKey = key;
                    builder.Reset(column.Labels);
                    var added = new Dictionary<string, string>(StringComparer.Ordinal);
                    foreach (var source in newest.Values)
                    {
                        foreach (var (name, value) in source.Column.Labels)
                        {
                            if (name is Labels.MetricName or "instance" or "job") continue;
                            if (wanted.Count > 0 && !wanted.Contains(name)) continue;
                            if (column.Labels.Has(name)) continue;
                            if (added.TryGetValue(name, out string? other) && other != value)
                                throw run.Fail(call, $"conflicting label: {name}: info metrics say both \"{other}\" and \"{value}\"");
                            added[name] = value;
                            builder.Set(name, value);
                        }
                    }
                    last = builder.ToLabels();
                }
                Copy(column, i, Into(last, column));
            }
        }

        static void Copy(Column from, int step, Column into)
        {
            if (from.HistogramAt(step) is { } histogram) into.Set(step, histogram);
            else into.Values[step] = from.Values[step];
        }
    }

    private sealed record InfoColumn(int Index, string Name, Column Column, Column Times);

    /// <summary>Info series by their identifying labels, read at the times at which the series that they describe are read.</summary>
    private Dictionary<Labels, List<InfoColumn>> InfoSeries(CallExpr call, Matcher[] matchers, Grid grid)
    {
        var byIdentity = new Dictionary<Labels, List<InfoColumn>>(LabelsComparer.Instance);
        var times = InfoTimes(call.Arguments[0], grid);
        var selector = new VectorSelector("", matchers) { Span = call.Span };
        var columns = Instant(selector, times, "info", timestamps: false).ToList();
        var stamps = Instant(selector, times, "info", timestamps: true).ToList();
        for (int i = 0; i < columns.Count; i++)
        {
            var key = LabelEditing.Filter(columns[i].Labels, IdentifyingLabels, keep: true);
            if (key.IsEmpty) continue;
            if (!byIdentity.TryGetValue(key, out var list)) byIdentity[key] = list = [];
            list.Add(new InfoColumn(i, columns[i].Labels.Name, columns[i], stamps[i]));
        }
        return byIdentity;
    }

    private Grid InfoTimes(Expr argument, Grid grid)
    {
        long offset = 0;
        var expr = argument;
        while (true)
        {
            switch (expr)
            {
                case TimedExpr timed:
                    if (timed.At != AtKind.None) return new Grid(PinMs(timed)!.Value - OffsetMs(timed) - offset - InnerOffset(timed), 0, grid.Count);
                    offset += OffsetMs(timed);
                    if (timed is SubqueryExpr subquery)
                    {
                        expr = subquery.Inner;
                        continue;
                    }
                    return grid with { StartMs = grid.StartMs - offset };
                case MatrixSelector matrix:
                    expr = matrix.Selector;
                    continue;
                default:
                    var next = expr.Children.FirstOrDefault(c => c.Type is ExprType.Vector or ExprType.Matrix);
                    if (next is null) return grid with { StartMs = grid.StartMs - offset };
                    expr = next;
                    continue;
            }
        }

        long InnerOffset(TimedExpr timed)
        {
            if (timed is not SubqueryExpr subquery) return 0;
            var selectors = PromQlLanguage.SelectorsOf(subquery.Inner);
            return selectors.Count == 0 || selectors[0].At != AtKind.None ? 0 : OffsetMs(selectors[0]);
        }
    }
}
