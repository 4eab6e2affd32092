using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>
/// One series at the steps of an evaluation. It takes memory for the steps between its bounds only: where lines give the labels, most series have a few samples.
/// </summary>
/// <param name="from">The first step that may have a value.</param>
/// <param name="to">The step behind the last one.</param>
internal sealed class StepSeries(Labels labels, int from, int to)
{
    private readonly double[] values = new double[to - from];
    private readonly bool[] present = new bool[to - from];

    public Labels Labels { get; } = labels;

    public int From => from;

    public int To => to;

    public bool Any => Array.IndexOf(present, true) >= 0;

    /// <summary>The value at a step that has one.</summary>
    public double this[int step] => values[step - from];

    /// <summary>Whether there is a value at a step, whether within the bounds or not.</summary>
    public bool Has(int step) => step >= from && step < to && present[step - from];

    public void Set(int step, double value)
    {
        values[step - from] = value;
        present[step - from] = true;
    }

    /// <summary>The same values, between other bounds that hold these.</summary>
    public StepSeries Copy(Labels copyLabels, int copyFrom, int copyTo)
    {
        var copy = new StepSeries(copyLabels, copyFrom, copyTo);
        values.CopyTo(copy.values, from - copyFrom);
        present.CopyTo(copy.present, from - copyFrom);
        return copy;
    }
}

/// <summary>What an expression gives: one number per step, or series.</summary>
internal sealed class StepMatrix
{
    public double? Scalar { get; init; }

    public List<StepSeries> Series { get; init; } = [];

    /// <summary>The order of the series is part of the result (sort).</summary>
    public bool Ordered { get; init; }
}
