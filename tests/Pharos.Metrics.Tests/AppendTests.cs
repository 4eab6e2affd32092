using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>Which samples are taken, and what is said about the others.</summary>
public sealed class AppendTests
{
    private const long Hour = 3_600_000;
    private static readonly Labels Up = Labels.Of(("__name__", "up"), ("job", "api"));

    [Fact]
    public async Task Timestamps_are_judged_as_prometheus_does_without_a_window()
    {
        await using var at = new StoreFixture();
        long now = at.Now;
        var fresh = Labels.Of(("__name__", "fresh"));
        Assert.Equal("", await Code(at, Up, now, 1));
        Assert.Equal("", await Code(at, Up, now, 1));
        Assert.Equal("sample-duplicate-timestamp", await Code(at, Up, now, 2));
        Assert.Equal("sample-out-of-order", await Code(at, Up, now - 1, 1));
        Assert.Equal("sample-timestamp-too-old", await Code(at, Up, now - Hour - 1, 1));
        Assert.Equal("", await Code(at, fresh, now - Hour, 1));
        Assert.Equal("sample-timestamp-too-old", await Code(at, fresh, now - Hour - 1, 1));
        Assert.Equal("", await Code(at, fresh, now + 600_000, 1));
        Assert.Equal("too-far-in-future", await Code(at, fresh, now + 600_001, 1));
        Assert.Equal([(now, 1.0)], at.Read(Up));
        Assert.Equal(1, at.Metric("prometheus_tsdb_out_of_order_samples_total"));
        Assert.Equal(3, at.Metric("prometheus_tsdb_out_of_bound_samples_total"));
    }

    [Fact]
    public async Task Late_samples_are_taken_inside_the_window_and_survive()
    {
        await using var at = new StoreFixture(new TenantLimits { OutOfOrderWindow = TimeSpan.FromHours(3) });
        long now = at.Now;
        await at.AppendAsync(Up, now - (4 * Hour), 1);
        await at.AppendAsync(Up, now, 2);
        Assert.Equal("", await Code(at, Up, now - (2 * Hour), 3));
        Assert.Equal("", await Code(at, Up, now - (3 * Hour), 4));
        Assert.Equal("sample-timestamp-too-old", await Code(at, Up, now - (3 * Hour) - 1, 5));
        Assert.Equal("", await Code(at, Up, now - 1, 6));
        Assert.Equal("", await Code(at, Up, now - 1, 7));
        (long, double)[] expected = [(now - (4 * Hour), 1), (now - (3 * Hour), 4), (now - (2 * Hour), 3), (now - 1, 6), (now, 2)];
        Assert.Equal(expected, at.Read(Up));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
        await at.Store.FlushAsync(default);
        Assert.Equal(expected, at.Read(Up));
        // Later still, into ranges that are already blocks.
        Assert.Equal("", await Code(at, Up, now - (2 * Hour) + 1, 8));
        expected = [.. expected[..3], (now - (2 * Hour) + 1, 8), .. expected[3..]];
        Assert.Equal(expected, at.Read(Up));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
        await at.Store.FlushAsync(default);
        await at.Store.MaintainAsync(default);
        Assert.Equal(expected, at.Read(Up));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
    }

    [Fact]
    public async Task Good_samples_are_taken_beside_bad_ones_and_the_bad_are_counted()
    {
        await using var at = new StoreFixture(new TenantLimits { LabelNamesPerSeriesMax = 3, LabelValueBytesMax = 10, LabelNameBytesMax = 9 });
        using var batch = new MetricBatch();
        void Add(Labels labels, int samples)
        {
            int series = batch.AddSeries(labels);
            for (int i = 0; i < samples; i++) batch.AddSample(series, at.Now + i, i);
        }
        Add(Up, 2);
        Add(Labels.Of(("job", "nameless")), 3);
        Add(Labels.Of(("__name__", "m"), ("a", "1"), ("b", "2"), ("c", "3")), 4);
        Add(Labels.Of(("__name__", "m"), ("a", "01234567890")), 5);
        Add(Labels.Of(("__name__", "m"), ("0123456789", "x")), 6);
        Add(Labels.FromEncoded([1, (byte)'a', 1, 0xff, 8, .. "__name__"u8, 1, (byte)'m']), 7);
        var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
        Assert.Equal(2, result.Samples);
        Assert.Equal(
            [("missing-metric-name", 3), ("max-label-names-per-series", 4), ("label-value-too-long", 5), ("label-name-too-long", 6), ("label-invalid", 7)],
            result.Errors.Select(e => (e.Code, e.Samples)));
        Assert.All(result.Errors, e => Assert.Contains($"(err-mimir-{e.Code})", e.Message, StringComparison.Ordinal));
        Assert.Equal([(at.Now, 0.0), (at.Now + 1, 1.0)], at.Read(Up));
        Assert.Equal(25, at.Metric("cortex_discarded_samples_total"));
    }

    [Fact]
    public async Task Series_limits_hold_for_new_series_only()
    {
        await using var at = new StoreFixture(new TenantLimits { SeriesMax = 3, SeriesPerMetricMax = 2 });
        Labels Series(string name, int id) => Labels.Of(("__name__", name), ("id", $"{id}"));
        Assert.Equal("", await Code(at, Series("a", 1), at.Now, 1));
        Assert.Equal("", await Code(at, Series("a", 2), at.Now, 1));
        Assert.Equal("max-series-per-metric", await Code(at, Series("a", 3), at.Now, 1));
        Assert.Equal("", await Code(at, Series("b", 1), at.Now, 1));
        Assert.Equal("max-series-per-user", await Code(at, Series("c", 1), at.Now, 1));
        Assert.Equal("", await Code(at, Series("a", 1), at.Now + 1, 1));
        var other = await Append(at, TenantId.Parse("other"), Series("c", 1), at.Now);
        Assert.Empty(other.Errors);
        at.Limits = at.Limits with { SeriesMax = 4 };
        Assert.Equal("", await Code(at, Series("c", 1), at.Now, 1));
    }

    [Fact]
    public async Task The_rate_limit_refuses_whole_requests_and_refills()
    {
        await using var at = new StoreFixture(new TenantLimits { IngestionSamplesPerSecond = 10, IngestionBurstSamples = 20 });
        (long, double)[] Samples() => [.. Enumerable.Range(0, 15).Select(i => (at.Now + i, 1.0))];
        Assert.Empty((await at.AppendAsync(Up, Samples())).Errors);
        var error = Assert.Single((await at.AppendAsync(Up, Samples())).Errors);
        Assert.Equal((AppendErrorKind.Limit, "tenant-max-ingestion-rate", 15), (error.Kind, error.Code, error.Samples));
        at.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty((await at.AppendAsync(Up, Samples())).Errors);
    }

    [Fact]
    public async Task A_flood_of_bad_samples_is_said_in_few_words_and_counted_whole()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        var result = await at.AppendAsync(Up, [.. Enumerable.Range(0, 1000).Select(i => (at.Now - 1 - i, 1.0))]);
        Assert.Equal(5, result.Errors.Count);
        Assert.Equal(1000, result.Errors.Sum(e => e.Samples));
    }

    [Fact]
    public async Task A_flood_of_refused_series_is_said_in_few_words_and_makes_little_garbage()
    {
        foreach (var (code, limits) in new[]
        {
            ("label-value-too-long", new TenantLimits { LabelValueBytesMax = 10 }),
            ("max-label-names-per-series", new TenantLimits { LabelNamesPerSeriesMax = 1 }),
            ("max-series-per-user", new TenantLimits { SeriesMax = 1 }),
            ("series-budget", new TenantLimits { SeriesBudget = 1 }),
        })
        {
            await using var at = new StoreFixture(limits);
            await at.AppendAsync(Labels.Of(("__name__", "known")), at.Now, 1);
            using var batch = new MetricBatch();
            for (int i = 0; i < 2000; i++) batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "m"), ("a", $"value number {i}"))), at.Now, i);
            await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
            long before = GC.GetAllocatedBytesForCurrentThread();
            var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 30_000);
            Assert.Equal(5, result.Errors.Count(e => e.Code == code && e.Message.Contains("(err-", StringComparison.Ordinal)));
            Assert.Equal(2000, result.Errors.Sum(e => e.Samples));
        }
    }

    [Fact]
    public async Task A_full_disk_refuses_whole_requests_shows_nothing_of_them_and_recovers()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        at.LogOptions = at.LogOptions with { FreeBytesMin = long.MaxValue / 2 };
        await at.RestartAsync();
        var fresh = Labels.Of(("__name__", "fresh"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => at.AppendAsync(Up, at.Now + 1, 2));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => at.AppendAsync(fresh, at.Now + 1, 2));
        Assert.Equal([(at.Now, 1.0)], at.Read(Up));
        Assert.Empty(at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "__name__", "fresh")));
        at.LogOptions = at.LogOptions with { FreeBytesMin = 0 };
        await at.RestartAsync();
        Assert.Equal("", await Code(at, Up, at.Now + 1, 3));
        Assert.Equal([(at.Now, 1.0), (at.Now + 1, 3.0)], at.Read(Up));
    }

    [Fact]
    public async Task Samples_of_a_failed_request_may_be_sent_again_with_other_values()
    {
        await using var at = new StoreFixture();
        var log = new GateLog(at.Log);
        await using var store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(at.Folder, "other") }, log, new FixedTenantLimits(), at.Time, new Instruments(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        store.Start();
        log.Fails = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => AppendTo(store, at.Now + 1, 1));
        log.Fails = false;
        Assert.Empty((await AppendTo(store, at.Now, 2)).Errors);
        Assert.Empty((await AppendTo(store, at.Now + 1, 3)).Errors);
        using var columns = new SampleColumns();
        store.Select(StoreFixture.Tenant, [], TimeRange.All, SelectHints.None, default).Single().Read(TimeRange.All, columns);
        Assert.Equal([2.0, 3.0], columns.Values.ToArray());
        // The series' definition was in the failed record; it must be in a later one.
        int definitions = 0;
        at.Log.Replay(RecordKind.Metrics, (_, _, payload) => definitions += payload[1]);
        Assert.Equal(1, definitions);
    }

    [Fact]
    public async Task A_repeated_sample_is_not_acknowledged_before_the_first_is_durable()
    {
        await using var at = new StoreFixture();
        var log = new GateLog(at.Log);
        await using var store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(at.Folder, "other") }, log, new FixedTenantLimits(), at.Time, new Instruments(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        store.Start();
        log.Hold = new TaskCompletionSource();
        var first = AppendTo(store, at.Now, 1);
        var second = AppendTo(store, at.Now, 1);
        var third = AppendTo(store, at.Now + 1, 1);
        Assert.False(first.IsCompleted || second.IsCompleted || third.IsCompleted);
        Assert.Empty(store.Select(StoreFixture.Tenant, [], TimeRange.All, SelectHints.None, default));
        log.Hold.SetResult();
        Assert.Equal([1, 1, 1], (await Task.WhenAll(first, second, third)).Select(r => r.Samples));
    }

    private static async Task<AppendResult> AppendTo(MetricStore store, long ms, double value)
    {
        using var batch = new MetricBatch();
        batch.AddSample(batch.AddSeries(Up), ms, value);
        return await store.AppendAsync(StoreFixture.Tenant, batch, default);
    }

    private static async Task<AppendResult> Append(StoreFixture at, TenantId tenant, Labels labels, long ms)
    {
        using var batch = new MetricBatch();
        batch.AddSample(batch.AddSeries(labels), ms, 1);
        return await at.Store.AppendAsync(tenant, batch, default);
    }

    private static async Task<string> Code(StoreFixture at, Labels labels, long ms, double value)
    {
        var result = await at.AppendAsync(labels, ms, value);
        Assert.Equal(result.HasErrors ? 0 : 1, result.Samples);
        return result.HasErrors ? result.Errors.Single().Code : "";
    }

    /// <summary>A log that can be held up, and can fail.</summary>
    private sealed class GateLog(IWriteLog inner) : IWriteLog
    {
        public bool Fails { get; set; }
        public TaskCompletionSource? Hold { get; set; }

        public WriteLogPosition End => inner.End;

        public async ValueTask<WriteLogPosition> AppendAsync(RecordKind kind, TenantId tenant, ReadOnlyMemory<byte> payload, CancellationToken cancel)
        {
            if (Hold is { } hold) await hold.Task;
            if (Fails) throw new StoreUnavailableException("the disk is full");
            return await inner.AppendAsync(kind, tenant, payload, cancel);
        }

        public void Replay(RecordKind kind, ReplayHandler handler, WriteLogPosition from = default) => inner.Replay(kind, handler, from);

        public void StartBehind(WriteLogPosition place) => inner.StartBehind(place);

        public void Release(RecordKind kind, WriteLogPosition before) => inner.Release(kind, before);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
