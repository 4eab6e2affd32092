using Pharos.Core;

namespace Pharos.PromQL.Tests.Running;

public sealed class EngineTests
{
    private static readonly Labels Up = Labels.Of((Labels.MetricName, "up"), ("job", "shop"));

    [Fact]
    public async Task A_query_over_its_budget_names_limit_selector_and_place()
    {
        var store = Filled();
        using var engine = Engine(store, new TenantLimits { QuerySamplesMax = 50 });
        var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.InstantAsync(TenantId.Anonymous, "1 + sum(rate(up[1h]))", 3_600_000));
        Assert.Equal(QueryErrorKind.Execution, e.Kind);
        Assert.Contains("the limit is 50 samples, passed at up[1h] (1:14)", e.Message, StringComparison.Ordinal);
        var small = await engine.InstantAsync(TenantId.Anonymous, "up", 3_600_000);
        Assert.Equal(1, Assert.Single(small.Vector).Value);
    }

    [Fact]
    public async Task A_query_out_of_time_says_so_and_one_that_is_cancelled_too()
    {
        var time = new ManualTimeProvider();
        using var store = new StuckMetrics();
        using var engine = new PromQlEngine(store, new PromQlOptions(), time, new Instruments(), new FixedTenantLimits(new TenantLimits { QueryTimeout = TimeSpan.FromSeconds(5) }));
        var slow = engine.InstantAsync(TenantId.Anonymous, "up", 0).AsTask();
        await store.Entered.Task;
        time.Advance(TimeSpan.FromSeconds(6));
        var timeout = await Assert.ThrowsAsync<QueryException>(() => slow);
        Assert.Equal(QueryErrorKind.Timeout, timeout.Kind);
        Assert.StartsWith("query timed out in expression evaluation after 5s", timeout.Message, StringComparison.Ordinal);

        using var leave = new CancellationTokenSource();
        var left = engine.InstantAsync(TenantId.Anonymous, "up", 0, cancel: leave.Token).AsTask();
        await leave.CancelAsync();
        var cancelled = await Assert.ThrowsAsync<QueryException>(() => left);
        Assert.Equal(QueryErrorKind.Canceled, cancelled.Kind);
    }

    [Fact]
    public async Task Queries_beyond_the_concurrency_wait_and_then_run()
    {
        using var store = new StuckMetrics();
        using var engine = new PromQlEngine(store, new PromQlOptions { ConcurrencyMax = 2 }, TimeProvider.System, new Instruments());
        using var leave = new CancellationTokenSource();
        var stuck = Enumerable.Range(0, 2).Select(_ => engine.InstantAsync(TenantId.Anonymous, "up", 0, cancel: leave.Token).AsTask()).ToArray();
        await store.Entered.Task;
        // Scalars need no store, but a thread.
        var waiting = engine.InstantAsync(TenantId.Anonymous, "1 + 1", 0).AsTask();
        Assert.False(waiting.IsCompleted);
        await leave.CancelAsync();
        foreach (var task in stuck) await Assert.ThrowsAsync<QueryException>(() => task);
        Assert.Equal(2, (await waiting).Scalar);
    }

    [Fact]
    public async Task Lookback_can_be_changed_per_query()
    {
        var store = new MemoryMetrics();
        store.Add(Up, 0, 1);
        using var engine = Engine(store);
        Assert.Single((await engine.InstantAsync(TenantId.Anonymous, "up", 299_999)).Vector);
        Assert.Empty((await engine.InstantAsync(TenantId.Anonymous, "up", 300_000)).Vector);
        Assert.Empty((await engine.InstantAsync(TenantId.Anonymous, "up", 60_000, new QuerySettings { Lookback = TimeSpan.FromMinutes(1) })).Vector);
    }

    [Fact]
    public async Task Names_go_at_once_unless_their_removal_is_delayed()
    {
        var store = new MemoryMetrics();
        store.Add(Labels.Of((Labels.MetricName, "a")), 0, 1);
        store.Add(Labels.Of((Labels.MetricName, "b")), 0, 2);
        const string query = "label_replace(-{__name__=~\"a|b\"}, \"kept\", \"$1\", \"__name__\", \"(.*)\")";
        using var now = Engine(store);
        var e = await Assert.ThrowsAsync<QueryException>(async () => await now.InstantAsync(TenantId.Anonymous, query, 0));
        Assert.Equal("vector cannot contain metrics with the same labelset", e.Message);
        using var later = new PromQlEngine(store, new PromQlOptions { DelayedNameRemoval = true }, TimeProvider.System, new Instruments());
        var result = await later.InstantAsync(TenantId.Anonymous, query, 0);
        Assert.Equal(["{kept=\"a\"}", "{kept=\"b\"}"], result.Vector.Select(v => v.Labels.ToString()));
    }

    [Fact]
    public async Task Range_queries_refuse_what_has_no_graph()
    {
        using var engine = Engine(Filled());
        await Refused("up[5m]", 0, 10, 1, "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
        await Refused("up", 0, 10, 0, "zero or negative query resolution step widths are not accepted. Try a positive integer");
        await Refused("up", 10, 0, 1, "end timestamp must not be before start time");

        async Task Refused(string query, long start, long end, long step, string message)
        {
            var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.RangeAsync(TenantId.Anonymous, query, start, end, step));
            Assert.Equal((QueryErrorKind.BadData, message), (e.Kind, e.Message));
        }
    }

    [Fact]
    public async Task Rules_see_vectors_and_scalars()
    {
        using var engine = Engine(Filled());
        var rules = new PromQlRuleLanguage(engine);
        var vector = await rules.QueryInstantAsync(TenantId.Anonymous, "up == 1", 3_600_000, CancellationToken.None);
        Assert.Equal(Up, Assert.Single(vector.Vector).Labels);
        var scalar = await rules.QueryInstantAsync(TenantId.Anonymous, "3 * 2", 3_600_000, CancellationToken.None);
        Assert.Equal(new VectorSample(Labels.Empty, 3_600_000, 6), Assert.Single(scalar.Vector));
        Assert.Empty(rules.Check("up == 0"));
        Assert.Contains("must be an instant vector", Assert.Single(rules.Check("up[5m]")).Message, StringComparison.Ordinal);
        Assert.Single(rules.Check("up =="));
        Assert.Equal("up == 0", rules.Format("up==0"));
        Assert.Equal("up ==", rules.Format("up =="));
    }

    [Fact]
    public async Task Deep_trees_are_evaluated()
    {
        using var engine = Engine(Filled());
        var sum = await engine.InstantAsync(TenantId.Anonymous, string.Join(" + ", Enumerable.Repeat("up", 1500)), 3_600_000);
        Assert.Equal(1500, Assert.Single(sum.Vector).Value);
    }

    [Fact]
    public async Task Topk_picks_the_same_few_of_many_as_sorting_does()
    {
        var store = new MemoryMetrics();
        var random = new Random(3);
        for (int i = 0; i < 500; i++)
            store.Add(Labels.Of((Labels.MetricName, "x"), ("i", $"{i:000}")), 0, i % 50 == 0 ? double.NaN : random.Next(200));
        using var engine = Engine(store);
        foreach (string op in new[] { "topk", "bottomk" })
        {
            var few = await engine.InstantAsync(TenantId.Anonymous, $"{op}(7, x)", 0);
            var all = await engine.InstantAsync(TenantId.Anonymous, $"{op}(500, x)", 0);
            Assert.Equal(all.Vector.Take(7).Select(v => v.Labels), few.Vector.Select(v => v.Labels));
        }
    }

    [Fact]
    public async Task Series_worked_on_by_many_cores_give_what_one_core_gives()
    {
        var store = new MemoryMetrics();
        var random = new Random(5);
        for (int i = 0; i < 700; i++)
        {
            var labels = Labels.Of((Labels.MetricName, "x_total"), ("i", $"{i:000}"), ("job", $"{i % 7}"));
            for (int s = 0; s < 40; s++) store.Add(labels, s * 15_000, random.Next(1000));
        }
        using var one = new PromQlEngine(store, new PromQlOptions { ParallelismMax = 1 }, TimeProvider.System, new Instruments());
        using var many = new PromQlEngine(store, new PromQlOptions { ParallelismMax = 4 }, TimeProvider.System, new Instruments());
        foreach (string query in new[] { "x_total", "rate(x_total[2m])", "sum by (job) (rate(x_total[2m]))", "quantile_over_time(0.7, x_total[3m])", "topk(3, x_total)" })
        {
            var expected = await one.RangeAsync(TenantId.Anonymous, query, 0, 600_000, 17_000);
            var found = await many.RangeAsync(TenantId.Anonymous, query, 0, 600_000, 17_000);
            Assert.Equal(expected.Matrix.Select(Shown), found.Matrix.Select(Shown));
            Assert.Equal(expected.Statistics.SamplesLoaded, found.Statistics.SamplesLoaded);
            Assert.Equal(expected.Statistics.SamplesQueryable, found.Statistics.SamplesQueryable);
        }
        var e = await Assert.ThrowsAsync<QueryException>(async () => await many.InstantAsync(
            TenantId.Anonymous, "x_total", 600_000, new QuerySettings { SamplesMax = 5 }));
        Assert.Contains("the limit is 5 samples", e.Message, StringComparison.Ordinal);

        static string Shown(MatrixSeries series) => $"{series.Labels} {string.Join(' ', series.Timestamps)} {string.Join(' ', series.Values)}";
    }

    [Fact]
    public async Task Windows_that_slide_give_what_each_gives_by_itself()
    {
        const int seed = 17;
        var store = new MemoryMetrics();
        var random = new Random(seed);
        for (int i = 0; i < 6; i++)
        {
            var labels = Labels.Of((Labels.MetricName, "x"), ("i", $"{i}"));
            for (int s = 0; s < 400; s++)
            {
                if (random.Next(12) == 0) continue;
                store.Add(labels, (s * 15_000) + random.Next(9000), Sample(i));
            }
        }
        using var engine = Engine(store);
        string[] functions =
            ["sum_over_time(x[R])", "avg_over_time(x[R])", "min_over_time(x[R])", "max_over_time(x[R])", "changes(x[R])", "resets(x[R])", "quantile_over_time(0.3, x[R])", "count_over_time(x[R])"];
        foreach (string function in functions)
        {
            string query = function.Replace("R", $"{random.Next(30, 1500)}s", StringComparison.Ordinal);
            var range = await engine.RangeAsync(TenantId.Anonymous, query, 100_000, 5_800_000, 20_000);
            for (long at = 100_000; at <= 5_800_000; at += 20_000)
            {
                var instant = await engine.InstantAsync(TenantId.Anonymous, query, at);
                foreach (var sample in instant.Vector)
                {
                    var series = range.Matrix.Single(m => m.Labels.Equals(sample.Labels));
                    int found = series.Timestamps.ToList().IndexOf(at);
                    Assert.True(found >= 0 && Near(sample.Value, series.Values[found]), $"{query} {sample.Labels} at {at}: {series.Values[found]:R} instead of {sample.Value:R} (seed {seed})");
                }
                Assert.Equal(instant.Vector.Count, range.Matrix.Count(m => m.Timestamps.Contains(at)));
            }
        }

        double Sample(int kind) => kind switch
        {
            0 => random.Next(5),
            1 => random.NextDouble() * 1e12,
            2 => random.Next(30) == 0 ? double.NaN : random.Next(10),
            3 => random.Next(40) == 0 ? double.PositiveInfinity : random.Next(40) == 0 ? double.NegativeInfinity : random.NextDouble(),
            4 => random.Next(50) == 0 ? 1.7e308 : -random.NextDouble(),
            _ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-8, 8)),
        };

        static bool Near(double a, double b) =>
            a.Equals(b) || (double.IsNaN(a) && double.IsNaN(b)) || Math.Abs(a - b) <= 1e-12 * Math.Max(Math.Abs(a), Math.Abs(b));
    }

    [Fact]
    public async Task What_stands_in_a_query_twice_is_read_once()
    {
        using var engine = Engine(Filled());
        var once = await engine.RangeAsync(TenantId.Anonymous, "sum(rate(up[5m]))", 600_000, 3_600_000, 60_000);
        var thrice = await engine.RangeAsync(TenantId.Anonymous, "sum(rate(up[5m])) + (sum(rate(up[5m])) - sum(rate(up[5m])))", 600_000, 3_600_000, 60_000);
        Assert.Equal(once.Statistics.SamplesLoaded, thrice.Statistics.SamplesLoaded);
        Assert.Equal(Assert.Single(once.Matrix).Values, Assert.Single(thrice.Matrix).Values);
        var mixed = await engine.RangeAsync(TenantId.Anonymous, "max_over_time(sum(up)[10m:1m]) * sum(up)", 600_000, 3_600_000, 60_000);
        Assert.All(Assert.Single(mixed.Matrix).Values, v => Assert.Equal(1, v));
    }

    private static MemoryMetrics Filled()
    {
        var store = new MemoryMetrics();
        for (int i = 0; i <= 240; i++) store.Add(Up, i * 15_000, 1);
        return store;
    }

    private static PromQlEngine Engine(MemoryMetrics store, TenantLimits? limits = null) =>
        new(store, new PromQlOptions(), TimeProvider.System, new Instruments(), new FixedTenantLimits(limits));
}
