namespace Pharos.Core;

/// <summary>What a query has used so far; where it is over, at most.</summary>
public readonly record struct QueryUsage(long Series, long Samples, long Bytes);

/// <summary>One query from its asking to its answer.</summary>
public sealed class ActiveQuery : IDisposable
{
    private readonly CancellationTokenSource killed;
    private readonly string language;
    private readonly string query;
    private readonly (long StartMs, long EndMs, long StepMs) range;
    private readonly DateTimeOffset askedAt;
    private readonly long askedTicks;

    internal ActiveQuery(
        long id, TenantId tenant, string language, string query, long startMs, long endMs, long stepMs, DateTimeOffset askedAt, long askedTicks, CancellationToken cancel)
    {
        killed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Id = id;
        Tenant = tenant;
        this.language = language;
        this.query = query;
        range = (startMs, endMs, stepMs);
        this.askedAt = askedAt;
        this.askedTicks = askedTicks;
    }

    public long Id { get; }

    public TenantId Tenant { get; }

    /// <summary>Cancelled when the client leaves or somebody kills the query.</summary>
    public CancellationToken Cancel => killed.Token;

    public bool WasKilled { get; private set; }

    /// <summary>Set once a thread works on it; the argument says whether it is over. Called from any thread.</summary>
    public Func<bool, QueryUsage>? Usage { get; set; }

    public void Dispose() => killed.Dispose();

    internal void Kill()
    {
        WasKilled = true;
        try
        {
            killed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    internal QueryReport Report(TimeProvider time, string? error, bool isOver)
    {
        var usage = Usage;
        string state = isOver ? (error is null ? "done" : "failed") : usage is null ? "waiting" : "running";
        var used = usage?.Invoke(isOver) ?? default;
        return new QueryReport(
            Id, Tenant, language, query, range.StartMs, range.EndMs, range.StepMs, askedAt, state, time.GetElapsedTime(askedTicks).TotalSeconds,
            used.Series, used.Samples, used.Bytes, error);
    }
}
