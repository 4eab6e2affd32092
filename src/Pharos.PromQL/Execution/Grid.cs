namespace Pharos.PromQL.Execution;

/// <summary>Evaluation times: <see cref="Count"/> steps from <see cref="StartMs"/>, <see cref="StepMs"/> apart.</summary>
internal readonly record struct Grid(long StartMs, long StepMs, int Count)
{
    /// <summary>Of a sub-query: its steps are not those of the query.</summary>
    public bool IsInner { get; init; }

    public long EndMs => StartMs + ((Count - 1) * StepMs);

    public long At(int step) => StartMs + (step * StepMs);

    /// <summary>Only the first step: where an expression that does not depend on the step is evaluated.</summary>
    public Grid First => this with { StepMs = 0, Count = 1 };
}
