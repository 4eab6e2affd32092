using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>What each worker reads series into.</summary>
internal sealed class WorkBuffers : IDisposable
{
    public WorkBuffers(int workers)
    {
        Samples = new SampleColumns[workers];
        Windows = new RangeSeries[workers];
        for (int w = 0; w < workers; w++)
        {
            Samples[w] = new SampleColumns();
            Windows[w] = new RangeSeries();
        }
    }

    public SampleColumns[] Samples { get; }

    public RangeSeries[] Windows { get; }

    public void Dispose()
    {
        foreach (var samples in Samples) samples.Dispose();
    }
}
