using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Evaluates a metric expression at all steps, part by part.</summary>
internal sealed class MetricEvaluator(QueryContext context, Steps steps)
{
    public StepMatrix Evaluate(MetricExpr expr)
    {
        context.Cancel.ThrowIfCancellationRequested();
        return expr switch
        {
            LiteralExpr literal => new StepMatrix { Scalar = literal.Value },
            VectorExpr vector => Aggregations.Constant(vector.Value, steps),
            RangeAggregation range => new RangeReader(context, range, steps, null, hasPushed: false).Evaluate(),
            VectorAggregation vector => Vector(vector),
            LabelReplaceExpr replace => LabelReplace(replace),
            BinaryExpr binary => BinaryOperations.Evaluate(binary, Evaluate(binary.Left), Evaluate(binary.Right), steps),
            _ => throw new ArgumentException($"expression {expr.GetType().Name} is unknown", nameof(expr)),
        };
    }

    private StepMatrix Vector(VectorAggregation vector)
    {
        bool push = vector.Inner is RangeAggregation inner && Hints.MayPush(vector.Op, inner);
        if (vector.Op is "sort" or "sort_desc" or "approx_topk" && steps.Count > 1)
            throw new QueryException(QueryErrorKind.BadData, $"{vector.Op} is for instant queries only: points of a range have no common order");
        if (!push && vector.Inner is RangeAggregation { Op: not "absent_over_time" } range && Aggregations.IsOfGroups(vector.Op)) return new RangeReader(context, range, steps, null, hasPushed: false).Evaluate(vector);
        return push
            ? new RangeReader(context, (RangeAggregation)vector.Inner, steps, vector.Grouping, hasPushed: true).Evaluate()
            : Aggregations.Evaluate(vector, Evaluate(vector.Inner), steps);
    }

    private StepMatrix LabelReplace(LabelReplaceExpr replace)
    {
        var inner = Evaluate(replace.Inner);
        if (inner.Scalar is { } scalar) inner = Aggregations.Constant(scalar, steps);
        var result = new List<StepSeries>(inner.Series.Count);
        foreach (var series in inner.Series)
        {
            var match = replace.Regex.Match(series.Labels[replace.Source]);
            if (!match.Success)
            {
                result.Add(series);
                continue;
            }
            string value = replace.Regex.Expand(replace.Replacement, match);
            var pairs = LabelEncoding.ToPairs(series.Labels);
            pairs.RemoveAll(p => p.Name == replace.Destination);
            if (value.Length > 0) pairs.Add((replace.Destination, value));
            result.Add(series.Copy(LabelEncoding.ToLabels(pairs), series.From, series.To));
        }
        return new StepMatrix { Series = result, Ordered = inner.Ordered };
    }
}
