namespace Pharos.Metrics.Head;

/// <summary>
/// How many series of a head had a sample lately. Counted over all series now and then; between counts, new series add one each.
/// Used under all of the head's locks.
/// </summary>
internal sealed class ActiveSeries
{
    /// <summary>How old the newest sample of an active series may be. Mimir: active_series_metrics_idle_timeout.</summary>
    public static TimeSpan IdleTime { get; } = TimeSpan.FromMinutes(20);

    public int Count { get; private set; }

    public void Created() => Count++;

    public void Counted(int active) => Count = active;
}
