using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Binary operations between numbers and series; vectors match as in PromQL.</summary>
internal static class BinaryOperations
{
    public static StepMatrix Evaluate(BinaryExpr syntax, StepMatrix left, StepMatrix right, Steps steps)
    {
        if (left.Scalar is { } a && right.Scalar is { } b) return new StepMatrix { Scalar = Arithmetic.Scalars(syntax.Op, a, b) };
        if (right.Scalar is { } onRight) return WithScalar(syntax, left, v => (v, onRight));
        if (left.Scalar is { } onLeft) return WithScalar(syntax, right, v => (onLeft, v));
        if (syntax.IsSet) return Sets(syntax, left, right, steps);
        return Vectors(syntax, left, right, steps);
    }

    private static StepMatrix WithScalar(BinaryExpr syntax, StepMatrix vector, Func<double, (double Left, double Right)> sides)
    {
        var result = new List<StepSeries>(vector.Series.Count);
        foreach (var series in vector.Series)
        {
            var made = new StepSeries(series.Labels, series.From, series.To);
            for (int i = series.From; i < series.To; i++)
            {
                if (!series.Has(i)) continue;
                var (left, right) = sides(series[i]);
                if (TryValue(syntax, left, right, kept: series[i], out double value)) made.Set(i, value);
            }
            result.Add(made);
        }
        return new StepMatrix { Series = result, Ordered = vector.Ordered };
    }

    /// <summary>The value of one pair; false where a comparison filters it out.</summary>
    private static bool TryValue(BinaryExpr syntax, double left, double right, double kept, out double value)
    {
        if (!Arithmetic.TryCompare(syntax.Op, left, right, out bool holds))
        {
            value = Arithmetic.Calculate(syntax.Op, left, right);
            return true;
        }
        value = syntax.ReturnBool ? (holds ? 1 : 0) : kept;
        return holds || syntax.ReturnBool;
    }

    private static Labels Signature(Labels labels, VectorMatching? matching)
    {
        if (matching is null) return labels;
        var pairs = LabelEncoding.ToPairs(labels);
        pairs.RemoveAll(p => matching.Labels.Contains(p.Name) != matching.On);
        return LabelEncoding.ToLabels(pairs);
    }

    private static Dictionary<Labels, List<StepSeries>> BySignature(StepMatrix matrix, VectorMatching? matching)
    {
        var groups = new Dictionary<Labels, List<StepSeries>>();
        foreach (var series in matrix.Series)
        {
            var key = Signature(series.Labels, matching);
            if (!groups.TryGetValue(key, out var list)) groups[key] = list = [];
            list.Add(series);
        }
        return groups;
    }

    private static StepMatrix Sets(BinaryExpr syntax, StepMatrix left, StepMatrix right, Steps steps)
    {
        var lefts = BySignature(left, syntax.Matching);
        var rights = BySignature(right, syntax.Matching);
        var result = new List<StepSeries>();
        foreach (var (key, series) in lefts)
        {
            rights.TryGetValue(key, out var others);
            foreach (var one in series)
            {
                if (syntax.Op == "or")
                {
                    result.Add(one);
                    continue;
                }
                var made = new StepSeries(one.Labels, one.From, one.To);
                for (int i = one.From; i < one.To; i++)
                {
                    if (one.Has(i) && (others is not null && AnyAt(others, i)) == (syntax.Op == "and")) made.Set(i, one[i]);
                }
                result.Add(made);
            }
        }
        if (syntax.Op != "or") return new StepMatrix { Series = result };
        var byLabels = result.ToDictionary(s => s.Labels);
        foreach (var (key, series) in rights)
        {
            lefts.TryGetValue(key, out var others);
            foreach (var one in series)
            {
                if (!byLabels.TryGetValue(one.Labels, out var made)) byLabels[one.Labels] = made = new StepSeries(one.Labels, one.From, one.To);
                else byLabels[one.Labels] = made = made.Copy(one.Labels, 0, steps.Count);
                for (int i = one.From; i < one.To; i++)
                {
                    if (one.Has(i) && !(others is not null && AnyAt(others, i))) made.Set(i, one[i]);
                }
            }
        }
        return new StepMatrix { Series = [.. byLabels.Values] };
    }

    private static bool AnyAt(List<StepSeries> series, int step)
    {
        foreach (var one in series)
        {
            if (one.Has(step)) return true;
        }
        return false;
    }

    private static StepMatrix Vectors(BinaryExpr syntax, StepMatrix left, StepMatrix right, Steps steps)
    {
        var cardinality = syntax.Matching?.Cardinality ?? MatchCardinality.OneToOne;
        bool swap = cardinality == MatchCardinality.OneToMany;
        var many = swap ? right : left;
        var ones = BySignature(swap ? left : right, syntax.Matching);
        CheckOnes(ones, syntax, steps, swap ? "left" : "right");
        var made = new Dictionary<Labels, StepSeries>();
        var taken = new Dictionary<StepSeries, bool[]>();
        foreach (var series in many.Series)
        {
            var key = Signature(series.Labels, syntax.Matching);
            if (!ones.TryGetValue(key, out var candidates)) continue;
            foreach (var one in candidates)
            {
                StepSeries? result = null;
                bool[]? used = null;
                if (cardinality == MatchCardinality.OneToOne && !taken.TryGetValue(one, out used)) taken[one] = used = new bool[steps.Count];
                for (int i = Math.Max(series.From, one.From); i < Math.Min(series.To, one.To); i++)
                {
                    if (!series.Has(i) || !one.Has(i)) continue;
                    if (used is not null)
                    {
                        if (used[i]) throw Many(syntax, key);
                        used[i] = true;
                    }
                    double l = swap ? one[i] : series[i], r = swap ? series[i] : one[i];
                    if (!TryValue(syntax, l, r, kept: l, out double value)) continue;
                    if (result is null)
                    {
                        var labels = ResultLabels(series.Labels, one.Labels, syntax);
                        if (!made.TryGetValue(labels, out result)) made[labels] = result = new StepSeries(labels, 0, steps.Count);
                    }
                    if (result.Has(i))
                        throw new QueryException(QueryErrorKind.Execution, "multiple matches for labels: grouping labels must ensure unique matches");
                    result.Set(i, value);
                }
            }
        }
        return new StepMatrix { Series = [.. made.Values] };
    }

    private static void CheckOnes(Dictionary<Labels, List<StepSeries>> ones, BinaryExpr syntax, Steps steps, string side)
    {
        foreach (var (key, series) in ones)
        {
            if (series.Count < 2) continue;
            for (int i = 0; i < steps.Count; i++)
            {
                var present = series.Where(s => s.Has(i)).Take(2).ToList();
                if (present.Count < 2) continue;
                throw new QueryException(
                    QueryErrorKind.Execution,
                    $"found duplicate series on the {side} hand-side for the match group {key}: [{present[0].Labels}, {present[1].Labels}]; many-to-many matching not allowed: matching labels must be unique on one side of {syntax.Op}");
            }
        }
    }

    private static QueryException Many(BinaryExpr syntax, Labels key) => new(
        QueryErrorKind.Execution,
        $"multiple matches for labels {key} on the left hand-side of {syntax.Op}: many-to-one matching must be explicit (group_left/group_right)");

    private static Labels ResultLabels(Labels many, Labels one, BinaryExpr syntax)
    {
        var matching = syntax.Matching;
        if (matching is null) return many;
        if (matching.Cardinality == MatchCardinality.OneToOne) return Signature(many, matching);
        if (matching.Include.Count == 0) return many;
        var pairs = LabelEncoding.ToPairs(many);
        pairs.RemoveAll(p => matching.Include.Contains(p.Name));
        foreach (string name in matching.Include)
        {
            if (one.TryGetValue(name, out string? value) && value.Length > 0) pairs.Add((name, value));
        }
        return LabelEncoding.ToLabels(pairs);
    }
}
