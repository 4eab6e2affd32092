using Pharos.Core;

namespace Pharos.Metrics.Tests;

public sealed class MetricStoreTests
{
    private static readonly Labels Up = Labels.Of(("__name__", "up"), ("job", "api"), ("instance", "a:80"));
    private static readonly Labels Other = Labels.Of(("__name__", "up"), ("job", "db"), ("instance", "b:80"));

    [Fact]
    public async Task What_was_appended_is_read_and_outlives_a_crash()
    {
        await using var at = new StoreFixture();
        var samples = Enumerable.Range(0, 500).Select(i => (at.Now + (i * 15), (double)(i * 7 % 13))).ToArray();
        var result = await at.AppendAsync(Up, samples);
        Assert.Equal(500, result.Samples);
        Assert.Empty(result.Errors);
        Assert.Equal(samples, at.Read(Up));
        await at.RestartAsync();
        Assert.Equal(samples, at.Read(Up));
        Assert.Equal(1, at.Store.SeriesCount(StoreFixture.Tenant));
        Assert.Equal(samples[10..21], at.Read(Up, new TimeRange(samples[10].Item1, samples[20].Item1)));
    }

    [Fact]
    public async Task A_reader_of_some_labels_finds_every_sample_under_them()
    {
        await using var at = new StoreFixture();
        for (int i = 0; i < 700; i++)
        {
            await at.AppendAsync(Labels.Of(("__name__", "up"), ("instance", $"i{i}"), ("job", $"j{i % 3}")), at.Now, i);
        }
        foreach (bool inBlocks in (bool[])[false, true])
        {
            if (inBlocks) await at.Store.FlushAsync(default);
            var sums = new SortedDictionary<string, double>(StringComparer.Ordinal);
            using var samples = new SampleColumns();
            var found = at.Store.Select(
                StoreFixture.Tenant, [new Matcher(MatchOp.Regex, "instance", "i.*")], TimeRange.All, SelectHints.None with { NeededLabels = ["job", "absent"], AnyOrder = true }, default);
            foreach (var series in found)
            {
                samples.Clear();
                series.Read(TimeRange.All, samples);
                sums[series.Labels["job"]] = sums.GetValueOrDefault(series.Labels["job"]) + samples.Values[0];
            }
            Assert.Equal(700, found.Count);
            for (int job = 0; job < 3; job++) Assert.Equal(Enumerable.Range(0, 700).Where(i => i % 3 == job).Sum(), sums[$"j{job}"]);
            if (!inBlocks) Assert.Equal(3, found.Select(s => s.Labels).Distinct().Count());
        }
    }

    [Theory]
    [InlineData(MatchOp.Regex, "i1.*")]
    [InlineData(MatchOp.Regex, ".*[05]")]
    [InlineData(MatchOp.NotRegex, "i[12]|i3")]
    [InlineData(MatchOp.NotRegex, "i.+5")]
    [InlineData(MatchOp.Regex, "(i7|)")]
    [InlineData(MatchOp.Regex, "(?i)I4[0-9]*")]
    [InlineData(MatchOp.NotEqual, "i3")]
    public async Task Patterns_find_the_same_in_head_and_block_as_one_by_one(MatchOp op, string pattern)
    {
        await using var at = new StoreFixture();
        var all = Enumerable.Range(0, 120).Select(i => Labels.Of(("__name__", "up"), ("instance", i == 119 ? "" : $"i{i}"), ("job", i % 2 == 0 ? "a" : "b"))).ToArray();
        foreach (var labels in all) await at.AppendAsync(labels, at.Now, 1);
        var matcher = new Matcher(op, "instance", pattern);
        foreach (bool inBlocks in (bool[])[false, true])
        {
            if (inBlocks) await at.Store.FlushAsync(default);
            foreach (Matcher[] matchers in (Matcher[][])[[matcher], [new Matcher(MatchOp.Equal, "job", "a"), matcher]])
            {
                var found = at.Store.Series(StoreFixture.Tenant, [matchers], TimeRange.All, 0, default);
                Assert.Equal(all.Where(l => Matcher.All(matchers, l)).Order(), found);
            }
        }
    }

    [Fact]
    public async Task Special_numbers_keep_their_bits_through_head_log_and_block()
    {
        await using var at = new StoreFixture();
        long[] bits = [SampleValue.StaleBits, SampleValue.NormalNaNBits, BitConverter.DoubleToInt64Bits(-0.0), long.MaxValue, 0x7ff0000000000000, 1, BitConverter.DoubleToInt64Bits(double.NegativeInfinity)];
        await at.AppendAsync(Up, [.. bits.Select((b, i) => (at.Now + i, BitConverter.Int64BitsToDouble(b)))]);
        void Same() => Assert.Equal(bits, at.Read(Up).Select(s => BitConverter.DoubleToInt64Bits(s.Value)));
        Same();
        await at.RestartAsync();
        Same();
        await at.Store.FlushAsync(default);
        Same();
        await at.RestartAsync();
        Same();
    }

    [Fact]
    public async Task A_cut_moves_samples_into_blocks_and_queries_do_not_notice()
    {
        await using var at = new StoreFixture();
        long start = at.Now - (6 * 3_600_000);
        var expected = new List<(long, double)>();
        for (int i = 0; i < 6 * 240; i++)
        {
            long t = start + (i * 15_000);
            await at.AppendAsync(Up, t, i);
            await at.AppendAsync(Other, t, -i);
            expected.Add((t, i));
        }
        await at.Store.MaintainAsync(default);
        Assert.Equal(expected, at.Read(Up));
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        Assert.NotEmpty(blocks);
        Assert.Equal(expected.Count * 2, blocks.Sum(b => b.Samples) + at.Select(new TimeRange(blocks[^1].EndTimeMs, long.MaxValue)).Sum(s => Count(s, blocks[^1].EndTimeMs)));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
        Assert.Equal(blocks.Count, at.Metric("prometheus_tsdb_blocks_loaded"));
        await at.Store.FlushAsync(default);
        Assert.Equal(expected, at.Read(Up));
        Assert.Equal(0, at.Store.SeriesCount(StoreFixture.Tenant));
        await at.RestartAsync();
        Assert.Equal(0, at.Store.SeriesCount(StoreFixture.Tenant));
        Assert.Equal(expected, at.Read(Up));
        await at.AppendAsync(Up, at.Now, 5);
        expected.Add((at.Now, 5));
        Assert.Equal(expected, at.Read(Up));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
    }

    [Fact]
    public async Task Tenants_do_not_see_each_other()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        Assert.Empty(at.Store.Select(TenantId.Parse("other"), [], TimeRange.All, SelectHints.None, default));
        Assert.Empty(at.Store.LabelNames(TenantId.Parse("other"), [], TimeRange.All, 0, default));
        Assert.Equal(0, at.Store.SeriesCount(TenantId.Parse("other")));
    }

    [Theory]
    [InlineData("=", "job", "api", "a b")]
    [InlineData("!=", "job", "api", "c d")]
    [InlineData("!=", "job", "", "a b c")]
    [InlineData("=", "job", "", "d")]
    [InlineData("=~", "job", "api|db", "a b c")]
    [InlineData("=~", "job", "a.*", "a b")]
    [InlineData("!~", "job", "a.*", "c d")]
    [InlineData("=~", "job", ".*", "a b c d")]
    [InlineData("=~", "job", ".+", "a b c")]
    [InlineData("=~", "job", "|db", "c d")]
    [InlineData("!~", "job", ".+", "d")]
    [InlineData("=", "nothing", "x", "")]
    [InlineData("!=", "nothing", "x", "a b c d")]
    public async Task Matchers_select_in_head_and_block(string op, string name, string value, string expected)
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Labels.Of(("__name__", "m"), ("id", "a"), ("job", "api")), at.Now, 1);
        await at.AppendAsync(Labels.Of(("__name__", "m"), ("id", "b"), ("job", "api")), at.Now, 1);
        await at.AppendAsync(Labels.Of(("__name__", "m"), ("id", "c"), ("job", "db")), at.Now, 1);
        await at.AppendAsync(Labels.Of(("__name__", "m"), ("id", "d")), at.Now, 1);
        var matcher = new Matcher(op switch { "=" => MatchOp.Equal, "!=" => MatchOp.NotEqual, "=~" => MatchOp.Regex, _ => MatchOp.NotRegex }, name, value);
        string Ids(params Matcher[] matchers) => string.Join(' ', at.Select(TimeRange.All, matchers).Select(s => s.Labels["id"]));
        var all = new Matcher(MatchOp.Equal, "__name__", "m");
        Assert.Equal(expected, Ids(matcher));
        Assert.Equal(expected, Ids(all, matcher));
        await at.Store.FlushAsync(default);
        Assert.Equal(expected, Ids(matcher));
        Assert.Equal(expected, Ids(all, matcher));
    }

    [Fact]
    public async Task Names_values_and_series_come_from_head_and_blocks()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        await at.Store.FlushAsync(default);
        await at.AppendAsync(Labels.Of(("__name__", "down"), ("zone", "ü")), at.Now + 10, 1);
        IReadOnlyList<IReadOnlyList<Matcher>> onlyUp = [[new Matcher(MatchOp.Equal, "__name__", "up")]];
        Assert.Equal(["__name__", "instance", "job", "zone"], at.Store.LabelNames(StoreFixture.Tenant, [], TimeRange.All, 0, default));
        Assert.Equal(["__name__", "instance", "job"], at.Store.LabelNames(StoreFixture.Tenant, onlyUp, TimeRange.All, 0, default));
        Assert.Equal(["down", "up"], at.Store.LabelValues(StoreFixture.Tenant, "__name__", [], TimeRange.All, 0, default));
        Assert.Equal(["down"], at.Store.LabelValues(StoreFixture.Tenant, "__name__", [], TimeRange.All, 1, default));
        Assert.Equal(["a:80"], at.Store.LabelValues(StoreFixture.Tenant, "instance", onlyUp, TimeRange.All, 0, default));
        Assert.Equal(["ü"], at.Store.LabelValues(StoreFixture.Tenant, "zone", [], TimeRange.All, 0, default));
        Assert.Equal(2, at.Store.Series(StoreFixture.Tenant, [], TimeRange.All, 0, default).Count);
        Assert.Equal([Up], at.Store.Series(StoreFixture.Tenant, onlyUp, TimeRange.All, 0, default));
        Assert.Empty(at.Store.Series(StoreFixture.Tenant, onlyUp, new TimeRange(at.Now + 5, at.Now + 20), 0, default));
    }

    [Fact]
    public async Task Metadata_and_exemplars_are_kept_over_a_restart()
    {
        await using var at = new StoreFixture();
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Up);
        batch.AddSample(series, at.Now, 1);
        batch.Metadata.Add(new MetricMetadata("up", MetricType.Gauge, "Whether it is up.", ""));
        var trace = Labels.Of(("trace_id", "abc"));
        batch.Exemplars.Add(new BatchExemplar(series, at.Now, 0.5, trace));
        batch.Exemplars.Add(new BatchExemplar(series, at.Now - 1, 0.5, trace));
        batch.Exemplars.Add(new BatchExemplar(series, at.Now + 1, 0.5, Labels.Of(("t", new string('x', 128)))));
        var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
        Assert.Equal(2, result.Exemplars);
        Assert.Equal(["exemplar-labels-too-long"], result.Errors.Select(e => e.Code));
        void Check()
        {
            Assert.Equal("Whether it is up.", at.Store.Metadata(StoreFixture.Tenant, null, 0)["up"].Single().Help);
            var (labels, exemplars) = at.Store.Exemplars(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "job", "api")]], TimeRange.All, default).Single();
            Assert.Equal(Up, labels);
            Assert.Contains(new Exemplar(at.Now, 0.5, trace), exemplars);
            Assert.Empty(at.Store.Exemplars(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "job", "db")]], TimeRange.All, default));
        }
        Check();
        await at.RestartAsync();
        Check();
        await at.Store.FlushAsync(default);
        Assert.Equal("Whether it is up.", at.Store.Metadata(StoreFixture.Tenant, "up", 0)["up"].Single().Help);
        await at.RestartAsync();
        Assert.Equal("Whether it is up.", at.Store.Metadata(StoreFixture.Tenant, "up", 0)["up"].Single().Help);
    }

    [Fact]
    public async Task Status_names_the_largest()
    {
        await using var at = new StoreFixture();
        for (int i = 0; i < 20; i++) await at.AppendAsync(Labels.Of(("__name__", i < 15 ? "big" : "small"), ("id", $"{i:00}")), at.Now, 1);
        var status = at.Store.Status(StoreFixture.Tenant, 1);
        Assert.Equal(20, status.SeriesCount);
        Assert.Equal(22, status.LabelPairCount);
        Assert.Equal(20, status.ChunkCount);
        Assert.Equal([new NamedCount("big", 15)], status.SeriesCountByMetricName);
        Assert.Equal([new NamedCount("id", 20)], status.LabelValueCountByLabelName);
        Assert.Equal([new NamedCount("__name__=big", 15)], status.SeriesCountByLabelValuePair);
        Assert.Equal([new NamedCount("__name__", (15 * 3) + (5 * 5))], status.MemoryInBytesByLabelName);
    }

    private static int Count(ISeries series, long fromMs)
    {
        using var columns = new SampleColumns();
        series.Read(new TimeRange(fromMs, long.MaxValue), columns);
        return columns.Count;
    }
}
