using Pharos.Core;
using Pharos.PromQL.Running;

namespace Pharos.PromQL.Tests.Running;

/// <summary>What a query may use, alone and together with others.</summary>
public sealed class QueryBudgetTests
{
    [Fact]
    public async Task A_query_over_its_bytes_says_what_it_used_and_which_selector_did_it()
    {
        using var engine = Engine(Store(2000), new TenantLimits { QueryMemoryBytesMax = 1 << 20 });
        var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.RangeAsync(TenantId.Anonymous, "sum(small) + on() group_left x", 0, 600_000, 1000));
        Assert.Equal(QueryErrorKind.Execution, e.Kind);
        Assert.Matches(@"\(limit: 1048576 bytes\) .*: it needs \d+ bytes; most was read by x \(1:30\): 2000 series, \d+ samples, \d+ bytes; select fewer series", e.Message);
        Assert.Single((await engine.InstantAsync(TenantId.Anonymous, "sum(small)", 600_000)).Vector);
    }

    [Fact]
    public async Task Hostile_queries_never_pass_the_cap_of_the_process()
    {
        const long cap = 3 << 19;
        const int seed = 11;
        using var engine = Engine(Store(1500), new TenantLimits { QueryMemoryBytesMax = 0 }, new PromQlOptions { MemoryBytesMax = cap, ParallelismMax = 2 });
        var random = new Random(seed);
        string[] queries = [.. Enumerable.Range(0, 60).Select(_ => Hostile(random))];
        int failed = 0;
        await Parallel.ForEachAsync(queries, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (query, cancel) =>
        {
            try
            {
                using var result = await engine.RangeAsync(TenantId.Anonymous, query, 0, 600_000, 5000, cancel: cancel);
            }
            catch (QueryException e) when (e.Kind == QueryErrorKind.Execution)
            {
                Interlocked.Increment(ref failed);
            }
            Assert.InRange(engine.MemoryBytesUsed, 0, cap);
        });
        Assert.True(failed > 0, $"no query was stopped (seed {seed})");
        Assert.Equal(0, engine.MemoryBytesUsed);
        Assert.Single((await engine.InstantAsync(TenantId.Anonymous, "sum(small)", 600_000)).Vector);
    }

    [Fact]
    public async Task Running_queries_are_listed_and_can_be_ended()
    {
        using var store = new StuckMetrics();
        using var engine = new PromQlEngine(store, new PromQlOptions(), TimeProvider.System, new Instruments());
        var (a, b) = (TenantId.Parse("a"), TenantId.Parse("b"));
        var stuck = engine.RangeAsync(a, "sum(up)", 1000, 5000, 1000).AsTask();
        await store.Entered.Task;
        var listed = Assert.Single(engine.Queries.Active(a));
        Assert.Equal(("sum(up)", 1000L, 5000L, 1000L, "running"), (listed.Query, listed.StartMs, listed.EndMs, listed.StepMs, listed.State));
        Assert.Empty(engine.Queries.Active(b));
        Assert.False(engine.Queries.Kill(b, listed.Id));
        Assert.True(engine.Queries.Kill(a, listed.Id));
        var e = await Assert.ThrowsAsync<QueryException>(() => stuck);
        Assert.Equal((QueryErrorKind.Canceled, $"query {listed.Id} was ended by an operator"), (e.Kind, e.Message));
        Assert.Empty(engine.Queries.Active(a));
        Assert.False(engine.Queries.Kill(a, listed.Id));
    }

    [Fact]
    public async Task Slow_queries_are_remembered_with_what_they_cost()
    {
        var time = new ManualTimeProvider();
        using var store = new StuckMetrics();
        using var engine = new PromQlEngine(store, new PromQlOptions { SlowAfter = TimeSpan.FromSeconds(2) }, time, new Instruments());
        using var leave = new CancellationTokenSource();
        var slow = engine.InstantAsync(TenantId.Anonymous, "up", 0, cancel: leave.Token).AsTask();
        await store.Entered.Task;
        time.Advance(TimeSpan.FromSeconds(3));
        await leave.CancelAsync();
        await Assert.ThrowsAsync<QueryException>(() => slow);
        await engine.InstantAsync(TenantId.Anonymous, "1", 0);
        var remembered = Assert.Single(engine.Queries.Slow(TenantId.Anonymous));
        Assert.Equal(("up", "failed", 3.0), (remembered.Query, remembered.State, remembered.Seconds));
        Assert.StartsWith("query was canceled", remembered.Error, StringComparison.Ordinal);
        Assert.Empty(engine.Queries.Slow(TenantId.Parse("other")));
    }

    [Fact]
    public async Task A_trace_says_where_samples_and_series_went()
    {
        using var engine = Engine(Store(10));
        var result = await engine.RangeAsync(
            TenantId.Anonymous, "sum(rate(x[2m])) / count(small)", 300_000, 600_000, 60_000, new QuerySettings { Trace = true });
        var root = result.Statistics.Trace!;
        Assert.Equal("sum(rate(x[2m])) / count(small)", root.Expression);
        Assert.Equal(1, root.Series);
        var sum = root.Children[0];
        var rate = sum.Children[0];
        var selector = rate.Children[0];
        Assert.Equal(("sum(rate(x[2m]))", 1L, "rate(x[2m])", 10L), (sum.Expression, sum.Series, rate.Expression, rate.Series));
        Assert.Equal(("x[2m]", 10L), (selector.Expression, selector.SeriesRead));
        Assert.True(selector.SamplesRead > 100 && selector.BytesRead > selector.SamplesRead);
        Assert.True(root.Seconds >= sum.Seconds && sum.Seconds >= rate.Seconds);
        Assert.Null((await engine.InstantAsync(TenantId.Anonymous, "small", 0)).Statistics.Trace);
    }

    [Fact]
    public async Task Tenants_take_turns_at_the_threads()
    {
        using var threads = new QueryThreads("test", 1);
        using var go = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var (a, b) = (TenantId.Parse("a"), TenantId.Parse("b"));
        var order = new List<string>();
        var first = threads.RunAsync(a, () => { begun.Set(); go.Wait(TestContext.Current.CancellationToken); return 0; }, CancellationToken.None);
        begun.Wait(TestContext.Current.CancellationToken);
        Task<int>[] rest = [Queue(a, "a1"), Queue(a, "a2"), Queue(a, "a3"), Queue(b, "b1"), Queue(b, "b2")];
        go.Set();
        await first;
        await Task.WhenAll(rest);
        Assert.Equal(["a1", "b1", "a2", "b2", "a3"], order);

        Task<int> Queue(TenantId tenant, string name) => threads.RunAsync(tenant, () => { order.Add(name); return 0; }, CancellationToken.None);
    }

    /// <summary>Queries of the kind that bring a server down: wide, deep, joined with themselves.</summary>
    private static string Hostile(Random random) => random.Next(7) switch
    {
        0 => $"x * on(i) group_left() (x + {random.Next(9)})",
        1 => $"sort_desc(avg_over_time(x[{random.Next(1, 10)}m:1s]))",
        2 => $"topk({random.Next(1, 2000)}, x or label_replace(x, \"i\", \"${random.Next(2)}-y\", \"i\", \"(.*)\"))",
        3 => "count_values(\"v\", x + time())",
        4 => $"quantile_over_time(0.{random.Next(1, 9)}, x[10m])",
        5 => "{__name__=~\".+\"} or ({__name__=~\".+\"} offset 1m)",
        _ => "sum without(i) (x) or max by(i) (max_over_time(x[5m]))",
    };

    private static MemoryMetrics Store(int series)
    {
        var store = new MemoryMetrics();
        for (int i = 0; i < series; i++)
        {
            var labels = Labels.Of((Labels.MetricName, "x"), ("i", $"{i:00000}"), ("job", $"{i % 7}"));
            for (int s = 0; s <= 40; s++) store.Add(labels, s * 15_000, s * i);
        }
        for (int s = 0; s <= 40; s++) store.Add(Labels.Of((Labels.MetricName, "small")), s * 15_000, s);
        return store;
    }

    private static PromQlEngine Engine(MemoryMetrics store, TenantLimits? limits = null, PromQlOptions? options = null) =>
        new(store, options ?? new PromQlOptions(), TimeProvider.System, new Instruments(), new FixedTenantLimits(limits));
}
