using System.Runtime.ExceptionServices;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>Evaluates a range aggregation, reading on all processors.</summary>
internal sealed class RangeReader(QueryContext context, RangeAggregation syntax, Steps steps, Grouping? pushed, bool hasPushed)
{
    private readonly RangePlan plan = new(context, syntax, steps, pushed, hasPushed);

    public StepMatrix Evaluate()
    {
        var series = Read(byLabels: true);
        if (syntax.Op == "absent_over_time") return Absent(series);
        return new StepMatrix { Series = [.. series.Select(s => s.Evaluate()).Where(s => s.Any)] };
    }

    /// <summary>Evaluates and aggregates, one series after another: of very many, one at a time has its values in memory. Not for absent_over_time.</summary>
    public StepMatrix Evaluate(VectorAggregation around)
    {
        var groups = new StepGroups(around.Op, around.Grouping, steps.Count);
        // Sums must not depend on threads; for that any order will do.
        foreach (var series in Read(byLabels: false))
        {
            var values = series.Evaluate();
            if (values.Any) groups.Add(values);
        }
        return groups.Matrix();
    }

    /// <summary>All series, and their samples.</summary>
    /// <param name="byLabels">In the order of their labels; else of their hashes, which costs much less where there are very many.</param>
    private IReadOnlyList<SampleSeries> Read(bool byLabels)
    {
        long asked = context.Time.GetTimestamp();
        var cursors = context.Store.OpenSplit(context.Tenant, plan.Selection(), Environment.ProcessorCount, context.Cancel);
        context.Add(default(LogReadStatistics) with { LookUp = context.Time.GetElapsedTime(asked) });
        var workers = cursors.Select(_ => new RangeWorker(plan)).ToArray();
        var failures = new Exception?[workers.Length];
        int taken = 0;
        context.Crew.Run(workers.Length, _ =>
        {
            for (int n = Interlocked.Increment(ref taken); n <= workers.Length; n = Interlocked.Increment(ref taken)) Run(n - 1);
        });
        foreach (var worker in workers) context.Add(worker.Read);
        // The one that comes first in the data, whichever thread met it.
        int first = Enumerable.Range(0, workers.Length).Where(i => failures[i] is not null).OrderBy(i => failures[i] is OperationCanceledException ? 1 : 0).ThenBy(i => workers[i].Section).FirstOrDefault(-1);
        if (first >= 0) ExceptionDispatchInfo.Throw(failures[first]!);
        return Merge(workers, byLabels);

        void Run(int number)
        {
            try
            {
                workers[number].Run(cursors[number]);
            }
            catch (Exception e)
            {
                failures[number] = e;
            }
        }
    }

    private static IReadOnlyList<SampleSeries> Merge(RangeWorker[] workers, bool byLabels)
    {
        if (workers.Length == 1) return [.. workers[0].Series];
        var merged = new Dictionary<Labels, SampleSeries>();
        foreach (var worker in workers)
        {
            foreach (var series in worker.Series)
            {
                if (!merged.TryAdd(series.Labels, series)) merged[series.Labels].Merge(series);
            }
        }
        SampleSeries[] all = [.. merged.Values];
        if (byLabels) Array.Sort(all, static (a, b) => a.Labels.CompareTo(b.Labels));
        else Array.Sort(Array.ConvertAll(all, static s => s.Labels.Hash), all);
        return all;
    }

    private StepMatrix Absent(IReadOnlyList<SampleSeries> series)
    {
        // Labels that the selector pins to one value, and only once.
        var pinned = syntax.Range.Log.Matchers.Where(m => m.Op == MatchOp.Equal && m.Value.Length > 0)
            .Where(m => syntax.Range.Log.Matchers.Count(o => o.Name == m.Name) == 1)
            .Select(m => (m.Name, m.Value)).ToList();
        var result = new StepSeries(LabelEncoding.ToLabels(pinned), 0, steps.Count);
        var present = series.Select(s => s.Evaluate()).ToList();
        for (int i = 0; i < steps.Count; i++)
        {
            int step = i;
            if (!present.Any(s => s.Has(step))) result.Set(i, 1);
        }
        return new StepMatrix { Series = result.Any ? [result] : [] };
    }
}
