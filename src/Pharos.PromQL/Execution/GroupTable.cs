using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>The groups of an aggregation, in the order in which they came up.</summary>
internal sealed class GroupTable(AggregateExpr aggregate, Evaluation run, Grid grid, IReadOnlyList<string> names)
{
    private readonly LabelKey key = new(names, keep: !aggregate.Without, dropName: true);
    private readonly Dictionary<Labels, AggregateGroup> groups = new(LabelsComparer.Instance);
    private readonly List<AggregateGroup> order = [];

    /// <summary>Columns that hold histograms: they are folded one after the other once all before them are.</summary>
    private List<Column>? later;

    private Labels? lastLabels;
    private AggregateGroup? lastGroup;

    /// <summary>True where the group's labels hold the name, so that a delayed drop of it must be carried on.</summary>
    private bool KeepsName => !aggregate.Without && aggregate.Grouping.Contains(Labels.MetricName);

    public IReadOnlyList<AggregateGroup> Groups => order;

    /// <summary>Folds a series in and disposes of it.</summary>
    public void Add(Column column)
    {
        using (column) Fold(column);
    }

    /// <summary>
    /// Folds a series in, for a table that is to be merged, and gives its column back to the worker. Histograms, which cannot be folded in
    /// two halves, are kept.
    /// </summary>
    public void AddPart(Column column, WorkSpace space)
    {
        if (column.Histograms is not null)
        {
            (later ??= []).Add(column);
            return;
        }
        Fold(column);
        space.GiveBack(column);
    }

    private void Fold(Column column)
    {
        var group = Of(column.Labels);
        group.DropName |= column.DropName && KeepsName;
        group.Add(column);
    }

    /// <summary>
    /// Folds in what another table folded of the series that come after those of this one. The other is as new then, and, where its groups
    /// are few, true: it keeps them for the series of another shard. Where they are not, it is of no more use.
    /// </summary>
    public bool Merge(GroupTable next, int seriesOfShard)
    {
        bool again = next.order.Count <= seriesOfShard;
        foreach (var group in next.order)
        {
            bool mine = groups.TryGetValue(group.Labels, out var own);
            if (!mine && !again)
            {
                Enter(group);
                continue;
            }
            if (group.IsUsed)
            {
                if (own is null) Enter(own = NewGroup(group.Labels));
                own.Merge(group);
            }
            if (again) group.Reset();
            else group.Drop();
        }
        foreach (var column in next.later ?? []) Add(column);
        next.later = null;
        if (!again) next.Close();
        return again;
    }

    /// <summary>Gives back the groups too, of a table that takes part no more.</summary>
    public void Drop()
    {
        foreach (var group in order) group.Drop();
        Close();
    }

    /// <summary>Gives working space back; the groups stay.</summary>
    public void Close() => key.Dispose();

    private AggregateGroup Of(Labels labels)
    {
        // Where a store hands out one set for many series, they come one after the other often.
        if (ReferenceEquals(labels, lastLabels)) return lastGroup!;
        var signature = key.Of(labels);
        if (!groups.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(signature, out var group))
        {
            group = NewGroup(Labels.FromEncoded(signature));
            Enter(group);
        }
        (lastLabels, lastGroup) = (labels, group);
        return group;
    }

    private AggregateGroup NewGroup(Labels labels) => new(aggregate, run, grid, new Column(labels, dropName: false, grid.Count, run.Memory));

    private void Enter(AggregateGroup group)
    {
        groups.Add(group.Labels, group);
        order.Add(group);
    }
}
