using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>The rate family over windows that hold histograms or start timestamps.</summary>
internal static class HistogramRates
{
    public static bool Extrapolated(RateWindow function, in Window window, int step, bool counter, bool rate, Labels labels, out double value, out Histogram? histogram)
    {
        value = 0;
        histogram = null;
        int last = window.Count - 1;
        bool useStarts = counter && !window.Starts.IsEmpty;
        bool firstFromZero = useStarts && StartInside(window);
        if (last < 1 && !firstFromZero) return false;
        int floats = 0;
        for (int i = 0; i < window.Count; i++)
        {
            if (window.Histograms.IsEmpty || window.Histograms[i] is null) floats++;
        }
        if (floats > 0 && floats < window.Count)
        {
            function.Run.Annotations.Warn(function.Argument, $"encountered a mix of histograms and floats{Annotations.ForMetric(labels)}", function.Run.StepOf(function.Grid, step));
            return false;
        }
        if (useStarts) WarnOfOverlaps(function, window, step, labels);
        // A start inside the window is a sample of zero there: nothing is left to extend to.
        long firstMs = window.Timestamps[0];
        long? zeroAt = firstFromZero ? window.Starts[0] : null;
        if (floats > 0)
        {
            double growth = window.Values[last] - (firstFromZero ? 0 : window.Values[0]);
            if (counter)
            {
                for (int i = 1; i <= last; i++)
                {
                    if (window.Values[i] < window.Values[i - 1] || (useStarts && StartTimes.IsReset(window, i))) growth += window.Values[i - 1];
                }
                function.HintCounter(step, step);
            }
            double factor = RateWindow.Factor(firstMs, window.Timestamps[last], last, window.FromMs, window.ToMs, counter, growth, window.Values[0], zeroAt);
            value = growth * factor;
            if (rate) value /= (window.ToMs - window.FromMs) / 1000.0;
            return true;
        }
        if (Growth(function, window, step, counter, labels, useStarts, firstFromZero) is not { } grown) return false;
        double extension = RateWindow.Factor(
            firstMs, window.Timestamps[last], last, window.FromMs, window.ToMs, counter && grown.Count > 0, grown.Count, window.Histograms[0]!.Count, zeroAt);
        if (rate) extension /= (window.ToMs - window.FromMs) / 1000.0;
        grown.Scale(extension);
        grown.Hint = CounterResetHint.Gauge;
        histogram = grown.ToHistogram();
        return true;
    }

    private static bool StartInside(in Window window)
    {
        long start = window.Starts[0];
        return start != 0 && start > window.FromMs && start < window.Timestamps[0];
    }

    private static void WarnOfOverlaps(WindowFunction function, in Window window, int step, Labels labels)
    {
        for (int i = 1; i < window.Count; i++)
        {
            if (!StartTimes.Overlaps(window, i)) continue;
            string name = labels.Name;
            function.Run.Annotations.Warn(
                function.Argument,
                $"sample has start time that overlaps with previous sample timestamp{(name.Length == 0 ? "" : $" for metric {GoString.Quote(name)}")}", function.Run.StepOf(function.Grid, step));
            return;
        }
    }

    private static WorkingHistogram? Growth(WindowFunction function, in Window window, int step, bool counter, Labels labels, bool useStarts, bool firstFromZero)
    {
        var h = window.Histograms;
        int last = window.Count - 1;
        var annotations = function.Run.Annotations;
        var here = function.Run.StepOf(function.Grid, step);
        string name = GoString.Quote(labels.Name);
        var previous = h[0]!;
        bool gauge = false;
        if (counter && (previous.ResetHint == CounterResetHint.Gauge || h[last]!.ResetHint == CounterResetHint.Gauge)) gauge = true;
        bool ignoreFirst = firstFromZero;
        if (counter && last > 0 && (HistogramMath.IsReset(h[1]!, previous) || (useStarts && StartTimes.IsReset(window, 1))))
        {
            // The first sample matters only as what was there before the reset, whatever its layout.
            ignoreFirst = !firstFromZero || ignoreFirst;
        }
        bool custom = ignoreFirst && last > 0 && !firstFromZero ? h[1]!.UsesCustomBuckets : previous.UsesCustomBuckets;
        if (h[last]!.UsesCustomBuckets != custom) return Mixed();
        int schema = h[last]!.Schema;
        if (!(ignoreFirst && !firstFromZero)) schema = Math.Min(schema, previous.Schema);
        else schema = Math.Min(schema, h[Math.Min(1, last)]!.Schema);
        for (int i = 1; i < last && counter; i++)
        {
            if (h[i]!.ResetHint == CounterResetHint.Gauge) gauge = true;
            schema = Math.Min(schema, h[i]!.Schema);
            if (h[i]!.UsesCustomBuckets != custom) return Mixed();
        }
        if (gauge) annotations.Warn(function.Argument, $"this native histogram metric is not a counter: {name}", here);
        var grown = WorkingHistogram.From(h[last]!);
        if (!custom) grown.Reduce(schema);
        bool reconciled = false;
        if (!ignoreFirst)
        {
            if (!grown.Add(WorkingHistogram.From(previous), -1, out reconciled)) return Mixed();
            if (reconciled) annotations.Info(function.Argument, "mismatched custom buckets were reconciled during subtraction", here);
        }
        if (counter)
        {
            bool skip = ignoreFirst && !firstFromZero;
            for (int i = skip ? 2 : 1; i <= last; i++)
            {
                if (!HistogramMath.IsReset(h[i]!, h[i - 1]!) && !(useStarts && StartTimes.IsReset(window, i))) continue;
                if (!grown.Add(WorkingHistogram.From(h[i - 1]!), 1, out reconciled)) return Mixed();
                if (reconciled) annotations.Info(function.Argument, "mismatched custom buckets were reconciled during addition", here);
            }
        }
        else if (h[0]!.ResetHint != CounterResetHint.Gauge || h[last]!.ResetHint != CounterResetHint.Gauge)
        {
            annotations.Warn(function.Argument, $"this native histogram metric is not a gauge: {name}", here);
        }
        return grown;

        WorkingHistogram? Mixed()
        {
            annotations.Warn(function.Argument, $"vector contains a mix of histograms with exponential and custom buckets schemas{Annotations.ForMetric(labels)}", here);
            return null;
        }
    }

    public static bool Instant(InstantRateWindow function, in Window window, int step, bool rate, Labels labels, out double value, out Histogram? histogram)
    {
        value = 0;
        histogram = null;
        int last = window.Count - 1;
        bool useStarts = rate && !window.Starts.IsEmpty;
        if (last < 1) return false;
        var annotations = function.Run.Annotations;
        long interval = window.Timestamps[last] - window.Timestamps[last - 1];
        if (interval == 0) return false;
        bool restarted = useStarts && StartTimes.IsReset(window, last);
        var current = window.Histograms.IsEmpty ? null : window.Histograms[last];
        var previous = window.Histograms.IsEmpty ? null : window.Histograms[last - 1];
        if ((current is null) != (previous is null))
        {
            annotations.Warn(function.Argument, $"encountered a mix of histograms and floats{Annotations.ForMetric(labels)}", function.Run.StepOf(function.Grid, step));
            return false;
        }
        if (current is null)
        {
            value = rate && (restarted || window.Values[last] < window.Values[last - 1])
                ? window.Values[last]
                : window.Values[last] - window.Values[last - 1];
            if (rate) value /= interval / 1000.0;
            return true;
        }
        var here = function.Run.StepOf(function.Grid, step);
        string name = GoString.Quote(labels.Name);
        bool bothGauge = current.ResetHint == CounterResetHint.Gauge && previous!.ResetHint == CounterResetHint.Gauge;
        bool anyGauge = current.ResetHint == CounterResetHint.Gauge || previous!.ResetHint == CounterResetHint.Gauge;
        if (rate && anyGauge) annotations.Warn(function.Argument, $"this native histogram metric is not a counter: {name}", here);
        if (!rate && !bothGauge) annotations.Warn(function.Argument, $"this native histogram metric is not a gauge: {name}", here);
        var grown = WorkingHistogram.From(current);
        if (!rate || !(restarted || HistogramMath.IsReset(current, previous!)))
        {
            if (!grown.Add(WorkingHistogram.From(previous!), -1, out bool reconciled))
            {
                annotations.Warn(function.Argument, $"vector contains a mix of histograms with exponential and custom buckets schemas{Annotations.ForMetric(labels)}", here);
                return false;
            }
            if (reconciled) annotations.Info(function.Argument, "mismatched custom buckets were reconciled during subtraction", here);
        }
        if (rate) grown.Divide(interval / 1000.0);
        grown.Hint = CounterResetHint.Gauge;
        histogram = grown.ToHistogram();
        return true;
    }
}
