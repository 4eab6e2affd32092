using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>Counts the entries of a cursor that passed all filters.</summary>
internal struct PassedLines
{
    private long all;
    private long inMemory;

    public void Add(ILogCursor cursor, int count)
    {
        all += count;
        if (cursor.InMemory) inMemory += count;
    }

    /// <summary>What the cursor says of its work, with what passed.</summary>
    public readonly LogReadStatistics Of(ILogCursor cursor)
    {
        var read = cursor.Statistics;
        return read with { Passed = all, Memory = read.Memory with { Passed = inMemory } };
    }
}
