using System.Runtime.ExceptionServices;
using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <content>Series sharded over cores: many series are read and evaluated side by side, and come out in their order.</content>
internal sealed partial class Evaluator
{
    /// <summary>Series that are worked on between two hand-overs: bounds what waits for a slow consumer.</summary>
    private const int BatchSeries = 256;

    /// <summary>Fewer series than this are not worth waking other threads.</summary>
    private const int ParallelSeriesMin = 64;

    /// <summary>Turns one series into a column; null where it has no sample. The buffers are the worker's own.</summary>
    private delegate Column? SeriesWork(ISeries series, SampleColumns samples, RangeSeries window, int worker);

    private int Workers => run.PerStep is null ? Math.Max(1, run.Options.ParallelismMax) : 1;

    private IEnumerable<Column> EachSeries(IReadOnlyList<ISeries> all, int workers, SeriesWork work)
    {
        workers = all.Count < ParallelSeriesMin ? 1 : workers;
        var samples = new SampleColumns[workers];
        var windows = new RangeSeries[workers];
        for (int w = 0; w < workers; w++)
        {
            samples[w] = new SampleColumns();
            windows[w] = new RangeSeries();
        }
        try
        {
            if (workers == 1)
            {
                for (int i = 0; i < all.Count; i++)
                {
                    if (work(all[i], samples[0], windows[0], 0) is { } column) yield return column;
                }
                yield break;
            }
            for (int first = 0; first < all.Count; first += BatchSeries)
            {
                foreach (var column in Batch(all, first, Math.Min(BatchSeries, all.Count - first), samples, windows, work))
                {
                    if (column is not null) yield return column;
                }
            }
        }
        finally
        {
            foreach (var buffer in samples) buffer.Dispose();
        }
    }

    private Column?[] Batch(IReadOnlyList<ISeries> all, int first, int count, SampleColumns[] samples, RangeSeries[] windows, SeriesWork work)
    {
        var columns = new Column?[count];
        int next = -1;
        try
        {
            Parallel.For(
                0, samples.Length, new ParallelOptions { MaxDegreeOfParallelism = samples.Length, CancellationToken = run.Cancel },
                worker =>
                {
                    for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                        columns[i] = work(all[first + i], samples[worker], windows[worker], worker);
                });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return columns;
    }
}
