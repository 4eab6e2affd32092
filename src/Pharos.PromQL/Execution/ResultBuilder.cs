using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Evaluates a whole query and gathers its answer.</summary>
internal sealed class ResultBuilder(Evaluation run)
{
    /// <summary>What a sample of a vector, or a series of a matrix, takes beside its labels and points.</summary>
    private const int SampleBytes = 120;

    private readonly Evaluator evaluator = new(run);
    private Expr? query;

    public QueryResult Build(Expr expr)
    {
        var grid = run.Grid;
        query = expr;
        FindStatisticsSelectors(expr, onlyStatistics: false);
        // Under functions that need statistics alone the same text may read something else.
        if (run.StatisticsSelectors.Count == 0) run.Shared = SharedParts.Find(expr);
        switch (expr.Type)
        {
            case ExprType.String:
                return new QueryResult { Type = QueryResultType.String, TimestampMs = grid.StartMs, Text = Evaluator.Text(expr) };
            case ExprType.Scalar:
                var values = evaluator.Scalar(expr, grid);
                if (!run.IsRangeQuery) return new QueryResult { Type = QueryResultType.Scalar, TimestampMs = grid.StartMs, Scalar = values[0] };
                var times = new long[grid.Count];
                for (int i = 0; i < times.Length; i++) times[i] = grid.At(i);
                return new QueryResult { Type = QueryResultType.Matrix, Matrix = [new MatrixSeries(Labels.Empty, times, values, null)] };
            case ExprType.Matrix:
                return new QueryResult { Type = QueryResultType.Matrix, Matrix = Samples(expr) };
            default:
                return run.IsRangeQuery
                    ? new QueryResult { Type = QueryResultType.Matrix, Matrix = Matrix(Named(expr)) }
                    : new QueryResult { Type = QueryResultType.Vector, Vector = Vector(Named(expr)) };
        }
    }

    private void FindStatisticsSelectors(Expr expr, bool onlyStatistics)
    {
        switch (expr)
        {
            case VectorSelector selector when onlyStatistics:
                run.StatisticsSelectors.Add(selector);
                return;
            case BinaryExpr or SubqueryExpr:
                onlyStatistics = false;
                break;
            case CallExpr { Function.Name: "histogram_count" or "histogram_sum" or "histogram_avg" }:
                onlyStatistics = true;
                break;
            case CallExpr { Function.Name: "histogram_quantile" or "histogram_quantiles" or "histogram_fraction" }:
                onlyStatistics = false;
                break;
        }
        foreach (var child in expr.Children) FindStatisticsSelectors(child, onlyStatistics);
    }

    /// <summary>The result's series under their final names.</summary>
    private IEnumerable<Column> Named(Expr expr)
    {
        var columns = evaluator.Vector(expr, run.Grid);
        if (!run.Options.DelayedNameRemoval) return columns;
        return Evaluator.Merge(columns.Select(Drop), run.Grid);

        static Column Drop(Column column)
        {
            if (column.DropName) column.Labels = LabelEditing.WithoutName(column.Labels);
            return column;
        }
    }

    private List<VectorSample> Vector(IEnumerable<Column> columns)
    {
        var vector = new List<VectorSample>();
        var seen = new HashSet<Labels>(LabelsComparer.Instance);
        foreach (var column in columns)
        {
            using (column)
            {
                if (!column.Has(0)) continue;
                if (!seen.Add(column.Labels)) throw Evaluator.SameLabels();
                run.Hold(query!, 1);
                run.Keep(SampleBytes + column.Labels.Encoded.Length);
                vector.Add(new VectorSample(column.Labels, run.Grid.StartMs, column.Values[0], column.HistogramAt(0)));
            }
        }
        return vector;
    }

    private List<MatrixSeries> Matrix(IEnumerable<Column> columns)
    {
        var matrix = new List<MatrixSeries>();
        foreach (var column in columns)
        {
            using (column)
            {
                int n = column.CountPresent();
                if (n == 0) continue;
                run.Hold(query!, n);
                run.Keep(SampleBytes + column.Labels.Encoded.Length + (n * 16L));
                matrix.Add(Points(column, n));
            }
        }
        matrix.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        for (int i = 1; i < matrix.Count; i++)
        {
            if (matrix[i].Labels.Equals(matrix[i - 1].Labels)) throw Evaluator.SameLabels();
        }
        return matrix;
    }

    private MatrixSeries Points(Column column, int count)
    {
        var times = new long[count];
        var values = new double[count];
        var histograms = column.Histograms is null ? null : new Histogram?[count];
        int n = 0;
        for (int i = 0; i < column.Count; i++)
        {
            if (!column.Has(i)) continue;
            times[n] = run.Grid.At(i);
            values[n] = column.Values[i];
            if (histograms is not null) histograms[n] = column.HistogramAt(i);
            n++;
        }
        return new MatrixSeries(column.Labels, times, values, histograms);
    }

    /// <summary>An instant query on a range expression gives the samples as they are stored.</summary>
    private List<MatrixSeries> Samples(Expr expr)
    {
        var spec = evaluator.Windows(expr, run.Grid);
        var matrix = new List<MatrixSeries>();
        foreach (var series in evaluator.Ranges(expr, run.Grid, "", spec))
        {
            long end = spec.Times.At(0), start = end - spec.RangeMs;
            int from = 0, to = series.Count;
            while (from < to && series.Timestamps[from] <= start) from++;
            while (to > from && series.Timestamps[to - 1] > end) to--;
            if (from == to) continue;
            var labels = series.DropName && run.Options.DelayedNameRemoval ? LabelEditing.WithoutName(series.Labels) : series.Labels;
            run.Hold(expr, to - from);
            run.Keep(SampleBytes + labels.Encoded.Length + ((to - from) * 16L));
            matrix.Add(new MatrixSeries(
                labels, series.Timestamps[from..to].ToArray(), series.Values[from..to].ToArray(),
                series.HasHistograms ? series.Histograms[from..to].ToArray() : null));
        }
        matrix.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return matrix;
    }
}
