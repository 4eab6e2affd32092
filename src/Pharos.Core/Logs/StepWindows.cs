namespace Pharos.Core;

/// <summary>The steps of a query, nanoseconds: step i is at StartNs + i × StepNs.</summary>
public readonly record struct Steps(long StartNs, long StepNs, int Count)
{
    public long LastNs => At(Count - 1);

    public long At(int step) => StartNs + (step * StepNs);
}

/// <summary>Windows that end at the steps of a query: that of a step is (its time − RangeNs, its time].</summary>
public sealed record StepWindows(Steps Steps, long RangeNs)
{
    /// <summary>The first step whose window holds a time.</summary>
    public long First(long timestampNs) => Math.Max(0, CeilingDivide(timestampNs - Steps.StartNs, Steps.StepNs));

    /// <summary>The last step whose window holds a time; less than <see cref="First"/> where there is none.</summary>
    public long Last(long timestampNs) => Math.Min(Steps.Count - 1, CeilingDivide(timestampNs + RangeNs - Steps.StartNs, Steps.StepNs) - 1);

    /// <summary>Whether all times from one to another are in the same windows.</summary>
    public bool AreSame(long minNs, long maxNs) => First(minNs) == First(maxNs) && Last(minNs) == Last(maxNs);

    private static long CeilingDivide(long value, long by)
    {
        long quotient = Math.DivRem(value, by, out long rest);
        return rest > 0 ? quotient + 1 : quotient;
    }
}
