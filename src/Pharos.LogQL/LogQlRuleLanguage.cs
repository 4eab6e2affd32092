using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL;

/// <summary>LogQL for rules: metric queries at an instant.</summary>
/// <param name="engine">Null: expressions can be checked and formatted, not evaluated.</param>
public sealed class LogQlRuleLanguage(LogQlEngine? engine = null, TimeProvider? time = null) : IRuleLanguage
{
    private readonly TimeProvider time = time ?? TimeProvider.System;

    public async ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel)
    {
        if (engine is null) throw new QueryException(QueryErrorKind.Internal, "this rule language checks expressions only; it has no log store to evaluate them on");
        var result = await engine.InstantAsync(tenant, expression, timestampMs * 1_000_000, cancel);
        if (result.Kind == LogQlResultKind.Scalar) return new InstantResult([new VectorSample(Labels.Empty, timestampMs, result.Scalar)], result.Warnings);
        return new InstantResult([.. result.Series.Select(s => new VectorSample(s.Labels, timestampMs, s.Points[0].Value))], result.Warnings);
    }

    public IReadOnlyList<Diagnostic> Check(string expression)
    {
        try
        {
            var expr = Parser.Parse(expression);
            if (expr is not MetricExpr metric)
                return [Diagnostic.Error(SourcePosition.At(expression, expr.Start), "a log query gives lines, and a rule needs numbers", "wrap it in a function, for example sum(count_over_time(… [5m])) > 0")];
            Prepare(metric);
            return [];
        }
        catch (QueryException e)
        {
            return [Diagnostic.Error(e.Position, e.Message)];
        }
    }

    public string Format(string expression)
    {
        try
        {
            return LogQl.Format(expression);
        }
        catch (QueryException)
        {
            return expression;
        }
    }

    /// <summary>Builds every pipeline once, so that a wrong template or pattern is found before the first evaluation.</summary>
    private void Prepare(MetricExpr expr)
    {
        switch (expr)
        {
            case RangeAggregation range:
                LinePipeline.Build(range.Range.Log.Stages, NeededLabels.All, time);
                foreach (var filter in range.Range.Unwrap?.Filters ?? []) LabelPredicate.From(filter);
                break;
            case VectorAggregation vector: Prepare(vector.Inner); break;
            case LabelReplaceExpr replace: Prepare(replace.Inner); break;
            case BinaryExpr binary:
                Prepare(binary.Left);
                Prepare(binary.Right);
                break;
        }
    }
}
