using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <content>Series sharded over cores: many series are read and evaluated side by side, and come out in their order.</content>
internal sealed partial class Evaluator
{
    /// <summary>Points of the series that are worked on between two hand-overs: bounds what waits for a slow consumer.</summary>
    private const int BatchPoints = 1 << 17;

    /// <summary>Fewer series than this are not worth waking other threads.</summary>
    private const int ParallelSeriesMin = 64;

    /// <summary>Series that a worker takes at a time.</summary>
    private const int SeriesPerTake = 16;

    /// <summary>So many series, over so short a time at one step, are read sooner than another thread is awake.</summary>
    private const int SmallSeriesMax = 1024, SmallSpanMs = 15 * 60_000;

    /// <summary>Threads that are to share the work on the series of a source.</summary>
    private int WorkersFor(SeriesSource source, int steps) =>
        source.All.Count < ParallelSeriesMin || (steps == 1 && source.All.Count <= SmallSeriesMax && source.SpanMs <= SmallSpanMs) ? 1 : Workers;

    private int Workers => run.PerStep is null ? Math.Max(1, run.Options.ParallelismMax) : 1;

    private IEnumerable<Column> EachSeries(Func<SeriesSource> select, int steps)
    {
        using var source = select();
        var all = source.All;
        int workers = WorkersFor(source, steps);
        using var buffers = new WorkBuffers(workers, run.Memory);
        if (workers == 1)
        {
            var work = source.Worker();
            for (int i = 0; i < all.Count; i++)
            {
                if (work.Read(all[i], buffers[0]) is { } column) yield return column;
            }
            work.End();
            yield break;
        }
        var works = Enumerable.Range(0, workers).Select(_ => source.Worker()).ToArray();
        int batch = Math.Clamp(BatchPoints / steps, ParallelSeriesMin, 4096);
        for (int first = 0; first < all.Count; first += batch)
        {
            foreach (var column in Batch(all, first, Math.Min(batch, all.Count - first), buffers, works))
            {
                if (column is not null) yield return column;
            }
        }
        foreach (var work in works) work.End();
    }

    private Column?[] Batch(IReadOnlyList<ISeries> all, int first, int count, WorkBuffers buffers, SeriesWorker[] works)
    {
        var columns = new Column?[count];
        int next = 0;
        run.Crew.Run(works.Length, worker =>
        {
            while (true)
            {
                int from = Interlocked.Add(ref next, SeriesPerTake) - SeriesPerTake;
                if (from >= count) return;
                for (int i = from; i < Math.Min(count, from + SeriesPerTake); i++)
                    columns[i] = works[worker].Read(all[first + i], buffers[worker]);
            }
        });
        return columns;
    }
}
