namespace Pharos.Storage.Catalogue;

/// <summary>One stored document: rules, silences, fleet entries, dashboards … each as text (mostly JSON or YAML) under a key.</summary>
/// <param name="Version">Rises by one at each write of the key; 1 after the first.</param>
public sealed record Document(string Key, string Content, long Version, DateTimeOffset UpdatedAt);

/// <summary>
/// Small, durable, transactional state by tenant and collection. Every write is durable before it returns. Safe for several threads.
/// SQLite on one machine; PostgreSQL for many.
/// </summary>
public interface ICatalogue : IAsyncDisposable
{
    Document? Get(string tenant, string collection, string key);

    /// <summary>All documents of a collection, sorted by key.</summary>
    IReadOnlyList<Document> List(string tenant, string collection);

    /// <summary>Tenants that have any document in the collection, sorted.</summary>
    IReadOnlyList<string> Tenants(string collection);

    /// <summary>Writes a document.</summary>
    /// <param name="expectedVersion">Null: whatever is there is replaced. 0: must not exist yet. Else: must be at that version.</param>
    /// <returns>The document as stored, or null where the version did not fit and nothing was written.</returns>
    Document? Put(string tenant, string collection, string key, string content, long? expectedVersion = null);

    /// <summary>False where there was nothing to delete.</summary>
    bool Delete(string tenant, string collection, string key);

    /// <summary>Runs several writes as one: all are durable, or none happened.</summary>
    void Transaction(Action<ICatalogue> work);
}
