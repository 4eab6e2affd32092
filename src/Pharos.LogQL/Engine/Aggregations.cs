using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Aggregations over the series of a step.</summary>
internal static class Aggregations
{
    public static StepMatrix Evaluate(VectorAggregation syntax, StepMatrix inner, Steps steps)
    {
        if (inner.Scalar is { } scalar) inner = Constant(scalar, steps);
        return syntax.Op switch
        {
            "sort" or "sort_desc" => Sort(inner, descending: syntax.Op == "sort_desc"),
            "topk" or "bottomk" or "approx_topk" => Best(syntax, inner, steps),
            _ => Groups(syntax, inner, steps),
        };
    }

    /// <summary>Whether an aggregation makes one number of those of a group.</summary>
    public static bool IsOfGroups(string op) => op is not ("sort" or "sort_desc" or "topk" or "bottomk" or "approx_topk");

    /// <summary>A number as a series without labels.</summary>
    public static StepMatrix Constant(double value, Steps steps)
    {
        var series = new StepSeries(Labels.Empty, 0, steps.Count);
        for (int i = 0; i < steps.Count; i++) series.Set(i, value);
        return new StepMatrix { Series = [series] };
    }

    /// <summary>A running mean that neither overflows nor loses an infinity.</summary>
    public static double AddToMean(double mean, double value, double count)
    {
        if (double.IsInfinity(mean))
        {
            if (double.IsInfinity(value) && mean > 0 == value > 0) return mean;
            if (!double.IsInfinity(value) && !double.IsNaN(value)) return mean;
        }
        return mean + ((value / count) - (mean / count));
    }

    private static StepMatrix Groups(VectorAggregation syntax, StepMatrix inner, Steps steps)
    {
        var groups = new StepGroups(syntax.Op, syntax.Grouping, steps.Count);
        foreach (var series in inner.Series) groups.Add(series);
        return groups.Matrix();
    }

    private static StepMatrix Best(VectorAggregation syntax, StepMatrix inner, Steps steps)
    {
        int k = (int)Math.Min(int.MaxValue, syntax.Parameter!.Value);
        bool top = syntax.Op != "bottomk";
        var grouping = new LabelGroups(syntax.Grouping);
        var groups = inner.Series.GroupBy(s => grouping.Of(s.Labels)).Select(g => g.ToList()).ToList();
        var kept = inner.Series.ToDictionary(s => s, s => new StepSeries(s.Labels, s.From, s.To));
        for (int i = 0; i < steps.Count; i++)
        {
            int step = i;
            foreach (var group in groups)
            {
                var present = group.Where(s => s.Has(step)).ToList();
                present.Sort((a, b) => Compare(a[step], b[step], top) is var c and not 0 ? c : a.Labels.CompareTo(b.Labels));
                foreach (var series in present.Take(k)) kept[series].Set(step, series[step]);
            }
        }
        var result = kept.Values.Where(s => s.Any).ToList();
        // At one instant the best come first, as in Loki.
        if (steps.Count == 1) result.Sort((a, b) => Compare(a[0], b[0], top));
        return new StepMatrix { Series = result, Ordered = syntax.Op == "approx_topk" };
    }

    private static StepMatrix Sort(StepMatrix inner, bool descending)
    {
        var sorted = inner.Series.Where(s => s.Has(0)).ToList();
        sorted.Sort((a, b) => Compare(a[0], b[0], descending) is var c and not 0 ? c : a.Labels.CompareTo(b.Labels));
        return new StepMatrix { Series = sorted, Ordered = true };
    }

    /// <summary>NaN comes last in either direction.</summary>
    private static int Compare(double a, double b, bool descending)
    {
        if (double.IsNaN(a) || double.IsNaN(b)) return double.IsNaN(a).CompareTo(double.IsNaN(b));
        return descending ? b.CompareTo(a) : a.CompareTo(b);
    }
}
