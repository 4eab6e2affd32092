using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>rate, increase and delta: the growth in a window, extended towards the window's borders.</summary>
internal sealed class RateWindow(bool counter, bool rate) : WindowFunction
{
    private Labels labels = Labels.Empty;
    private int[] resets = [];
    private int resetCount;
    private int firstReset;
    private Labels? lastHinted;
    private (int First, int Last) lastSteps;
    private readonly RateBlock block = new();

    public override void Begin(RangeSeries series)
    {
        labels = series.Labels;
        firstReset = 0;
        resetCount = 0;
        if (!counter || series.HasHistograms || series.HasStarts) return;
        // Resets are rare: found once per series, each window then looks at its own few only.
        var v = series.Values;
        for (int i = 1; i < v.Length; i++)
        {
            if (v[i] >= v[i - 1] || double.IsNaN(v[i])) continue;
            if (!(v[i] < v[i - 1])) continue;
            if (resetCount == resets.Length) Array.Resize(ref resets, Math.Max(16, resetCount * 2));
            resets[resetCount++] = i;
        }
    }

    public override bool TrySlide(RangeSeries series, Grid times, long rangeMs, Span<double> into, long[]? perStep, out long looked, out bool any)
    {
        var t = series.Timestamps;
        var v = series.Values;
        int from = 0, to = 0;
        looked = 0;
        any = false;
        for (int first = 0; first < into.Length; first += RateBlock.StepsMax)
        {
            int count = Math.Min(RateBlock.StepsMax, into.Length - first);
            for (int i = 0; i < count; i++)
            {
                long endMs = times.At(first + i), startMs = endMs - rangeMs;
                while (to < t.Length && t[to] <= endMs) to++;
                while (from < to && t[from] <= startMs) from++;
                looked += to - from;
                if (perStep is not null) perStep[first + i] += to - from;
                if (to - from < 2)
                {
                    block.Leave(i);
                    continue;
                }
                double growth = v[to - 1] - v[from];
                if (counter)
                {
                    while (firstReset < resetCount && resets[firstReset] <= from) firstReset++;
                    for (int r = firstReset; r < resetCount && resets[r] < to; r++) growth += v[resets[r] - 1];
                }
                block.Set(i, t[from] - startMs, endMs - t[to - 1], t[to - 1] - t[from], to - from - 1, growth, v[from]);
                any = true;
            }
            block.Extrapolate(into.Slice(first, count), counter, rate ? rangeMs / 1000.0 : 0);
        }
        if (any && counter) HintCounter(FirstPresent(into), LastPresent(into));
        return true;
    }

    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram) =>
        HistogramRates.Extrapolated(this, window, step, counter, rate, labels, out value, out histogram);

    /// <summary>Tells that the name of a series with results from one step to another is not that of a counter.</summary>
    public void HintCounter(int first, int last)
    {
        // Series of one aggregation often share their labels.
        if (ReferenceEquals(labels, lastHinted) && lastSteps.First <= first && lastSteps.Last >= last) return;
        if (ReferenceEquals(labels, lastHinted)) (first, last) = (Math.Min(first, lastSteps.First), Math.Max(last, lastSteps.Last));
        Hint(Grid == Run.Grid ? new TimeRange(Grid.At(first), Grid.At(last)) : Run.StepOf(Grid, first));
        lastHinted = labels;
        lastSteps = (first, last);
    }

    private static int FirstPresent(ReadOnlySpan<double> values)
    {
        int at = 0;
        while (!Column.IsPresent(values[at])) at++;
        return at;
    }

    private static int LastPresent(ReadOnlySpan<double> values)
    {
        int at = values.Length - 1;
        while (!Column.IsPresent(values[at])) at--;
        return at;
    }

    private void Hint(TimeRange? steps)
    {
        if (!labels.TryGetUtf8("__name__"u8, out var name)) return;
        if (labels.TryGetValue("__type__", out string? type))
        {
            if (type is not ("counter" or "histogram" or "unknown"))
                Run.Annotations.Info(Argument, $"metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\": {GoString.Quote(labels.Name)}", steps);
            return;
        }
        if (!name.EndsWith("_total"u8) && !name.EndsWith("_sum"u8) && !name.EndsWith("_count"u8) && !name.EndsWith("_bucket"u8))
            Run.Annotations.Info(Argument, $"metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {GoString.Quote(labels.Name)}", steps);
    }

    /// <summary>
    /// How much the growth between first and last sample is extended: to the borders where the samples come near them,
    /// else by half a sample distance, and a counter never below zero. <see cref="RateBlock"/> does the same for many windows.
    /// </summary>
    public static double Factor(
        long firstMs, long lastMs, int distances, long fromMs, long toMs, bool counter, double growth, double firstValue, long? zeroAtMs)
    {
        double toStart = (firstMs - fromMs) / 1000.0;
        double toEnd = (toMs - lastMs) / 1000.0;
        double span = (lastMs - firstMs) / 1000.0;
        double average = distances == 0 ? 0 : span / distances;
        double threshold = average * 1.1;
        if (zeroAtMs is { } zeroMs)
        {
            // The counting began inside the window, with zero.
            toStart = 0;
            span = (lastMs - zeroMs) / 1000.0;
        }
        else
        {
            if (toStart >= threshold) toStart = average / 2;
            if (counter)
            {
                double toZero = toStart;
                if (growth > 0 && firstValue >= 0) toZero = span * (firstValue / growth);
                if (toZero < toStart) toStart = toZero;
            }
        }
        if (toEnd >= threshold) toEnd = average / 2;
        return (span + toStart + toEnd) / span;
    }
}

/// <summary>irate and idelta: the last two samples.</summary>
internal sealed class InstantRateWindow(bool rate) : WindowFunction
{
    private Labels labels = Labels.Empty;

    public override void Begin(RangeSeries series) => labels = series.Labels;

    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        value = 0;
        histogram = null;
        int last = window.Count - 1;
        if (!window.Histograms.IsEmpty || !window.Starts.IsEmpty) return HistogramRates.Instant(this, window, step, rate, labels, out value, out histogram);
        if (last < 1) return false;
        long interval = window.Timestamps[last] - window.Timestamps[last - 1];
        if (interval == 0) return false;
        double current = window.Values[last], previous = window.Values[last - 1];
        value = rate && current < previous ? current : current - previous;
        if (rate) value /= interval / 1000.0;
        return true;
    }
}

/// <summary>sum_over_time and avg_over_time, for floats or histograms.</summary>
internal sealed class SumWindow(bool average) : WindowFunction
{
    private readonly SlidingSum sliding = new(average, average ? Mean : Sum);
    private Labels labels = Labels.Empty;

    public override ISliding? Sliding => sliding;

    public override void Begin(RangeSeries series) => labels = series.Labels;

    public override bool Evaluate(in Window window, int step, out double value, out Histogram? histogram)
    {
        histogram = null;
        value = 0;
        if (!window.Histograms.IsEmpty)
        {
            int floats = 0;
            foreach (var h in window.Histograms)
            {
                if (h is null) floats++;
            }
            if (floats > 0 && floats < window.Count)
            {
                Run.Annotations.Warn(Argument, $"encountered a mix of histograms and floats{Annotations.ForMetric(labels)}", Run.StepOf(Grid, step));
                return false;
            }
            if (floats == 0) return Histograms(window, step, out histogram);
        }
        value = average ? Mean(window.Values) : Sum(window.Values);
        return true;
    }

    private static double Sum(ReadOnlySpan<double> v)
    {
        double sum = v[0], c = 0;
        for (int i = 1; i < v.Length; i++) Kahan.Add(v[i], ref sum, ref c);
        return double.IsInfinity(sum) ? sum : sum + c;
    }

    private static double Mean(ReadOnlySpan<double> v)
    {
        double sum = v[0], c = 0, mean = 0;
        bool incremental = false;
        for (int i = 1; i < v.Length; i++)
        {
            double count = i + 1;
            if (!incremental)
            {
                double newSum = sum, newC = c;
                Kahan.Add(v[i], ref newSum, ref newC);
                if (!double.IsInfinity(newSum))
                {
                    sum = newSum;
                    c = newC;
                    continue;
                }
                // The sum overflows: go on with a running mean.
                incremental = true;
                mean = sum / (count - 1);
                c /= count - 1;
            }
            double q = (count - 1) / count;
            mean *= q;
            c *= q;
            Kahan.Add(v[i] / count, ref mean, ref c);
        }
        return incremental ? mean + c : (sum / v.Length) + (c / v.Length);
    }

    private bool Histograms(in Window window, int step, out Histogram? histogram)
    {
        var total = new HistogramAccumulator(average);
        foreach (var h in window.Histograms)
        {
            if (!total.Add(h!))
            {
                Run.Annotations.Warn(Argument, $"vector contains a mix of histograms with exponential and custom buckets schemas{Annotations.ForMetric(labels)}", Run.StepOf(Grid, step));
                histogram = null;
                return false;
            }
        }
        if (total.Conflict) Run.Annotations.Warn(Argument, "conflicting counter resets during histogram aggregation", Run.StepOf(Grid, step));
        if (total.Reconciled) Run.Annotations.Info(Argument, "mismatched custom buckets were reconciled during aggregation", Run.StepOf(Grid, step));
        histogram = total.Result();
        return true;
    }
}
