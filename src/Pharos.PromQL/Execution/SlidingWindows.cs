using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>A value over a window of floats that only moves forward: what comes in and goes out is worked in, nothing is computed anew.</summary>
internal interface ISliding
{
    /// <summary>Takes the samples of a series; windows over them follow, each beginning and ending at or after the one before.</summary>
    void Begin(ReadOnlySpan<double> values);

    /// <summary>The value over samples <paramref name="from"/> (inclusive) to <paramref name="to"/> (exclusive), at least one.</summary>
    double Move(ReadOnlySpan<double> values, int from, int to);
}

/// <summary>
/// Sums, or means, by two stacks: sums from each sample up to a middle, and one running sum behind it. Nothing is ever
/// subtracted, so that the result is as exact as adding up the window.
/// </summary>
internal sealed class SlidingSum(bool average, Func<ReadOnlySpan<double>, double> whole) : ISliding
{
    /// <summary>Beyond this a sum may overflow, and the order of adding decides where: then the window is added up as it stands.</summary>
    private const double Large = 1e300;

    private double[] sums = [];
    private double[] lost = [];
    private int middle;
    private int end;
    private double sum;
    private double compensation;

    public void Begin(ReadOnlySpan<double> values)
    {
        if (sums.Length < values.Length)
        {
            sums = new double[Math.Max(values.Length, sums.Length * 2)];
            lost = new double[sums.Length];
        }
        (middle, end, sum, compensation) = (0, 0, 0, 0);
    }

    public double Move(ReadOnlySpan<double> values, int from, int to)
    {
        if (from >= middle) Turn(values, from, to);
        for (; end < to; end++) Kahan.Add(values[end], ref sum, ref compensation);
        double total = sum, c = compensation;
        if (from < middle)
        {
            Kahan.Add(sums[from], ref total, ref c);
            c += lost[from];
        }
        if (!(Math.Abs(total) < Large)) return whole(values[from..to]);
        return average ? (total / (to - from)) + (c / (to - from)) : total + c;
    }

    /// <summary>The front has been used up: what is in the window becomes the new front.</summary>
    private void Turn(ReadOnlySpan<double> values, int from, int to)
    {
        double s = 0, c = 0;
        for (int i = to - 1; i >= from; i--)
        {
            Kahan.Add(values[i], ref s, ref c);
            (sums[i], lost[i]) = (s, c);
        }
        (middle, end, sum, compensation) = (to, to, 0, 0);
    }
}

/// <summary>The least or greatest sample: those that a later one beats are forgotten. NaN only where all are NaN.</summary>
internal sealed class SlidingExtreme(bool max) : ISliding
{
    private int[] candidates = [];
    private int head;
    private int tail;
    private int end;

    public void Begin(ReadOnlySpan<double> values)
    {
        if (candidates.Length < values.Length) candidates = new int[Math.Max(values.Length, candidates.Length * 2)];
        (head, tail, end) = (0, 0, 0);
    }

    public double Move(ReadOnlySpan<double> values, int from, int to)
    {
        for (end = Math.Max(end, from); end < to; end++)
        {
            double value = values[end];
            if (double.IsNaN(value)) continue;
            while (tail > head && (max ? value > values[candidates[tail - 1]] : value < values[candidates[tail - 1]])) tail--;
            candidates[tail++] = end;
        }
        while (head < tail && candidates[head] < from) head++;
        return head < tail ? values[candidates[head]] : double.NaN;
    }
}

/// <summary>The window kept sorted, for quantiles: a sample is put in, or taken out, at its place.</summary>
internal sealed class SortedWindow
{
    private double[] sorted = [];
    private int count;
    private int start;
    private int end;

    public void Begin() => (count, start, end) = (0, 0, 0);

    /// <summary>The samples of the window, NaN first.</summary>
    public ReadOnlySpan<double> Move(ReadOnlySpan<double> values, int from, int to)
    {
        if (from >= end)
        {
            // Nothing of the window before is left.
            Fill(values, from, to);
            return sorted.AsSpan(0, count);
        }
        for (; start < from; start++) Remove(values[start]);
        for (; end < to; end++) Insert(values[end]);
        return sorted.AsSpan(0, count);
    }

    private void Fill(ReadOnlySpan<double> values, int from, int to)
    {
        count = to - from;
        if (sorted.Length < count) sorted = new double[Math.Max(count, sorted.Length * 2)];
        values[from..to].CopyTo(sorted);
        sorted.AsSpan(0, count).Sort();
        (start, end) = (from, to);
    }

    private void Remove(double value)
    {
        int at = sorted.AsSpan(0, count).BinarySearch(value);
        sorted.AsSpan(at + 1, count - at - 1).CopyTo(sorted.AsSpan(at));
        count--;
    }

    private void Insert(double value)
    {
        if (count == sorted.Length) Array.Resize(ref sorted, Math.Max(16, count * 2));
        int at = sorted.AsSpan(0, count).BinarySearch(value);
        if (at < 0) at = ~at;
        sorted.AsSpan(at, count - at).CopyTo(sorted.AsSpan(at + 1));
        sorted[at] = value;
        count++;
    }
}

/// <summary>Changes, or resets, from each sample to the next, counted once from the first sample on.</summary>
internal sealed class SlidingCount(bool resets) : ISliding
{
    private int[] upTo = [];

    public void Begin(ReadOnlySpan<double> values)
    {
        if (upTo.Length < values.Length) upTo = new int[Math.Max(values.Length, upTo.Length * 2)];
        for (int i = 1; i < values.Length; i++) upTo[i] = upTo[i - 1] + (Counts(values[i - 1], values[i], resets) ? 1 : 0);
    }

    public double Move(ReadOnlySpan<double> values, int from, int to) => upTo[to - 1] - upTo[from];

    public static bool Counts(double before, double now, bool resets) =>
        resets ? now < before : now != before && !(double.IsNaN(now) && double.IsNaN(before));
}
