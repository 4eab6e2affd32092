using System.Text.RegularExpressions;
using Pharos.Core;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>Runs one evaluation with its extra checks and says what is wrong; null where nothing is.</summary>
internal sealed class Judge(PromQlEngine engine)
{
    private static readonly HashSet<string> TimeDependent = new(StringComparer.Ordinal)
    {
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year", "time", "timestamp", "predict_linear",
        "start", "end", "range", "step",
    };

    public string? Run(EvalCommand command)
    {
        try
        {
            var expr = PromQlLanguage.Parse(command.Query);
            if (Main(command, expr) is { } wrong) return wrong;
            if (command.IsRange || command.MustFail) return null;
            return Invariance(command) ?? Agreement(command, expr);
        }
        catch (QueryException e)
        {
            return Failure(command, e.Message);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return $"crashes: {e}";
        }
    }

    private static string? Failure(EvalCommand command, string message)
    {
        var fails = command.Expectations.Where(e => e.Level == "fail").ToArray();
        if (fails.Length == 0) return $"fails: {message}";
        foreach (var expected in fails)
        {
            // A syntax error's text begins with its place.
            if (expected.Text is not null && !message.EndsWith(expected.Text, StringComparison.Ordinal)) return $"fails with \"{message}\" instead of \"{expected.Text}\"";
            if (expected.Pattern is not null && !Regex.IsMatch(message, expected.Pattern)) return $"fails with \"{message}\", not like {expected.Pattern}";
        }
        return null;
    }

    private string? Main(EvalCommand command, Expr expr)
    {
        if (command.IsRange)
        {
            var range = Wait(engine.RangeAsync(TenantId.Anonymous, command.Query, expr, command.StartMs, command.EndMs, command.StepMs));
            if (command.MustFail) return "must fail, but has an answer";
            return Annotations(command, range) ?? Matrix(command, range.Matrix, command.StartMs, command.StepMs);
        }
        var result = Wait(engine.InstantAsync(TenantId.Anonymous, command.Query, expr, command.StartMs));
        if (command.MustFail) return "must fail, but has an answer";
        return Annotations(command, result) ?? Instant(command, result, command.StartMs);
    }

    // The query pinned to its time must give the same at any other time.
    private string? Invariance(EvalCommand command)
    {
        var expr = PromQlLanguage.Parse(command.Query);
        if (command.RangeVector is not null || Calls(expr).Any(TimeDependent.Contains) || expr.Type == ExprType.String) return null;
        long t = command.StartMs;
        Pin(expr, t, insidePinned: false);
        long[] times = t == 0 ? [-1000, 0, 1000] : [-10 * t, 0, t / 5, t, 10 * t];
        foreach (long at in times)
        {
            var result = Wait(engine.InstantAsync(TenantId.Anonymous, command.Query, expr, at));
            if ((Annotations(command, result) ?? Instant(command, result, at)) is { } wrong) return $"pinned with @ and run at {at} ms: {wrong}";
        }
        return null;
    }

    private string? Agreement(EvalCommand command, Expr expr)
    {
        if (command.RangeVector is not null || command.Ordered || expr.Type is ExprType.String or ExprType.Matrix) return null;
        if (Calls(expr).Any(c => c is "start" or "end" or "range" or "step") || UsesStep(expr)) return null;
        var result = Wait(engine.RangeAsync(TenantId.Anonymous, command.Query, expr, command.StartMs - 60_000, command.StartMs + 60_000, 60_000));
        var vector = new List<VectorSample>();
        foreach (var series in result.Matrix)
        {
            int at = series.Timestamps.ToList().IndexOf(command.StartMs);
            if (at >= 0) vector.Add(new VectorSample(series.Labels, command.StartMs, series.Values[at], series.Histograms?[at]));
        }
        var middle = expr.Type == ExprType.Scalar
            ? result with { Type = QueryResultType.Scalar, Scalar = vector[0].Value }
            : result with { Type = QueryResultType.Vector, Vector = vector };
        return Instant(command, middle, command.StartMs) is { } wrong ? $"as a range query: {wrong}" : null;
    }

    private static bool UsesStep(Expr expr) =>
        expr switch
        {
            MatrixSelector m => !m.Range.IsConstant || m.Selector.Offset is { IsConstant: false },
            SubqueryExpr s => !s.Range.IsConstant || s.Step is { IsConstant: false } || s.Offset is { IsConstant: false },
            VectorSelector v => v.Offset is { IsConstant: false },
            _ => false,
        } || expr.Children.Any(UsesStep);

    private static IEnumerable<string> Calls(Expr expr) =>
        (expr is CallExpr call ? [call.Function.Name] : Enumerable.Empty<string>())
        .Concat(expr is TimedExpr { At: AtKind.Start } ? ["start"] : [])
        .Concat(expr is TimedExpr { At: AtKind.End } ? ["end"] : [])
        .Concat(expr.Children.SelectMany(Calls));

    private static void Pin(Expr expr, long at, bool insidePinned)
    {
        if (expr is TimedExpr timed)
        {
            bool had = timed.At != AtKind.None;
            if (!had && !insidePinned)
            {
                timed.At = AtKind.Timestamp;
                timed.AtMs = at;
            }
            if (timed is SubqueryExpr && had) return;
            if (timed is SubqueryExpr subquery)
            {
                // What is inside a pinned subquery follows the subquery's own times.
                _ = subquery;
                return;
            }
        }
        foreach (var child in expr.Children) Pin(child, at, insidePinned);
    }

    private static string? Annotations(EvalCommand command, QueryResult result) =>
        Level(command, "warn", result.Warnings) ?? Level(command, "info", result.Infos);

    private static string? Level(EvalCommand command, string level, IReadOnlyList<string> found)
    {
        if (command.Expectations.Any(e => e.Level == "no_" + level) && found.Count > 0) return $"unexpected {level}: {string.Join(" | ", found)}";
        var expected = command.Expectations.Where(e => e.Level == level).ToArray();
        if (expected.Length == 0) return null;
        if (found.Count == 0) return $"no {level}, expected {expected[0].Text ?? expected[0].Pattern ?? "one"}";
        foreach (var one in expected)
        {
            if (!found.Any(f => Fits(one, f))) return $"no {level} like \"{one.Text ?? one.Pattern}\", only {string.Join(" | ", found)}";
        }
        string? extra = found.FirstOrDefault(f => !expected.Any(e => Fits(e, f)));
        return extra is null ? null : $"unexpected {level}: {extra}";

        static bool Fits(Expectation expected, string found) =>
            expected.Text is not null ? found == expected.Text : expected.Pattern is null || Regex.IsMatch(found, expected.Pattern);
    }

    private static string? Instant(EvalCommand command, QueryResult result, long at)
    {
        if (command.Text is not null)
            return result.Type == QueryResultType.String && result.Text == command.Text ? null : $"string \"{result.Text}\" instead of \"{command.Text}\"";
        if (command.RangeVector is { } range) return Matrix(command, result.Matrix, range.StartMs, range.StepMs);
        if (result.Type == QueryResultType.Scalar)
        {
            if (command.Scalar is not { } scalar) return $"scalar {result.Scalar}, expected a vector";
            return Same(scalar, result.Scalar) ? null : $"scalar {result.Scalar:R} instead of {scalar:R}";
        }
        if (command.Scalar is not null) return "a vector instead of a scalar";
        if (result.Type == QueryResultType.Matrix) return "a range vector where an instant vector is expected";
        var expected = command.Series.ToDictionary(s => s.Labels, s => s.Values[0]);
        foreach (var sample in result.Vector)
        {
            if (!expected.TryGetValue(sample.Labels, out var value)) return $"unexpected {sample.Labels} {Show(sample.Value, sample.Histogram)} at {at}";
            if (Differs(value, sample.Value, sample.Histogram) is { } wrong) return $"{sample.Labels}: {wrong}";
        }
        var missing = command.Series.FirstOrDefault(s => !result.Vector.Any(v => v.Labels.Equals(s.Labels)));
        if (missing.Labels is not null) return $"missing {missing.Labels}";
        if (command.Ordered && !command.Series.Select(s => s.Labels).SequenceEqual(result.Vector.Select(v => v.Labels)))
            return $"order {string.Join(' ', result.Vector.Select(v => v.Labels))}";
        return null;
    }

    private static string? Matrix(EvalCommand command, IReadOnlyList<MatrixSeries> matrix, long startMs, long stepMs)
    {
        for (int i = 1; i < matrix.Count; i++)
        {
            if (matrix[i - 1].Labels.CompareTo(matrix[i].Labels) >= 0) return "result is not sorted";
        }
        if (command.Scalar is { } scalar)
            return matrix.Count == 1 && matrix[0].Values.All(v => Same(scalar, v)) ? null : $"not the scalar {scalar}";
        var expected = command.Series.ToDictionary(s => s.Labels, s => s.Values);
        foreach (var series in matrix)
        {
            if (!expected.TryGetValue(series.Labels, out var values)) return $"unexpected {series.Labels} {string.Join(' ', series.Values)}";
            for (int i = 0; i < values.Count || i < series.Timestamps.Count; i++)
            {
                long at = startMs + (i * stepMs);
                int found = series.Timestamps.ToList().IndexOf(at);
                bool wanted = i < values.Count && !values[i].Missing;
                if (!wanted)
                {
                    if (found >= 0) return $"{series.Labels}: unexpected {Show(series.Values[found], series.Histograms?[found])} at {at}";
                    continue;
                }
                if (found < 0) return $"{series.Labels}: nothing at {at}";
                if (Differs(values[i], series.Values[found], series.Histograms?[found]) is { } wrong) return $"{series.Labels} at {at}: {wrong}";
            }
            int known = values.Count(v => !v.Missing);
            if (series.Timestamps.Count != known) return $"{series.Labels}: {series.Timestamps.Count} points instead of {known}";
        }
        var missing = command.Series.FirstOrDefault(s => s.Values.Any(v => !v.Missing) && !matrix.Any(m => m.Labels.Equals(s.Labels)));
        return missing.Labels is null ? null : $"missing {missing.Labels}";
    }

    private static string? Differs(SequenceValue expected, double value, Histogram? histogram)
    {
        if ((expected.Histogram is null) != (histogram is null)) return $"{Show(value, histogram)} instead of {Show(expected.Value, expected.Histogram)}";
        if (histogram is null) return Same(expected.Value, value) ? null : $"{value:R} instead of {expected.Value:R}";
        var wanted = expected.Histogram!;
        bool same = wanted.Schema == histogram.Schema && Same(wanted.Count, histogram.Count) && Same(wanted.Sum, histogram.Sum)
            && (wanted.UsesCustomBuckets || (Same(wanted.ZeroThreshold, histogram.ZeroThreshold) && Same(wanted.ZeroCount, histogram.ZeroCount)))
            && wanted.CustomValues.AsSpan().SequenceEqual(histogram.CustomValues)
            && SameBuckets(wanted.PositiveSpans, wanted.PositiveBuckets, histogram.PositiveSpans, histogram.PositiveBuckets)
            && SameBuckets(wanted.NegativeSpans, wanted.NegativeBuckets, histogram.NegativeSpans, histogram.NegativeBuckets);
        if (!same) return $"{Show(0, histogram)} instead of {Show(0, wanted)}";
        return wanted.ResetHint == CounterResetHint.Unknown || wanted.ResetHint == histogram.ResetHint
            ? null
            : $"hint {histogram.ResetHint} instead of {wanted.ResetHint}";
    }

    private static bool SameBuckets(BucketSpan[] spansA, double[] bucketsA, BucketSpan[] spansB, double[] bucketsB)
    {
        var a = BucketList.From(spansA, bucketsA);
        var b = BucketList.From(spansB, bucketsB);
        if (!a.Indexes.SequenceEqual(b.Indexes)) return false;
        for (int i = 0; i < a.Count; i++)
        {
            if (!Same(a.Counts[i], b.Counts[i])) return false;
        }
        return true;
    }

    internal static bool Same(double expected, double actual)
    {
        const double smallest = 2.2250738585072014e-308, tolerance = 1e-6;
        if (SampleValue.IsStale(expected) || SampleValue.IsStale(actual)) return SampleValue.IsStale(expected) && SampleValue.IsStale(actual);
        if (double.IsNaN(expected) && double.IsNaN(actual)) return true;
        if (expected == actual) return true;
        double distance = Math.Abs(expected - actual), size = Math.Abs(expected) + Math.Abs(actual);
        if (expected == 0 || actual == 0 || size < smallest) return distance < tolerance * smallest;
        return distance / Math.Min(size, double.MaxValue) < tolerance;
    }

    private static string Show(double value, Histogram? histogram) => histogram is null ? value.ToString("R") : HistogramText.Format(histogram);

    private static QueryResult Wait(ValueTask<QueryResult> task) => task.AsTask().GetAwaiter().GetResult();
}
