namespace Pharos.Core;

/// <summary>Windows that end at the steps of a query: the window of step i is (StartNs + i × StepNs − RangeNs, StartNs + i × StepNs].</summary>
public sealed record StepWindows(long StartNs, long StepNs, int Count, long RangeNs)
{
    public long At(int step) => StartNs + (step * StepNs);

    /// <summary>The first step whose window holds a time.</summary>
    public long First(long timestampNs) => Math.Max(0, CeilingDivide(timestampNs - StartNs, StepNs));

    /// <summary>The last step whose window holds a time; less than <see cref="First"/> where there is none.</summary>
    public long Last(long timestampNs) => Math.Min(Count - 1, CeilingDivide(timestampNs + RangeNs - StartNs, StepNs) - 1);

    /// <summary>Whether all times from one to another are in the same windows.</summary>
    public bool AreSame(long minNs, long maxNs) => First(minNs) == First(maxNs) && Last(minNs) == Last(maxNs);

    private static long CeilingDivide(long value, long by)
    {
        long quotient = Math.DivRem(value, by, out long rest);
        return rest > 0 ? quotient + 1 : quotient;
    }
}
