namespace Pharos.LogQL.Engine;

/// <summary>The functions over the samples of a window.</summary>
internal static class WindowFunctions
{
    public static WindowFunction Of(string op, double? parameter, long rangeNs) => op switch
    {
        "rate" => (s, _, _) => Sum(s) / (rangeNs / 1e9),
        "sum_over_time" => (s, _, _) => Sum(s),
        "avg_over_time" => (s, _, _) => Mean(s),
        "min_over_time" => (s, _, _) => Extreme(s, smaller: true),
        "max_over_time" => (s, _, _) => Extreme(s, smaller: false),
        "stdvar_over_time" => (s, _, _) => Variance(s),
        "stddev_over_time" => (s, _, _) => Math.Sqrt(Variance(s)),
        "quantile_over_time" => (s, _, _) => Quantile(parameter!.Value, s),
        "first_over_time" => (s, _, _) => s[0].Value,
        "last_over_time" => (s, _, _) => s[^1].Value,
        "rate_counter" => (s, start, end) => RateCounter(s, start, end),
        "absent_over_time" => (_, _, _) => 1,
        _ => throw new ArgumentException($"{op} is no range aggregation over values", nameof(op)),
    };

    /// <summary>Linear interpolation between the ranks around φ; outside 0…1 infinite.</summary>
    public static double Quantile(double phi, double[] sorted)
    {
        if (sorted.Length == 0 || double.IsNaN(phi)) return double.NaN;
        if (phi < 0) return double.NegativeInfinity;
        if (phi > 1) return double.PositiveInfinity;
        double rank = phi * (sorted.Length - 1);
        int low = (int)Math.Floor(rank), high = Math.Min(sorted.Length - 1, low + 1);
        double weight = rank - low;
        return (sorted[low] * (1 - weight)) + (sorted[high] * weight);
    }

    private static double Sum(ReadOnlySpan<(long, double Value)> samples)
    {
        double sum = 0;
        foreach (var (_, value) in samples) sum += value;
        return sum;
    }

    private static double Mean(ReadOnlySpan<(long, double Value)> samples)
    {
        double mean = 0, count = 0;
        foreach (var (_, value) in samples)
        {
            count++;
            mean = Aggregations.AddToMean(mean, value, count);
        }
        return mean;
    }

    private static double Extreme(ReadOnlySpan<(long, double Value)> samples, bool smaller)
    {
        double best = samples[0].Value;
        foreach (var (_, value) in samples)
        {
            if ((smaller ? value < best : value > best) || double.IsNaN(best)) best = value;
        }
        return best;
    }

    private static double Variance(ReadOnlySpan<(long, double Value)> samples)
    {
        double mean = 0, squares = 0, count = 0;
        foreach (var (_, value) in samples)
        {
            count++;
            double delta = value - mean;
            mean += delta / count;
            squares += delta * (value - mean);
        }
        return squares / count;
    }

    private static double Quantile(double phi, ReadOnlySpan<(long, double Value)> samples)
    {
        var sorted = new double[samples.Length];
        for (int i = 0; i < sorted.Length; i++) sorted[i] = samples[i].Value;
        Array.Sort(sorted);
        return Quantile(phi, sorted);
    }

    /// <summary>Prometheus's rate of a counter: resets count, and the window's edges are extrapolated. Under two samples: 0.</summary>
    private static double RateCounter(ReadOnlySpan<(long TimestampNs, double Value)> samples, long startNs, long endNs)
    {
        if (samples.Length < 2) return 0;
        double result = samples[^1].Value - samples[0].Value, last = 0;
        foreach (var (_, value) in samples)
        {
            if (value < last) result += last;
            last = value;
        }
        double toStart = (samples[0].TimestampNs - startNs) / 1e9, toEnd = (endNs - samples[^1].TimestampNs) / 1e9;
        double sampled = (samples[^1].TimestampNs - samples[0].TimestampNs) / 1e9;
        double average = sampled / (samples.Length - 1);
        double threshold = average * 1.1;
        if (toStart >= threshold) toStart = average / 2;
        // A counter was not below zero: the line is drawn back to zero at most.
        if (result > 0 && samples[0].Value >= 0) toStart = Math.Min(toStart, sampled * (samples[0].Value / result));
        double interval = sampled + toStart + (toEnd < threshold ? toEnd : average / 2);
        return result * (interval / sampled) / ((endNs - startNs) / 1e9);
    }
}
