using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>sum, avg, min, max, count, group, stddev and stdvar: series are folded into their groups as they come.</content>
internal sealed partial class Evaluator
{
    /// <summary>Series of one shard at least, and shards at most. Which series share a shard hangs on their number alone, so that results do too.</summary>
    private const int ShardSeriesMin = 256, ShardsMax = 64;

    /// <summary>Labels that belong to the name and go with it.</summary>
    internal static readonly string[] NameLabels = [Labels.MetricName, "__type__", "__unit__"];

    private IEnumerable<Column> Fold(AggregateExpr aggregate, Grid grid)
    {
        var table = FoldShards(aggregate, grid) ?? FoldInTurn(aggregate, grid);
        var groups = table.Groups;
        run.Release((long)groups.Count * grid.Count);
        foreach (var group in groups)
        {
            var result = group.Result();
            if (result.IsEmpty()) result.Dispose();
            else yield return result;
        }
    }

    private GroupTable FoldInTurn(AggregateExpr aggregate, Grid grid)
    {
        var table = new GroupTable(aggregate, run, grid, aggregate.Grouping);
        int held = 0;
        if (!aggregate.Without && aggregate.Operand.Unwrapped is BinaryExpr binary) lookedAt[binary] = aggregate.Grouping;
        foreach (var column in Vector(aggregate.Operand, grid))
        {
            table.Add(column);
            Hold(aggregate, table, grid, ref held);
        }
        table.Close();
        return table;
    }

    /// <summary>
    /// Reads and folds series side by side, where the operand is a selector or a function over one: each shard by itself, then one
    /// shard after the other. Null where the operand is something else.
    /// </summary>
    private GroupTable? FoldShards(AggregateExpr aggregate, Grid grid)
    {
        if (run.Trace is not null || run.PerStep is not null || run.Options.DelayedNameRemoval) return null;
        if (OwnSource(aggregate.Operand, grid, aggregate.Without ? null : [.. aggregate.Grouping, Labels.MetricName, "__type__"], out bool dropsNames) is not { } found) return null;
        using var source = found;
        // Groups as they are without the labels that the function takes off, which are still there.
        var names = !dropsNames ? aggregate.Grouping : aggregate.Without ? [.. aggregate.Grouping, .. NameLabels] : [.. aggregate.Grouping.Except(NameLabels)];
        var all = source.All;
        int size = Math.Max(ShardSeriesMin, (all.Count + ShardsMax - 1) / ShardsMax), shards = (all.Count + size - 1) / size;
        int workers = Math.Clamp(WorkersFor(source, grid.Count), 1, Math.Max(1, shards));
        var works = Enumerable.Range(0, workers).Select(_ => source.Worker()).ToArray();
        using var buffers = new WorkBuffers(workers, run.Memory);
        var whole = new GroupTable(aggregate, run, grid, names);
        var done = new GroupTable?[shards];
        var free = new Stack<GroupTable>();
        int next = -1, merged = 0, held = 0;
        run.Crew.Run(workers, worker =>
        {
            for (int shard = Interlocked.Increment(ref next); shard < shards; shard = Interlocked.Increment(ref next))
            {
                GroupTable? part;
                lock (done)
                {
                    if (!free.TryPop(out part)) part = new GroupTable(aggregate, run, grid, names);
                }
                for (int i = shard * size; i < Math.Min(all.Count, (shard + 1) * size); i++)
                {
                    if (works[worker].Read(all[i], buffers[worker]) is { } column) part.AddPart(column, buffers[worker]);
                }
                lock (done)
                {
                    done[shard] = part;
                    for (; merged < shards && done[merged] is { } ready; merged++)
                    {
                        if (whole.Merge(ready, size)) free.Push(ready);
                        done[merged] = null;
                        Hold(aggregate, whole, grid, ref held);
                    }
                }
            }
        });
        foreach (var work in works) work.End();
        foreach (var part in free) part.Drop();
        whole.Close();
        return whole;
    }

    /// <summary>Counts the points of groups that are new.</summary>
    private void Hold(AggregateExpr aggregate, GroupTable table, Grid grid, ref int held)
    {
        for (; held < table.Groups.Count; held++) run.Hold(aggregate, grid.Count);
    }

    /// <summary>The series of an expression that takes each series of the store by itself; null for any other.</summary>
    /// <param name="needed">The labels that are looked at; null for all.</param>
    /// <param name="dropsNames">Whether the name goes, which no two series differ in.</param>
    private SeriesSource? OwnSource(Expr operand, Grid grid, IReadOnlyList<string>? needed, out bool dropsNames)
    {
        dropsNames = false;
        var expr = operand.Unwrapped;
        if ((grid.Count > 1 && IsInvariant(expr)) || run.Shared?.Has(expr) == true) return null;
        switch (expr)
        {
            case VectorSelector { Borders: not BorderMode.Smoothed } selector:
                return InstantSource(selector, grid, "", timestamps: false, needed);
            case CallExpr call when WindowFunctions.Has(call.Function.Name):
                if (call.Function.Experimental && !run.Options.ExperimentalFunctions) return null;
                if (call.Arguments.Select(a => a.Unwrapped).OfType<MatrixSelector>().FirstOrDefault() is not { } matrix) return null;
                dropsNames = call.Function.Name is not ("last_over_time" or "first_over_time");
                return dropsNames && !UniqueWithoutName(matrix) ? null : WindowSource(call, matrix, grid, Windows(matrix, grid), needed);
            default:
                return null;
        }
    }
}
