using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

public sealed class EngineTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public async Task The_rule_about_passwords_in_addresses_finds_the_pod()
    {
        await using var world = new LogWorld();
        long now = 1_000 * Second;
        for (int i = 0; i < 3; i++)
            world.Add("""{cluster="eu", namespace="prod", pod="cart-1", app="cart"}""", now - (i * Second), $"GET https://user{i}:secret@shop.example/pay");
        world.Add("""{cluster="eu", namespace="prod", pod="cart-2", app="cart"}""", now, "GET https://shop.example/pay a:b@c");
        world.Add("""{cluster="eu", namespace="test", pod="cart-3", app="cart"}""", now, "GET http://a:b@shop.example/");
        world.Add("""{cluster="eu", namespace="prod", pod="cart-4", app="cart"}""", now - (400 * Second), "GET http://a:b@shop.example/");
        await world.SendAsync();
        var rules = new LogQlRuleLanguage(world.Engine, world.Time);
        const string rule = """sum by (cluster, namespace, pod) (count_over_time({namespace="prod"} |~ "http(s?)://[^ ]+:[^ ]+@" [5m])) > 0""";
        Assert.Empty(rules.Check(rule));
        foreach (bool flushed in new[] { false, true })
        {
            if (flushed) await world.Store.FlushAsync(CancellationToken.None);
            var result = await rules.QueryInstantAsync(LogWorld.Tenant, rule, now / 1_000_000, CancellationToken.None);
            var sample = Assert.Single(result.Vector);
            Assert.Equal(("{cluster=\"eu\", namespace=\"prod\", pod=\"cart-1\"}", 3.0), (sample.Labels.ToString(), sample.Value));
        }
    }

    [Fact]
    public async Task Lines_come_in_the_order_asked_for_up_to_the_limit_and_interval()
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 10; i++) world.Add($$"""{app="{{(i % 2 == 0 ? "even" : "odd")}}"}""", i * Second, $"n={i}");
        await world.SendAsync();
        Assert.Equal("9 8 7", await Lines(world, """{app=~".+"} | logfmt""", limit: 3));
        Assert.Equal("2 3 4", await Lines(world, """{app=~".+"}""", backward: false, limit: 3, start: 2));
        Assert.Equal("0 4 8", await Lines(world, """{app=~".+"}""", backward: false, interval: 4));
        Assert.Equal("9 5 1", await Lines(world, """{app=~".+"}""", interval: 4));
        Assert.Equal("8 6", await Lines(world, """{app="even"} |~ "[5-9]" """));
        Assert.Equal("3 2", await Lines(world, """{app=~".+"}""", start: 2, end: 4));
    }

    [Fact]
    public async Task Labels_of_a_line_keep_their_origin()
    {
        await using var world = new LogWorld();
        await world.PushAsync("""{app="a", region="eu"}""", Second, "status=500 region=us trace=7", new Dictionary<string, string> { ["trace"] = "m", ["user"] = "u" });
        var entry = (await Query(world, """{app="a"} | logfmt | drop user""")).Entries.Single();
        Assert.Equal("""{app="a", region="eu"}""", entry.Stream.ToString());
        Assert.Equal("""{trace="m"}""", entry.Metadata.ToString());
        Assert.Equal("""{region_extracted="us", status="500", trace_extracted="7"}""", entry.Parsed.ToString());
        entry = (await Query(world, """{app="a"} | label_format region=app, n="{{.trace}}!" | line_format "{{.n}} {{__line__ | trunc 6}}" """)).Entries.Single();
        Assert.Equal(("{}", """{n="m!", region="a"}""", "m! status"), (entry.Stream.ToString(), entry.Parsed.ToString(), Encoding.UTF8.GetString(entry.Line)));
        entry = (await Query(world, """{app="a"} | json""")).Entries.Single();
        Assert.Equal("JSONParserErr", entry.Parsed["__error__"]);
    }

    [Theory]
    [InlineData("{app=\"a\"} |= foo", "parse error at line 1, col 14: syntax error: unexpected IDENTIFIER foo, expecting STRING or ip\n{app=\"a\"} |= foo\n             ^")]
    [InlineData("sum by (x) (\n  rate({app=\"a\"})\n)", "parse error at line 2, col 17: syntax error: unexpected ), expecting RANGE, as in [5m]\n  rate({app=\"a\"})\n                ^")]
    [InlineData("rate({app=\"a\"}[5x])", "parse error at line 1, col 16: not a valid duration string: \"5x\"; units are y w d h m s ms, in this order\nrate({app=\"a\"}[5x])\n               ^")]
    public async Task A_wrong_query_is_shown_with_a_caret(string query, string message)
    {
        await using var world = new LogWorld();
        var e = await Assert.ThrowsAsync<QueryException>(async () => await Query(world, query));
        Assert.Equal((QueryErrorKind.BadData, message), (e.Kind, e.Message));
    }

    [Fact]
    public async Task Limits_end_a_query_with_loki_s_words()
    {
        await using var world = new LogWorld(new TenantLimits { LogQueryEntriesMax = 10, LogQuerySeriesMax = 2, LogQueryLengthMax = TimeSpan.FromHours(1), QuerySamplesMax = 50 });
        for (int i = 0; i < 3; i++) world.Add($$"""{app="a", pod="{{i}}"}""", Second, "v=1");
        await world.SendAsync();
        await Fails("max entries limit per query exceeded, limit > max_entries_limit_per_query (11 > 10)", """{app="a"}""", 11);
        await Fails("maximum number of series (2) reached for a single query; consider reducing query cardinality", """count_over_time({app="a"}[5m])""", 1);
        await Fails("the query time range exceeds the limit (query length: 2h, limit: 1h)", """{app="a"}""", 1, end: 7200);
        await Fails("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter", "vector(1)", 1, end: 3600, step: 100_000_000);
        await Fails("the query would hold more than 50 samples at once", """sum(count_over_time({app="a"}[5m]))""", 1, end: 600, step: Second);
        Assert.Equal(3, (await world.Engine.InstantAsync(LogWorld.Tenant, """sum(count_over_time({app="a"}[5m]))""", 2 * Second, CancellationToken.None)).Series[0].Points[0].Value);

        async Task Fails(string gist, string query, int limit, long end = 60, long step = 60 * Second)
        {
            var e = await Assert.ThrowsAsync<QueryException>(async () => await world.Engine.QueryRangeAsync(
                LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = end * Second, Limit = limit, StepNs = step }, CancellationToken.None));
            Assert.StartsWith(gist, e.Message);
        }
    }

    [Fact]
    public async Task A_query_over_its_time_ends_and_says_what_it_had_read()
    {
        await using var world = new LogWorld();
        await world.PushAsync("""{app="a"}""", Second, "x");
        using var engine = new LogQlEngine(new SlowLogs(world.Store, world.Time), new FixedTenantLimits(new TenantLimits { QueryTimeout = TimeSpan.FromSeconds(30) }), world.Time);
        var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.InstantAsync(LogWorld.Tenant, """rate({app="a"}[1m])""", Second, CancellationToken.None));
        Assert.Equal(QueryErrorKind.Timeout, e.Kind);
        Assert.StartsWith("request timed out after 30s", e.Message);
    }

    [Fact]
    public async Task Counting_by_differences_equals_counting_one_by_one()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = new Random(seed);
            await using var world = new LogWorld(with: o => o with { BlockBytes = 300 });
            var times = new List<(long At, int Bytes, int Value)>();
            for (int i = 0; i < 200; i++)
            {
                var entry = (At: random.NextInt64(0, 100_000) * 1_000_000, Bytes: 0, Value: random.Next(100));
                string line = $"v={entry.Value} {new string('x', random.Next(20))}{i}";
                world.Add($$"""{app="a", s="{{random.Next(3)}}"}""", entry.At, line);
                times.Add(entry with { Bytes = line.Length });
            }
            await world.SendAsync();
            long start = random.NextInt64(0, 60) * Second, step = random.NextInt64(1, 20_000) * 1_000_000, range = random.NextInt64(1, 40_000), offset = random.NextInt64(-5, 20);
            long end = start + (random.NextInt64(0, 20) * step);
            string window = $"[{range}ms] offset {offset}s";
            foreach (string op in new[] { "count_over_time", "bytes_over_time", "sum_over_time" })
            {
                string unwrap = op == "sum_over_time" ? " | logfmt | unwrap v " : "";
                var result = await world.Engine.QueryRangeAsync(
                    LogWorld.Tenant, new LogQlRangeQuery { Text = $$"""sum({{op}}({app="a"}{{unwrap}}{{window}}))""", StartNs = start, EndNs = end, StepNs = step }, CancellationToken.None);
                var points = result.Series.Count == 0 ? [] : result.Series[0].Points.ToDictionary(p => p.TimestampMs, p => p.Value);
                for (long t = start; t <= end; t += step)
                {
                    long to = t - (offset * Second), from = to - (range * 1_000_000);
                    var inside = times.Where(e => e.At > from && e.At <= to).ToList();
                    double expected = op switch { "count_over_time" => inside.Count, "bytes_over_time" => inside.Sum(e => e.Bytes), _ => inside.Sum(e => e.Value) };
                    bool have = points.TryGetValue(t / 1_000_000, out double got);
                    Assert.True(have == inside.Count > 0 && (!have || got == expected), $"seed {seed} {op} at {t}: {got}, expected {expected} of {inside.Count}");
                }
            }
        }
    }

    [Fact]
    public async Task Counting_lines_allocates_nothing_per_line()
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 200; i++) world.Add("""{app="few"}""", i, $"level=error took={i}ms", new Dictionary<string, string> { ["level"] = "error" });
        for (int i = 0; i < 10_000; i++) world.Add("""{app="many"}""", i, $"level=error took={i}ms", new Dictionary<string, string> { ["level"] = "error" });
        await world.SendAsync();
        await world.Store.FlushAsync(CancellationToken.None);
        long few = await Allocated("few"), many = await Allocated("many");
        Assert.InRange(many - few, -16_384, 16_384);

        async Task<long> Allocated(string app)
        {
            long bytes = 0;
            for (int round = 0; round < 4; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                var result = await world.Engine.InstantAsync(LogWorld.Tenant, $$"""sum by (level) (count_over_time({app="{{app}}"} |= "error" |~ "took=[0-9]+ms" [5m]))""", 60 * Second, CancellationToken.None);
                bytes = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.Equal("{level=\"error\"}", Assert.Single(result.Series).Labels.ToString());
            }
            return bytes;
        }
    }

    [Fact]
    public void Rules_are_checked_whole()
    {
        var rules = new LogQlRuleLanguage();
        Assert.Equal("1:1: a log query gives lines, and a rule needs numbers; wrap it in a function, for example sum(count_over_time(… [5m])) > 0", Assert.Single(rules.Check("{app=\"a\"}")).ToString());
        Assert.Contains("invalid template", Assert.Single(rules.Check("""rate({app="a"} | line_format "{{" [5m])""")).Message);
        Assert.Equal("not a query", rules.Format("not a query"));
        Assert.Equal("""sum by (app) (rate({app="a"} |= "x"[5m]))""", rules.Format("""sum(rate({ app = "a" } |= `x` [5m])) by (app)"""));
    }

    private static async Task<string> Lines(LogWorld world, string query, bool backward = true, int limit = 100, long start = 0, long end = 100, long interval = 0)
    {
        var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery
        {
            Text = query, StartNs = start * Second, EndNs = end * Second, Backward = backward, Limit = limit, IntervalNs = interval * Second,
        }, CancellationToken.None);
        return string.Join(' ', result.Entries.Select(e => Encoding.UTF8.GetString(e.Line)[2..]));
    }

    private static async Task<LogQlResult> Query(LogWorld world, string query) =>
        await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 100 * Second }, CancellationToken.None);

    [Theory]
    [InlineData("sum by (app) (bytes_over_time({app=~\".+\"}[1h]))", "{app=\"a\"} 1110 {app=\"b\"} 550"), InlineData("sum(count_over_time({app=~\".+\"}[1h]))", "{} 332")]
    [InlineData("sum by (pod) (count_over_time({pod=~\"p3|p17\"}[1h]))", "{pod=\"p17\"} 2 {pod=\"p3\"} 2"), InlineData("sum by (none) (bytes_over_time({app=\"b\"}[1h]))", "{} 550")]
    [InlineData("sum by (trace, app) (count_over_time({app=\"b\"}[1h]))", "{app=\"b\"} 105 {app=\"b\", trace=\"t\"} 5")]
    public async Task Entries_of_many_short_streams_are_counted_from_headers(string query, string expected)
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 222; i++)
        {
            world.Add($"{{app=\"{(i < 112 ? "a" : "b")}\", pod=\"p{i}\"}}", i * 1_000_000L, "12345", i >= 217 ? [KeyValuePair.Create("trace", "t")] : null);
            if (i < 110) world.Add($"{{app=\"a\", pod=\"p{i}\"}}", (i * 1_000_000L) + 1, "54321");
        }
        await world.SendAsync();
        foreach (bool flushed in new[] { false, true })
        {
            if (flushed) await world.Store.FlushAsync(CancellationToken.None);
            var result = await world.Engine.InstantAsync(LogWorld.Tenant, query, 60 * Second, CancellationToken.None);
            Assert.Equal(expected, string.Join(' ', result.Series.Select(s => $"{s.Labels} {s.Points[0].Value}")));
        }
    }

    /// <summary>Logs whose every entry takes a minute.</summary>
    private sealed class SlowLogs(ILogQueryable inner, ManualTimeProvider time) : ILogQueryable
    {
        public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            cancel.ThrowIfCancellationRequested();
            return inner.Open(tenant, selection, cancel);
        }

        public IReadOnlyList<Labels> Streams(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
            inner.Streams(tenant, matcherSets, startNs, endNs, cancel);

        public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
            inner.Volumes(tenant, matchers, startNs, endNs, cancel);
    }
}
