using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>What one worker does: it turns one series after the other into columns, null where one has no sample.</summary>
internal sealed class SeriesWorker(ReadTally tally, Func<ISeries, WorkSpace, ReadTally, Column?> work)
{
    public Column? Read(ISeries series, WorkSpace space) => work(series, space, tally);

    /// <summary>All that it was to do is done.</summary>
    public void End() => tally.Settle();
}

/// <summary>Series of the store, and what becomes of each by itself: an instant selector, or a function over a range selector.</summary>
/// <param name="SpanMs">How long a time is read of each.</param>
/// <param name="Worker">Makes the work of one thread.</param>
internal sealed record SeriesSource(IReadOnlyList<ISeries> All, long SpanMs, Func<SeriesWorker> Worker) : IDisposable
{
    public void Dispose() => (All as IDisposable)?.Dispose();
}
