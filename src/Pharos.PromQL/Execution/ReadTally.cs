using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>What one worker has read of a selector, told to the query every so often: a counter that all threads share is dear for each series.</summary>
internal sealed class ReadTally(Evaluation run, SelectorUsage selector)
{
    /// <summary>Series and samples that may be untold.</summary>
    private const int SeriesMax = 64, SamplesMax = 1 << 14;

    private int series;
    private long samples;
    private long bytes;
    private long queryable;

    /// <summary>Counts the samples of a series that was read.</summary>
    /// <exception cref="QueryException">They do not fit into the query's budget.</exception>
    public void Load(SampleColumns read)
    {
        long each = Evaluation.BytesOfEach(read);
        samples += read.Count;
        bytes += read.Count * each;
        if (++series >= SeriesMax || samples >= SamplesMax) Settle();
        run.Admit(selector.Selector, read.Count, each);
    }

    /// <summary>Counts samples that the evaluation looked at.</summary>
    public void CountQueryable(long count) => queryable += count;

    public void Settle()
    {
        run.Loaded(selector, samples, bytes);
        run.CountQueryable(queryable);
        (series, samples, bytes, queryable) = (0, 0, 0, 0);
    }
}
