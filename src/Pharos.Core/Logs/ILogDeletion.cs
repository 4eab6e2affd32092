namespace Pharos.Core;

/// <summary>How far a deletion has come.</summary>
public enum LogDeleteState
{
    /// <summary>The entries are hidden from queries; the deletion can be cancelled.</summary>
    Received,

    /// <summary>The entries are gone from the disk.</summary>
    Processed,
}

/// <summary>A request to delete entries.</summary>
/// <param name="Id">Names the request; unique within the tenant.</param>
/// <param name="Query">Stream selector, with line and label filters or without.</param>
/// <param name="StartNs">Unix nanoseconds, inclusive.</param>
/// <param name="EndNs">Unix nanoseconds, exclusive.</param>
public sealed record LogDeleteRequest(string Id, string Query, long StartNs, long EndNs, DateTimeOffset CreatedAt, LogDeleteState State);

/// <summary>Deletes log entries: hidden from queries at once, taken off the disk later, and until then cancellable.</summary>
public interface ILogDeletion
{
    /// <summary>Hides the entries; completes when the request is durable.</summary>
    /// <exception cref="QueryException">The query is no stream selector with filters, or the times are wrong.</exception>
    /// <exception cref="StoreUnavailableException">The request cannot be written.</exception>
    LogDeleteRequest Delete(TenantId tenant, string query, long startNs, long endNs);

    /// <summary>All requests of a tenant, oldest first.</summary>
    IReadOnlyList<LogDeleteRequest> Deletions(TenantId tenant);

    /// <summary>Takes a request back whose entries are still on the disk; they show again. False: there is no such request, or it can no longer be taken back.</summary>
    bool CancelDeletion(TenantId tenant, string id);
}
