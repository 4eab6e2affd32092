using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;
using Pharos.Core;

namespace Pharos.Storage.Catalogue;

/// <summary>
/// The catalogue in one SQLite file: write-ahead mode, every commit synced to disk.
/// One connection, used by one caller at a time; documents are small and few.
/// </summary>
public sealed class SqliteCatalogue : ICatalogue
{
    private const int SchemaVersion = 1;

    private readonly Lock gate = new();
    private readonly SqliteConnection connection;
    private readonly CatalogueView view;
    private SqliteTransaction? open;

    /// <param name="path">The file, made if missing.</param>
    /// <exception cref="IOException">The file is no catalogue, is of a newer version, or cannot be opened.</exception>
    public SqliteCatalogue(string path, TimeProvider time)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        view = new CatalogueView(this, time);
        try
        {
            connection.Open();
            connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
            long version = connection.ExecuteScalar<long>("PRAGMA user_version");
            if (version > SchemaVersion)
                throw new IOException($"{path} was written by a newer release (schema {version}, this release reads {SchemaVersion}); use that release");
            connection.Execute($"""
                CREATE TABLE IF NOT EXISTS documents (
                    tenant TEXT NOT NULL,
                    collection TEXT NOT NULL,
                    key TEXT NOT NULL,
                    content TEXT NOT NULL,
                    version INTEGER NOT NULL,
                    updated_at_ms INTEGER NOT NULL,
                    PRIMARY KEY (collection, tenant, key)) WITHOUT ROWID;
                PRAGMA user_version = {SchemaVersion};
                """);
        }
        catch (SqliteException failure)
        {
            connection.Dispose();
            throw new IOException($"{path} cannot be used as the catalogue: {failure.Message}; put back a copy of it or move it away to start with an empty one", failure);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public Document? Get(string tenant, string collection, string key) => Locked(() => view.Get(tenant, collection, key));

    public IReadOnlyList<Document> List(string tenant, string collection) => Locked(() => view.List(tenant, collection));

    public IReadOnlyList<string> Tenants(string collection) => Locked(() => view.Tenants(collection));

    public Document? Put(string tenant, string collection, string key, string content, long? expectedVersion = null)
    {
        Document? stored = null;
        Transaction(inner => stored = inner.Put(tenant, collection, key, content, expectedVersion));
        return stored;
    }

    public bool Delete(string tenant, string collection, string key) => Locked(() => view.Delete(tenant, collection, key));

    public void Transaction(Action<ICatalogue> work) => Locked(() =>
    {
        if (open is not null)
        {
            // Inside a transaction of the same thread: one and the same.
            work(view);
            return true;
        }
        using var transaction = connection.BeginTransaction(deferred: false);
        open = transaction;
        try
        {
            work(view);
            transaction.Commit();
        }
        finally
        {
            open = null;
        }
        return true;
    });

    public ValueTask DisposeAsync()
    {
        lock (gate) connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private T Locked<T>(Func<T> work)
    {
        lock (gate)
        {
            try
            {
                return work();
            }
            catch (SqliteException failure) when (IsUnavailable(failure.SqliteErrorCode))
            {
                throw new StoreUnavailableException($"the catalogue {connection.DataSource} cannot be used: {failure.Message}; nothing was changed", failure);
            }
        }
    }

    /// <summary>SQLITE_BUSY, READONLY, IOERR, FULL, CANTOPEN: the disk's or another process's fault, not the caller's.</summary>
    private static bool IsUnavailable(int code) => code is 5 or 8 or 10 or 13 or 14;

    /// <summary>The statements, run inside the open transaction where there is one.</summary>
    private sealed class CatalogueView(SqliteCatalogue owner, TimeProvider time) : ICatalogue
    {
        private const string Columns = "key AS Key, content AS Content, version AS Version, updated_at_ms AS UpdatedAtMs";

        public Document? Get(string tenant, string collection, string key) =>
            owner.connection.QuerySingleOrDefault<Row>(
                $"SELECT {Columns} FROM documents WHERE collection = @collection AND tenant = @tenant AND key = @key",
                new { tenant, collection, key }, owner.open)?.ToDocument();

        public IReadOnlyList<Document> List(string tenant, string collection) =>
            [.. owner.connection.Query<Row>(
                $"SELECT {Columns} FROM documents WHERE collection = @collection AND tenant = @tenant ORDER BY key",
                new { tenant, collection }, owner.open).Select(r => r.ToDocument())];

        public IReadOnlyList<string> Tenants(string collection) =>
            [.. owner.connection.Query<string>(
                "SELECT DISTINCT tenant FROM documents WHERE collection = @collection ORDER BY tenant",
                new { collection }, owner.open)];

        public Document? Put(string tenant, string collection, string key, string content, long? expectedVersion = null)
        {
            long version = Get(tenant, collection, key)?.Version ?? 0;
            if (expectedVersion is { } expected && expected != version) return null;
            var row = new Row { Key = key, Content = content, Version = version + 1, UpdatedAtMs = time.UnixMs() };
            owner.connection.Execute(
                """
                INSERT INTO documents (tenant, collection, key, content, version, updated_at_ms)
                VALUES (@tenant, @collection, @key, @content, @version, @at)
                ON CONFLICT (collection, tenant, key) DO UPDATE SET content = @content, version = @version, updated_at_ms = @at
                """,
                new { tenant, collection, key, content, version = row.Version, at = row.UpdatedAtMs }, owner.open);
            return row.ToDocument();
        }

        public bool Delete(string tenant, string collection, string key) =>
            owner.connection.Execute(
                "DELETE FROM documents WHERE collection = @collection AND tenant = @tenant AND key = @key",
                new { tenant, collection, key }, owner.open) > 0;

        public void Transaction(Action<ICatalogue> work) => work(this);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Row
    {
        public string Key { get; init; } = "";
        public string Content { get; init; } = "";
        public long Version { get; init; }
        public long UpdatedAtMs { get; init; }

        public Document ToDocument() => new(Key, Content, Version, UnixTime.FromMs(UpdatedAtMs));
    }
}
