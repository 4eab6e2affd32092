using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>Counts the entries of a cursor that passed all filters.</summary>
internal struct PassedLines
{
    private long all;
    private long inMemory;

    /// <param name="isInMemory">Whether no part holds the entries yet.</param>
    public void Add(int count, bool isInMemory)
    {
        all += count;
        if (isInMemory) inMemory += count;
    }

    /// <summary>What the store says of its work, with what passed.</summary>
    public readonly LogReadStatistics Of(LogReadStatistics read) => read with { Passed = all, Memory = read.Memory with { Passed = inMemory } };
}
