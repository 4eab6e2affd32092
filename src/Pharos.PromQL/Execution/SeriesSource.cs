using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Turns one series into a column; null where it has no sample. The buffers are the worker's own.</summary>
internal delegate Column? SeriesWork(ISeries series, SampleColumns samples, RangeSeries window);

/// <summary>Series of the store, and what becomes of each by itself: an instant selector, or a function over a range selector.</summary>
/// <param name="Worker">Makes the work of one thread.</param>
internal sealed record SeriesSource(IReadOnlyList<ISeries> All, Func<SeriesWork> Worker);
