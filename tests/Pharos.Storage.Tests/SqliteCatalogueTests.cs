using Pharos.Storage.Catalogue;

namespace Pharos.Storage.Tests;

public sealed class SqliteCatalogueTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Documents_outlive_the_process_and_versions_rise()
    {
        await using (var catalogue = Open())
        {
            Assert.Equal(1, catalogue.Put("t", "rules", "b", "one")!.Version);
            Assert.Equal(2, catalogue.Put("t", "rules", "b", "two")!.Version);
            catalogue.Put("t", "rules", "a", "first");
            catalogue.Put("u", "rules", "a", "other tenant");
            catalogue.Put("t", "silences", "a", "other collection");
        }
        await using var again = Open();
        Assert.Equal(new Document("b", "two", 2, time.GetUtcNow()), again.Get("t", "rules", "b"));
        Assert.Equal(["a", "b"], again.List("t", "rules").Select(d => d.Key));
        Assert.Equal(["t", "u"], again.Tenants("rules"));
        Assert.True(again.Delete("t", "rules", "b"));
        Assert.False(again.Delete("t", "rules", "b"));
        Assert.Null(again.Get("t", "rules", "b"));
    }

    [Fact]
    public async Task A_write_at_the_wrong_version_changes_nothing()
    {
        await using var catalogue = Open();
        Assert.Null(catalogue.Put("t", "c", "k", "x", expectedVersion: 1));
        Assert.NotNull(catalogue.Put("t", "c", "k", "x", expectedVersion: 0));
        Assert.Null(catalogue.Put("t", "c", "k", "y", expectedVersion: 0));
        Assert.Equal(2, catalogue.Put("t", "c", "k", "y", expectedVersion: 1)!.Version);
        Assert.Equal("y", catalogue.Get("t", "c", "k")!.Content);
    }

    [Fact]
    public async Task A_failed_transaction_leaves_no_trace()
    {
        await using var catalogue = Open();
        catalogue.Put("t", "c", "kept", "1");
        Assert.Throws<InvalidOperationException>(() => catalogue.Transaction(inner =>
        {
            inner.Put("t", "c", "new", "2");
            inner.Delete("t", "c", "kept");
            catalogue.Put("t", "c", "through the outer door", "3");
            throw new InvalidOperationException();
        }));
        Assert.Equal(["kept"], catalogue.List("t", "c").Select(d => d.Key));
        catalogue.Transaction(inner => inner.Put("t", "c", "new", "2"));
        Assert.Equal(["kept", "new"], catalogue.List("t", "c").Select(d => d.Key));
    }

    [Fact]
    public async Task Concurrent_writers_do_not_lose_a_version()
    {
        await using var catalogue = Open();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 10; i++) catalogue.Put("t", "c", "k", "x");
        })));
        Assert.Equal(80, catalogue.Get("t", "c", "k")!.Version);
    }

    [Fact]
    public async Task A_file_that_is_no_catalogue_is_named()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "catalogue.db"), new string('x', 5000));
        var error = Assert.Throws<IOException>(() => Open());
        Assert.Contains("catalogue.db cannot be used as the catalogue", error.Message, StringComparison.Ordinal);
    }

    private SqliteCatalogue Open() => new(Path.Combine(folder, "catalogue.db"), time);
}
