using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>The steps of an evaluation, nanoseconds.</summary>
internal readonly record struct Steps(long StartNs, long StepNs, int Count)
{
    public long At(int index) => StartNs + (index * StepNs);

    public long LastNs => At(Count - 1);
}

/// <summary>One series at all steps.</summary>
internal sealed class StepSeries(Labels labels, int steps)
{
    public Labels Labels { get; private set; } = labels;

    public double[] Values { get; } = new double[steps];

    /// <summary>Whether there is a value at a step.</summary>
    public bool[] Present { get; } = new bool[steps];

    public void Set(int step, double value)
    {
        Values[step] = value;
        Present[step] = true;
    }

    /// <summary>Takes all values out, for another series to use the same memory.</summary>
    public void Reset(Labels newLabels)
    {
        Labels = newLabels;
        Array.Clear(Present);
    }

    public bool Any => Array.IndexOf(Present, true) >= 0;
}

/// <summary>What an expression gives: one number per step, or series.</summary>
internal sealed class StepMatrix
{
    public double? Scalar { get; init; }

    public List<StepSeries> Series { get; init; } = [];

    /// <summary>The order of the series is part of the result (sort).</summary>
    public bool Ordered { get; init; }
}
