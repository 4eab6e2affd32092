using Pharos.Core;
using Pharos.Metrics.Blocks;

namespace Pharos.Metrics.Head;

/// <summary>What the log must go on to say of a series when its older part is deleted.</summary>
internal readonly record struct LoggedSeries(int Id, Labels Labels, DeletedRanges? Deleted);
