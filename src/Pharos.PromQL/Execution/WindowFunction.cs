using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>A function over the samples of one window. One object serves one call at a time; series come one after the other.</summary>
internal abstract class WindowFunction
{
    /// <summary>The call, for annotations; its range argument.</summary>
    public required Evaluation Run { get; init; }

    /// <summary>The range argument, whose place annotations name.</summary>
    public required Expr Argument { get; init; }

    /// <summary>The steps of the evaluation.</summary>
    public required Grid Grid { get; init; }

    /// <summary>A new series comes.</summary>
    public virtual void Begin(RangeSeries series) { }

    /// <summary>Does the same for windows of floats that overlap, without computing each anew; null where there is no such way.</summary>
    public virtual ISliding? Sliding => null;

    /// <summary>
    /// Does all windows of a series of floats in one go, where the function has a way of its own; false where it has none.
    /// </summary>
    /// <param name="perStep">Counts the samples of each window; null where nobody asked.</param>
    /// <param name="looked">Samples of all windows.</param>
    /// <param name="any">Whether some window has a result.</param>
    public virtual bool TrySlide(RangeSeries series, Grid times, long rangeMs, Span<double> into, long[]? perStep, out long looked, out bool any)
    {
        looked = 0;
        any = false;
        return false;
    }

    /// <summary>The result of one window, which holds at least one sample. False where there is none.</summary>
    public abstract bool Evaluate(in Window window, int step, out double value, out Histogram? histogram);
}

/// <summary>Functions that look at floats only. Histograms beside floats are passed over with an info.</summary>
internal abstract class FloatWindowFunction(string name) : WindowFunction
{
    private Labels labels = Labels.Empty;
    private double[] floats = [];
    private long[] times = [];

    public string Name { get; } = name;

    public override void Begin(RangeSeries series) => labels = series.Labels;

    public sealed override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        histogram = null;
        if (window.Histograms.IsEmpty) return Floats(window.Timestamps, window.Values, window, step, out value);
        if (floats.Length < window.Count)
        {
            floats = new double[window.Count];
            times = new long[window.Count];
        }
        int n = 0;
        for (int i = 0; i < window.Count; i++)
        {
            if (window.Histograms[i] is not null) continue;
            floats[n] = window.Values[i];
            times[n++] = window.Timestamps[i];
        }
        value = 0;
        if (n == 0) return false;
        if (n < window.Count)
            Run.Annotations.Info(Argument, $"ignored histograms in a range containing both floats and histograms{Annotations.ForMetric(labels)}", Run.StepOf(Grid, step));
        return Floats(times.AsSpan(0, n), floats.AsSpan(0, n), window, step, out value);
    }

    protected abstract bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value);
}

internal sealed class CountWindow : WindowFunction
{
    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        value = window.Count;
        histogram = null;
        return true;
    }
}

internal sealed class PresentWindow : WindowFunction
{
    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        value = 1;
        histogram = null;
        return true;
    }
}

/// <summary>last_over_time, first_over_time and the times of those samples.</summary>
internal sealed class EdgeWindow(bool last, bool times) : WindowFunction
{
    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        int at = last ? window.Count - 1 : 0;
        histogram = window.Histograms.IsEmpty || times ? null : window.Histograms[at];
        value = times ? window.Timestamps[at] / 1000.0 : window.Values[at];
        return true;
    }
}

/// <summary>min_over_time and max_over_time, or the time of the last such sample.</summary>
internal sealed class ExtremeWindow(string name, bool max, bool times) : FloatWindowFunction(name)
{
    private readonly SlidingExtreme? sliding = times ? null : new SlidingExtreme(max);

    public override ISliding? Sliding => sliding;

    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        double best = values[0];
        int bestAt = 0;
        for (int i = 1; i < values.Length; i++)
        {
            double v = values[i];
            bool better = times ? (max ? v >= best : v <= best) : (max ? v > best : v < best);
            if (better || double.IsNaN(best))
            {
                best = v;
                bestAt = i;
            }
        }
        value = times ? timestamps[bestAt] / 1000.0 : best;
        return true;
    }
}

internal sealed class DeviationWindow(string name, bool root) : FloatWindowFunction(name)
{
    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        double count = 0, mean = 0, meanC = 0, aux = 0, auxC = 0;
        foreach (double v in values)
        {
            count++;
            double delta = v - (mean + meanC);
            Kahan.Add(delta / count, ref mean, ref meanC);
            Kahan.Add(delta * (v - (mean + meanC)), ref aux, ref auxC);
        }
        value = (aux + auxC) / count;
        if (root) value = Math.Sqrt(value);
        return true;
    }
}

internal sealed class QuantileWindow(double[] quantiles, Expr parameter) : FloatWindowFunction("quantile_over_time")
{
    private readonly SortedWindow moving = new();
    private double[] sorted = [];
    private RangeSeries? series;

    public override void Begin(RangeSeries series)
    {
        base.Begin(series);
        this.series = series;
        moving.Begin();
    }

    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        double q = quantiles[step];
        if (double.IsNaN(q) || q < 0 || q > 1)
            Run.Annotations.Warn(parameter, $"quantile value should be between 0 and 1, got {NumberText.FormatG(q)}", Run.StepOf(Grid, step));
        if (window.Histograms.IsEmpty)
        {
            value = Quantiles.OfSorted(q, moving.Move(series!.Values, window.First, window.First + window.Count));
            return true;
        }
        if (sorted.Length < values.Length) sorted = new double[Math.Max(values.Length, sorted.Length * 2)];
        values.CopyTo(sorted);
        value = Quantiles.Of(q, sorted.AsSpan(0, values.Length));
        return true;
    }
}

/// <summary>mad_over_time: the median of the distances from the median.</summary>
internal sealed class MedianDeviationWindow() : FloatWindowFunction("mad_over_time")
{
    private double[] sorted = [];

    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        if (sorted.Length < values.Length) sorted = new double[Math.Max(values.Length, sorted.Length * 2)];
        var work = sorted.AsSpan(0, values.Length);
        values.CopyTo(work);
        double median = Quantiles.Of(0.5, work);
        // Sorting puts NaN first: one is enough to make the result NaN.
        if (double.IsNaN(work[0]))
        {
            value = double.NaN;
            return true;
        }
        for (int i = 0; i < values.Length; i++) work[i] = Math.Abs(values[i] - median);
        value = Quantiles.Of(0.5, work);
        return true;
    }
}

/// <summary>deriv and predict_linear: least squares.</summary>
internal sealed class RegressionWindow(string name, double[]? ahead) : FloatWindowFunction(name)
{
    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        value = 0;
        if (values.Length < 2) return false;
        // For deriv any time near the samples will do as origin, and keeps the sums small.
        long origin = ahead is null ? timestamps[0] : window.EvaluationMs;
        double n = 0, sumX = 0, cX = 0, sumY = 0, cY = 0, sumXY = 0, cXY = 0, sumX2 = 0, cX2 = 0;
        bool constant = true;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] != values[0]) constant = false;
            n++;
            double x = (timestamps[i] - origin) / 1000.0;
            Kahan.Add(x, ref sumX, ref cX);
            Kahan.Add(values[i], ref sumY, ref cY);
            Kahan.Add(x * values[i], ref sumXY, ref cXY);
            Kahan.Add(x * x, ref sumX2, ref cX2);
        }
        double slope, intercept;
        if (constant)
        {
            bool infinite = double.IsInfinity(values[0]);
            slope = infinite ? double.NaN : 0;
            intercept = infinite ? double.NaN : values[0];
        }
        else
        {
            sumX += cX;
            sumY += cY;
            double covariance = sumXY + cXY - (sumX * sumY / n);
            double variance = sumX2 + cX2 - (sumX * sumX / n);
            slope = covariance / variance;
            intercept = (sumY / n) - (slope * sumX / n);
        }
        value = ahead is null ? slope : (slope * ahead[step]) + intercept;
        return true;
    }
}

internal sealed class SmoothingWindow(double[] smoothing, double[] trend) : FloatWindowFunction("double_exponential_smoothing")
{
    protected override bool Floats(ReadOnlySpan<long> timestamps, ReadOnlySpan<double> values, in Window window, int step, out double value)
    {
        double sf = smoothing[step], tf = trend[step];
        if (!(sf > 0 && sf < 1)) throw Run.Fail(Argument, $"invalid smoothing factor. Expected: 0 < sf < 1, got: {NumberText.FormatG(sf)}");
        if (!(tf > 0 && tf < 1)) throw Run.Fail(Argument, $"invalid trend factor. Expected: 0 < tf < 1, got: {NumberText.FormatG(tf)}");
        value = 0;
        if (values.Length < 2) return false;
        double s0 = 0, s1 = values[0], b = values[1] - values[0];
        for (int i = 1; i < values.Length; i++)
        {
            double x = sf * values[i];
            if (i > 1) b = (tf * (s1 - s0)) + ((1 - tf) * b);
            double y = (1 - sf) * (s1 + b);
            s0 = s1;
            s1 = x + y;
        }
        value = s1;
        return true;
    }
}

/// <summary>changes and resets; a change between float and histogram counts as both.</summary>
internal sealed class TransitionWindow(bool resets) : WindowFunction
{
    private readonly SlidingCount sliding = new(resets);

    public override ISliding? Sliding => sliding;

    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        histogram = null;
        int count = 0;
        var v = window.Values;
        if (window.Histograms.IsEmpty && window.Starts.IsEmpty)
        {
            for (int i = 1; i < v.Length; i++)
            {
                if (SlidingCount.Counts(v[i - 1], v[i], resets)) count++;
            }
            value = count;
            return true;
        }
        for (int i = 1; i < window.Count; i++)
        {
            var previous = window.Histograms.IsEmpty ? null : window.Histograms[i - 1];
            var current = window.Histograms.IsEmpty ? null : window.Histograms[i];
            bool counts;
            if ((previous is null) != (current is null)) counts = true;
            else if (resets && !window.Starts.IsEmpty && StartTimes.IsReset(window, i)) counts = true;
            else if (current is not null) counts = resets ? HistogramMath.IsReset(current, previous!) : !HistogramMath.SameValue(current, previous!);
            else counts = SlidingCount.Counts(v[i - 1], v[i], resets);
            if (counts) count++;
        }
        value = count;
        return true;
    }
}

internal static class StartTimes
{
    /// <summary>
    /// True where the start timestamp of sample i says that counting began anew after the sample before.
    /// A start equal to the time before it is a delta's, unless that sample did not know its own start
    /// or claimed one at or after itself.
    /// </summary>
    public static bool IsReset(in Window window, int i)
    {
        long start = window.Starts[i];
        long before = window.Timestamps[i - 1];
        if (start == 0 || start >= window.Timestamps[i]) return false;
        if (start > before) return true;
        long startBefore = window.Starts[i - 1];
        return start == before && startBefore != 0 && startBefore < before;
    }

    /// <summary>True where the start lies inside the span of the sample before, without being the same counting period.</summary>
    public static bool Overlaps(in Window window, int i)
    {
        long start = window.Starts[i];
        return start != 0 && start < window.Timestamps[i - 1] && start != window.Starts[i - 1];
    }
}

internal static class Quantiles
{
    /// <summary>The φ-quantile, linear between ranks. Sorts the values in place, NaN first.</summary>
    public static double Of(double q, Span<double> values)
    {
        values.Sort();
        return OfSorted(q, values);
    }

    /// <summary>The same for values that are sorted already.</summary>
    public static double OfSorted(double q, ReadOnlySpan<double> values)
    {
        if (values.IsEmpty || double.IsNaN(q)) return double.NaN;
        if (q < 0) return double.NegativeInfinity;
        if (q > 1) return double.PositiveInfinity;
        double rank = q * (values.Length - 1);
        int lower = Math.Max(0, (int)Math.Floor(rank));
        int upper = Math.Min(values.Length - 1, lower + 1);
        double weight = rank - Math.Floor(rank);
        return (values[lower] * (1 - weight)) + (values[upper] * weight);
    }
}
