using Pharos.Core;
using Pharos.PromQL.Running;

namespace Pharos.PromQL.Execution;

/// <summary>What one worker reads series into, and what it makes columns of. For one thread at a time.</summary>
internal sealed class WorkSpace(QueryMemory memory) : IDisposable
{
    private readonly ValueSlabs slabs = new();
    private Column? spare;

    public SampleColumns Samples { get; } = new();

    public RangeSeries Window { get; } = new();

    /// <summary>A column in whatever state: the one that was given back, or a new one.</summary>
    public Column Column(Labels labels, bool dropName, int count)
    {
        if (spare is not { } column || column.Count != count) return new Column(labels, dropName, count, memory, slabs);
        spare = null;
        column.Labels = labels;
        column.DropName = dropName;
        return column;
    }

    /// <summary>Takes a column back that nobody needs, for the next series.</summary>
    public void GiveBack(Column column)
    {
        if (spare is null && column.Histograms is null) spare = column;
        else column.Dispose();
    }

    public void Dispose()
    {
        spare?.Dispose();
        spare = null;
        slabs.Dispose();
        Samples.Dispose();
    }
}

/// <summary>The space of each worker.</summary>
internal sealed class WorkBuffers : IDisposable
{
    private readonly WorkSpace[] spaces;

    public WorkBuffers(int workers, QueryMemory memory)
    {
        spaces = new WorkSpace[workers];
        for (int w = 0; w < workers; w++) spaces[w] = new WorkSpace(memory);
    }

    public WorkSpace this[int worker] => spaces[worker];

    public void Dispose()
    {
        foreach (var space in spaces) space.Dispose();
    }
}
