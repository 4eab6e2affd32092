using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>Binary operations.</content>
internal sealed partial class Evaluator
{
    private IEnumerable<Column> Binary(BinaryExpr binary, Grid grid)
    {
        if (binary.Left.Type == ExprType.Scalar) return WithScalar(binary, binary.Right, Scalar(binary.Left, grid), scalarLeft: true, grid);
        if (binary.Right.Type == ExprType.Scalar) return WithScalar(binary, binary.Left, Scalar(binary.Right, grid), scalarLeft: false, grid);
        Unordered(binary.Left);
        Unordered(binary.Right);
        if (BinaryExpr.IsSet(binary.Op)) return SetOperation(binary, grid);
        bool unique = UniqueWithoutName(binary.Matching!.Cardinality == MatchCardinality.OneToMany ? binary.Right : binary.Left);
        return Join();

        IEnumerable<Column> Join()
        {
            using var join = new VectorJoin(run, binary, grid, unique, lookedAt.GetValueOrDefault(binary));
            foreach (var column in join.Run(Vector(binary.Left, grid), Vector(binary.Right, grid))) yield return column;
        }
    }

    /// <summary>Series of two sides find each other by their labels, in whatever order they come.</summary>
    private void Unordered(Expr side)
    {
        switch (side.Unwrapped)
        {
            case VectorSelector selector:
                unordered.Add(selector);
                break;
            case CallExpr call when WindowFunctions.Has(call.Function.Name):
                foreach (var matrix in call.Arguments.Select(a => a.Unwrapped).OfType<MatrixSelector>()) unordered.Add(matrix.Selector);
                break;
        }
    }

    private IEnumerable<Column> WithScalar(BinaryExpr binary, Expr vector, double[] scalars, bool scalarLeft, Grid grid)
    {
        var columns = Elements();
        return BinaryMath.DropsName(binary.Op) || binary.ReturnBool ? DropNames(columns, vector, grid) : columns;

        IEnumerable<Column> Elements()
        {
            var math = new ElementMath(run, binary, grid);
            foreach (var column in Vector(vector, grid))
            {
                if (Apply(math, column)) yield return column;
                else column.Dispose();
            }
        }

        bool Apply(ElementMath math, Column column)
        {
            var values = column.Values;
            bool any = false;
            bool comparison = BinaryExpr.IsComparison(binary.Op);
            bool plain = column.Histograms is null && (comparison || BinaryMath.DropsName(binary.Op));
            for (int i = 0; i < values.Length; i++)
            {
                double value = values[i];
                if (!Column.IsPresent(value)) continue;
                if (plain)
                {
                    double left = scalarLeft ? scalars[i] : value, right = scalarLeft ? value : scalars[i];
                    if (!comparison) values[i] = BinaryMath.Arithmetic(binary.Op, left, right);
                    else if (binary.ReturnBool) values[i] = BinaryMath.Compare(binary.Op, left, right) ? 1 : 0;
                    else if (!BinaryMath.Compare(binary.Op, left, right))
                    {
                        // A filter keeps the vector's value, on whichever side it stands.
                        values[i] = Column.Absent;
                        continue;
                    }
                    any = true;
                    continue;
                }
                var own = new Element(value, column.HistogramAt(i));
                var other = new Element(scalars[i], null);
                math.Step = i;
                var outcome = math.Apply(scalarLeft ? other : own, scalarLeft ? own : other, out var result);
                bool keep = outcome == Outcome.Kept;
                if (comparison && !binary.ReturnBool) result = own;
                if (binary.ReturnBool && outcome != Outcome.None)
                {
                    result = new Element(keep ? 1 : 0, null);
                    keep = true;
                }
                if (!keep)
                {
                    column.Remove(i);
                    continue;
                }
                if (result.Histogram is not null) column.Set(i, result.Histogram);
                else
                {
                    values[i] = result.Value;
                    if (column.Histograms is not null) column.Histograms[i] = null;
                }
                any = true;
            }
            return any;
        }
    }

    private IEnumerable<Column> SetOperation(BinaryExpr binary, Grid grid)
    {
        var matching = binary.Matching!;
        using var key = new LabelKey(matching.Labels, matching.On, dropName: true);
        if (binary.Op == BinaryOp.Or)
        {
            foreach (var column in Or(binary, key, grid)) yield return column;
            yield break;
        }
        var there = Presence(Vector(binary.Right, grid), key, grid.Count);
        var lookup = there.GetAlternateLookup<ReadOnlySpan<byte>>();
        bool keepMatches = binary.Op == BinaryOp.And;
        foreach (var column in Vector(binary.Left, grid))
        {
            if (!lookup.TryGetValue(key.Of(column.Labels), out var present))
            {
                if (keepMatches) column.Dispose();
                else yield return column;
                continue;
            }
            bool any = false;
            for (int i = 0; i < grid.Count; i++)
            {
                if (!column.Has(i)) continue;
                if (present[i] == keepMatches) any = true;
                else column.Remove(i);
            }
            if (any) yield return column;
            else column.Dispose();
        }
    }

    private static Dictionary<Labels, bool[]> Presence(IEnumerable<Column> columns, LabelKey key, int count)
    {
        var there = new Dictionary<Labels, bool[]>(LabelsComparer.Instance);
        var lookup = there.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (var column in columns)
        {
            using (column) Mark(lookup, key.Of(column.Labels), column, count);
        }
        return there;
    }

    private static void Mark(Dictionary<Labels, bool[]>.AlternateLookup<ReadOnlySpan<byte>> lookup, ReadOnlySpan<byte> signature, Column column, int count)
    {
        if (!lookup.TryGetValue(signature, out var present)) lookup[signature] = present = new bool[count];
        for (int i = 0; i < count; i++) present[i] |= column.Has(i);
    }

    private IEnumerable<Column> Or(BinaryExpr binary, LabelKey key, Grid grid)
    {
        var there = new Dictionary<Labels, bool[]>(LabelsComparer.Instance);
        var lookup = there.GetAlternateLookup<ReadOnlySpan<byte>>();
        var results = new List<Column>();
        var byLabels = new Dictionary<Labels, Column>(LabelsComparer.Instance);
        foreach (var column in Vector(binary.Left, grid))
        {
            Mark(lookup, key.Of(column.Labels), column, grid.Count);
            run.Hold(binary.Left, grid.Count);
            results.Add(column);
            byLabels.TryAdd(column.Labels, column);
        }
        foreach (var column in Vector(binary.Right, grid))
        {
            if (lookup.TryGetValue(key.Of(column.Labels), out var present))
            {
                bool any = false;
                for (int i = 0; i < grid.Count; i++)
                {
                    if (!column.Has(i)) continue;
                    if (present[i]) column.Remove(i);
                    else any = true;
                }
                if (!any)
                {
                    column.Dispose();
                    continue;
                }
            }
            // The same series may stand on both sides at different steps.
            if (byLabels.TryGetValue(column.Labels, out var into) && !into.Equals(column) && Disjoint(into, column, grid.Count))
            {
                using (column)
                {
                    into.DropName |= column.DropName;
                    for (int i = 0; i < grid.Count; i++)
                    {
                        if (!column.Has(i)) continue;
                        if (column.HistogramAt(i) is { } histogram) into.Set(i, histogram);
                        else into.Values[i] = column.Values[i];
                    }
                }
                continue;
            }
            run.Hold(binary.Right, grid.Count);
            results.Add(column);
            byLabels.TryAdd(column.Labels, column);
        }
        run.Release((long)results.Count * grid.Count);
        return results;
    }

    private static bool Disjoint(Column a, Column b, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (a.Has(i) && b.Has(i)) return false;
        }
        return true;
    }
}
