using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>A further number under which the log has samples of a series.</summary>
internal readonly record struct LoggedSeries(int Id, Labels Labels);
