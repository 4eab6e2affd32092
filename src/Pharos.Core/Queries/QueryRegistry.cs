using System.Collections.Concurrent;
namespace Pharos.Core;

/// <summary>A query that runs, waits to run, or was slow.</summary>
/// <param name="Id">Names it for as long as the process lives.</param>
/// <param name="Language"><c>promql</c> or <c>logql</c>.</param>
/// <param name="State"><c>waiting</c>, <c>running</c>, <c>done</c> or <c>failed</c>.</param>
/// <param name="StartMs">First evaluation time, Unix milliseconds; <paramref name="EndMs"/> the last. <paramref name="StepMs"/> is 0 for an instant query.</param>
/// <param name="Seconds">Since it was asked, or, where it is over, from asking to answer.</param>
/// <param name="Series">Selected; of a LogQL query none are counted.</param>
/// <param name="Samples">Loaded; of a LogQL query, lines read.</param>
/// <param name="Bytes">Held now, and where it is over, at most; of a LogQL query, bytes of lines read.</param>
/// <param name="Error">Why it failed; null where it did not.</param>
public sealed record QueryReport(
    long Id, TenantId Tenant, string Language, string Query, long StartMs, long EndMs, long StepMs, DateTimeOffset AskedAt, string State, double Seconds,
    long Series, long Samples, long Bytes, string? Error);

/// <summary>The queries of a process: those that run can be listed and ended, those that were slow are remembered. Safe for several threads.</summary>
public sealed class QueryRegistry
{
    /// <summary>Slow queries that are remembered.</summary>
    private const int SlowMax = 100;

    /// <summary>Characters of a query that are shown and remembered.</summary>
    private const int QueryLengthMax = 4096;

    private readonly ConcurrentDictionary<long, ActiveQuery> active = new();
    private readonly Queue<QueryReport> slow = new();
    private readonly TimeProvider time;
    private readonly TimeSpan slowAfter;
    private long lastId;

    public QueryRegistry(TimeProvider time, TimeSpan slowAfter)
    {
        this.time = time;
        this.slowAfter = slowAfter;
    }

    /// <summary>A tenant's queries that wait or run, oldest first.</summary>
    public IReadOnlyList<QueryReport> Active(TenantId tenant) =>
        [.. active.Values.Where(q => q.Tenant == tenant).OrderBy(q => q.Id).Select(q => q.Report(time, error: null, isOver: false))];

    /// <summary>A tenant's slow queries among the last ones, newest first.</summary>
    public IReadOnlyList<QueryReport> Slow(TenantId tenant)
    {
        lock (slow) return [.. slow.Where(q => q.Tenant == tenant).Reverse()];
    }

    /// <summary>Ends a tenant's query: it fails as cancelled. False where it does not run (any more).</summary>
    public bool Kill(TenantId tenant, long id)
    {
        if (!active.TryGetValue(id, out var query) || query.Tenant != tenant) return false;
        query.Kill();
        return true;
    }

    /// <summary>Notes that a query was asked; to be given to <see cref="End"/>, whatever becomes of it.</summary>
    public ActiveQuery Begin(TenantId tenant, string language, string query, long startMs, long endMs, long stepMs, CancellationToken cancel)
    {
        if (query.Length > QueryLengthMax) query = query[..QueryLengthMax] + "…";
        var begun = new ActiveQuery(Interlocked.Increment(ref lastId), tenant, language, query, startMs, endMs, stepMs, time.GetUtcNow(), time.GetTimestamp(), cancel);
        active[begun.Id] = begun;
        return begun;
    }

    /// <param name="error">Why it has no answer; null where it has one.</param>
    public void End(ActiveQuery query, string? error)
    {
        active.TryRemove(query.Id, out _);
        var report = query.Report(time, error, isOver: true);
        query.Dispose();
        if (report.Seconds < slowAfter.TotalSeconds) return;
        lock (slow)
        {
            slow.Enqueue(report);
            if (slow.Count > SlowMax) slow.Dequeue();
        }
    }
}
