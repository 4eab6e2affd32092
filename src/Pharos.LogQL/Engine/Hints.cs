using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>What the outside of a range aggregation says about its inside.</summary>
internal static class Hints
{
    /// <summary>Labels that the series and the stages of a range aggregation depend on; all where that is not certain.</summary>
    public static NeededLabels For(RangeExpr range, Grouping? grouping)
    {
        if (grouping is null || grouping.Without) return NeededLabels.All;
        var names = new HashSet<string>(grouping.Labels, StringComparer.Ordinal);
        if (range.Unwrap is not null)
        {
            names.Add(range.Unwrap.Label);
            foreach (var filter in range.Unwrap.Filters) Collect(filter, names);
        }
        foreach (var stage in range.Log.Stages)
        {
            switch (stage)
            {
                case LabelFilterStage filter:
                    Collect(filter.Filter, names);
                    break;
                case LineFormatSyntax or LabelFormatSyntax or UnpackSyntax or DropKeepSyntax:
                    // Templates may read any label, and errors may be dropped by name.
                    return NeededLabels.All;
            }
        }
        return names.Any(n => n.StartsWith("__error", StringComparison.Ordinal)) ? NeededLabels.All : new NeededLabels(names);
    }

    /// <summary>
    /// Whether grouping may happen while lines are read: the outer aggregation over the inner one's series is then the same
    /// as the inner one over the groups' lines.
    /// </summary>
    public static bool MayPush(string outer, RangeAggregation inner) => inner.Grouping is null && (outer, inner.Op) switch
    {
        ("sum", "count_over_time" or "rate" or "bytes_over_time" or "bytes_rate" or "sum_over_time") => true,
        ("min", "min_over_time") or ("max", "max_over_time") => true,
        _ => false,
    };

    /// <summary>Labels that a filter looks at.</summary>
    public static void Collect(LabelFilterSyntax filter, HashSet<string> names)
    {
        switch (filter)
        {
            case StringFilter text: names.Add(text.Matcher.Name); break;
            case IpFilter ip: names.Add(ip.Label); break;
            case QuantityFilter quantity: names.Add(quantity.Label); break;
            case LogicFilter logic:
                Collect(logic.Left, names);
                Collect(logic.Right, names);
                break;
        }
    }
}
