using Pharos.Core;

namespace Pharos.PromQL.Tests.Running;

/// <summary>A query that nobody waits for any more stops its threads, not only its answer.</summary>
public sealed class CancellationTests
{
    private const int Workers = 3;

    [Theory]
    [InlineData("sum(rate(x_bucket[1m]))")]
    [InlineData("avg by (le) (x_bucket)")]
    [InlineData("topk(5, x_bucket)")]
    [InlineData("quantile(0.5, x_bucket)")]
    [InlineData("count_values(\"v\", x_bucket)")]
    [InlineData("histogram_quantile(0.5, x_bucket)")]
    [InlineData("x_bucket / x_bucket")]
    [InlineData("x_bucket and x_bucket")]
    [InlineData("label_replace(x_bucket, \"a\", \"$1\", \"i\", \"(.*)\")")]
    [InlineData("max_over_time(sum(x_bucket)[10m:1m])")]
    [InlineData("absent_over_time(x_bucket[1m])")]
    public async Task Work_stops_when_the_client_leaves_time_is_up_or_somebody_ends_the_query(string query)
    {
        var time = new ManualTimeProvider();
        var store = new EndlessMetrics();
        using var engine = new PromQlEngine(
            store, new PromQlOptions { ConcurrencyMax = 1, ParallelismMax = Workers }, time, new Instruments(),
            new FixedTenantLimits(new TenantLimits { QueryTimeout = TimeSpan.FromSeconds(5), QuerySamplesMax = 0 }));
        foreach (string way in (string[])["client", "timeout", "kill"])
        {
            store.Restart();
            using var leave = new CancellationTokenSource();
            var asked = engine.RangeAsync(TenantId.Anonymous, query, 600_000, 1_200_000, 60_000, cancel: leave.Token).AsTask();
            await store.Busy.Task;
            if (way == "client") await leave.CancelAsync();
            else if (way == "timeout") time.Advance(TimeSpan.FromSeconds(6));
            else Assert.True(engine.Queries.Kill(TenantId.Anonymous, Assert.Single(engine.Queries.Active(TenantId.Anonymous)).Id));
            int readsThen = store.Reads;
            var e = await Assert.ThrowsAsync<QueryException>(() => asked);
            Assert.Equal(way == "timeout" ? QueryErrorKind.Timeout : QueryErrorKind.Canceled, e.Kind);
            // There is one thread for queries: the next runs once this one has come to its end with all its helpers.
            Assert.Equal(2, (await engine.InstantAsync(TenantId.Anonymous, "1 + 1", 0)).Scalar);
            // Each thread ends the series it is at.
            Assert.InRange(store.Reads - readsThen, 0, Workers);
            int readsAtEnd = store.Reads;
            Assert.Equal(3, (await engine.InstantAsync(TenantId.Anonymous, "1 + 2", 0)).Scalar);
            Assert.Equal(readsAtEnd, store.Reads);
        }
    }
}
