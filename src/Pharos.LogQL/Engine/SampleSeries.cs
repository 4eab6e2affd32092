using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>Gathers the samples of one series of a range aggregation, and computes its value at each step.</summary>
internal abstract class SampleSeries(Labels labels)
{
    public Labels Labels { get; } = labels;

    /// <param name="timestampNs">Shifted by the offset, so that it compares with the steps.</param>
    public abstract void Add(long timestampNs, double value);

    public abstract StepSeries Evaluate(Steps steps, long rangeNs);
}

/// <summary>
/// Counts and whole-number sums: each sample adds to the steps whose window holds it, by differences, so that nothing is kept per line.
/// </summary>
internal sealed class CountingSeries(Labels labels, Steps steps, long rangeNs, double perSecondOf) : SampleSeries(labels)
{
    private readonly long[] counts = new long[steps.Count + 1];
    private readonly long[] sums = new long[steps.Count + 1];

    public override void Add(long timestampNs, double value)
    {
        // The window of step t is (t − range, t].
        long first = Math.Max(0, CeilingDivide(timestampNs - steps.StartNs, steps.StepNs));
        long last = Math.Min(steps.Count - 1, CeilingDivide(timestampNs + rangeNs - steps.StartNs, steps.StepNs) - 1);
        if (first > last) return;
        counts[first]++;
        counts[last + 1]--;
        sums[first] += (long)value;
        sums[last + 1] -= (long)value;
    }

    public override StepSeries Evaluate(Steps at, long range)
    {
        var series = new StepSeries(Labels, at.Count);
        long count = 0, sum = 0;
        for (int i = 0; i < at.Count; i++)
        {
            count += counts[i];
            sum += sums[i];
            if (count > 0) series.Set(i, sum / perSecondOf);
        }
        return series;
    }

    private static long CeilingDivide(long value, long by)
    {
        long quotient = Math.DivRem(value, by, out long rest);
        return rest > 0 ? quotient + 1 : quotient;
    }
}

/// <summary>Keeps the samples, for functions that need them.</summary>
internal sealed class KeepingSeries(Labels labels, WindowFunction function) : SampleSeries(labels)
{
    private readonly List<(long TimestampNs, double Value)> samples = [];
    private bool sorted = true;

    public override void Add(long timestampNs, double value)
    {
        if (samples.Count > 0 && timestampNs < samples[^1].TimestampNs) sorted = false;
        samples.Add((timestampNs, value));
    }

    public override StepSeries Evaluate(Steps steps, long rangeNs)
    {
        var all = samples.ToArray();
        if (!sorted) all = [.. all.OrderBy(s => s.TimestampNs)];
        var series = new StepSeries(Labels, steps.Count);
        int from = 0, to = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            long end = steps.At(i), start = end - rangeNs;
            while (to < all.Length && all[to].TimestampNs <= end) to++;
            while (from < to && all[from].TimestampNs <= start) from++;
            if (to > from) series.Set(i, function(all.AsSpan(from, to - from), start, end));
        }
        return series;
    }
}

/// <param name="samples">At least one, oldest first.</param>
internal delegate double WindowFunction(ReadOnlySpan<(long TimestampNs, double Value)> samples, long startNs, long endNs);
