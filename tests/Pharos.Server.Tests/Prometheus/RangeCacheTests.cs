using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.PromQL;
using Pharos.Storage.WriteLog;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>Range queries answered from finished parts give what they give without them, whatever happens to the samples between.</summary>
public sealed class RangeCacheTests
{
    private const long DayMs = 86_400_000, StepMs = 60_000;

    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    public async Task Cached_is_uncached_whatever_is_written_and_deleted(int seed)
    {
        await using var at = await StoreUnderTest.StartAsync();
        var random = new Random(seed);
        string[] queries =
        [
            "x", "sum by (job) (x)", "rate(x[5m])", "max_over_time(x[1h])", "x offset 30m", "x offset -20m", "topk(1, x)", "x @ 1772400000", "x > 50 or y",
            "sum(x) + start()", "max_over_time(sum(x)[1h:5m])", "count_values(\"v\", x)", "time()", "absent(y)",
            // Of these something is said: at some steps, at all, or only where there are samples.
            "increase(x[20m])", "increase( x[20m] )", "rate({__name__=~\"x|y\"}[10m]) > 0.02", "quantile(2, y)", "histogram_quantile(0.5, y)", "rate(sum(y)[30m:5m])", "rate(x[30m] @ 1772400000)",
            "sum(h)", "max(h)", "topk(1, h)", "rate(h[20m])", "idelta(h[20m])", "irate(h[20m])", "sum_over_time(h[20m])", "min_over_time(h[20m])", "h + on (job) x",
            "h > 3", "quantile(time() % 3600 / 1800, x)", "histogram_quantile(time() % 3600 / 1800, h)", "sum(h @ 1772400000)", "max_over_time(h[20m] @ 1772400000) * x",
            "sum by (job) (max_over_time(sum by (job) (h)[30m:5m]))", "sort(x)", "increase(h[20m] smoothed)", "rate(h[20m] anchored)", "avg(h)", "histogram_quantile(0.5, h)",
        ];
        for (int round = 0; round < 60; round++)
        {
            await at.DisturbAsync(random);
            for (int q = 0; q < 3; q++)
            {
                string query = queries[random.Next(queries.Length)];
                long step = StepMs * random.Next(1, 4) * 5;
                long from = Start.ToUnixTimeMilliseconds() + (random.Next(0, 48) * 3_600_000L), to = from + (random.Next(1, 40) * 3_600_000L);
                string expected = Show(await at.Plain.RangeAsync(TenantId.Anonymous, query, from, to, step));
                for (int again = 0; again < 2; again++)
                {
                    string found = Show(await at.Cached.RangeAsync(TenantId.Anonymous, query, from, to, step));
                    Assert.True(expected == found, $"seed {seed}, round {round}: {query} from {from} to {to} step {step}\n{found}\ninstead of\n{expected}");
                }
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Instant_answers_are_those_of_an_evaluation_whatever_is_written_and_deleted(int seed)
    {
        await using var at = await StoreUnderTest.StartAsync();
        var random = new Random(seed);
        string[] queries =
        [
            "x", "sum by (job) (x)", "rate(x[5m])", "max_over_time(x[6h])", "x offset 30m", "x offset -20m", "x @ 1772400000", "x @ end()", "sum(x) + time()",
            "max_over_time(sum(x)[1h:5m])", "absent(y)", "scalar(x{job=\"1\"})", "quantile(2, x)", "histogram_quantile(0.5, x)", "max_over_time(x[1h] @ 1772400000)",
        ];
        long now = Start.ToUnixTimeMilliseconds();
        for (int round = 0; round < 45; round++)
        {
            await at.DisturbAsync(random);
            for (int q = 0; q < 6; q++)
            {
                string query = queries[random.Next(queries.Length)];
                long time = now + (random.Next(0, 16) * 6 * 3_600_000L);
                var plain = await at.Plain.InstantAsync(TenantId.Anonymous, query, time);
                for (int again = 0; again < 2; again++)
                {
                    var found = await at.Cached.InstantAsync(TenantId.Anonymous, query, time);
                    Assert.True(ShowInstant(plain) == ShowInstant(found), $"seed {seed}, round {round}: {query} at {time}\n{ShowInstant(found)}\ninstead of\n{ShowInstant(plain)}");
                }
            }
        }
    }

    [Fact]
    public async Task An_instant_query_asked_again_reads_nothing_and_keeps_its_warnings()
    {
        await using var at = await StoreUnderTest.StartAsync();
        long time = Start.ToUnixTimeMilliseconds() + 3_600_000;
        await at.AppendAsync("x", 0, time - 1000, 7);
        var first = await at.Cached.InstantAsync(TenantId.Anonymous, "quantile(2, x)", time);
        var again = await at.Cached.InstantAsync(TenantId.Anonymous, "quantile(2, x)", time);
        Assert.Equal((1, 0), (first.Statistics.SamplesLoaded, again.Statistics.SamplesLoaded));
        Assert.Single(again.Warnings);
        Assert.Equal(first.Warnings, again.Warnings);
        // What it cannot see changes nothing; what it can does.
        await at.AppendAsync("x", 0, time + 600_000, 8);
        Assert.Equal(0, (await at.Cached.InstantAsync(TenantId.Anonymous, "quantile(2, x)", time)).Statistics.SamplesLoaded);
        await at.AppendAsync("x", 1, time - 60_000, 9);
        Assert.Equal(2, (await at.Cached.InstantAsync(TenantId.Anonymous, "quantile(2, x)", time)).Statistics.SamplesLoaded);
    }

    [Fact]
    public async Task A_late_sample_makes_only_the_day_that_sees_it_be_evaluated_again()
    {
        await using var at = await StoreUnderTest.StartAsync();
        long from = Start.ToUnixTimeMilliseconds() + 3_600_000, to = from + (70 * 3_600_000L), step = 5 * StepMs;
        for (int i = 0; i < 900; i++) await at.AppendAsync("x", 0, Start.ToUnixTimeMilliseconds() + (i * step), i);
        var whole = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, step);
        Assert.True(whole.Statistics.SamplesLoaded > 800);
        await at.AppendAsync("x", 1, Start.ToUnixTimeMilliseconds() + DayMs + (5 * 3_600_000), 5);
        var late = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, step);
        // One day of one sample in five minutes, and the late one.
        Assert.InRange(late.Statistics.SamplesLoaded, 1, 300);
        Assert.Equal(Show(await at.Plain.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, step)), Show(late));
    }

    private static string ShowInstant(QueryResult result) =>
        $"{result.Type} {result.Scalar:G12} {string.Join('|', result.Warnings.Concat(result.Infos))}\n"
        + string.Join('\n', result.Vector.Select(s => $"{s.Labels} {s.TimestampMs} {s.Value:G12}").Order(StringComparer.Ordinal));

    [Fact]
    public async Task A_query_asked_again_reads_only_what_is_new()
    {
        await using var at = await StoreUnderTest.StartAsync();
        long from = Start.ToUnixTimeMilliseconds() + 3_600_000, to = from + (30 * 3_600_000L);
        for (int i = 0; i < 2000; i++) await at.AppendAsync("x", 0, Start.ToUnixTimeMilliseconds() + (i * StepMs), i);
        var first = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, StepMs);
        Assert.True(first.Statistics.SamplesLoaded > 1500);
        var again = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, StepMs);
        Assert.Equal(0, again.Statistics.SamplesLoaded);
        var moved = await at.Cached.RangeAsync(TenantId.Anonymous, "sum( x )", from + (60 * StepMs), to + (60 * StepMs), StepMs);
        Assert.InRange(moved.Statistics.SamplesLoaded, 1, 200);
        // A late sample on the second day leaves the first day's part as it is.
        await at.AppendAsync("x", 1, Start.ToUnixTimeMilliseconds() + DayMs + 3_600_000, 5);
        var late = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(x)", from, to, StepMs);
        Assert.InRange(late.Statistics.SamplesLoaded, 1, 700);
        Assert.Equal(first.Matrix[0].Values[0], late.Matrix[0].Values[0]);
    }

    [Fact]
    public async Task Pieces_that_were_missing_on_both_sides_are_counted_together()
    {
        await using var at = await StoreUnderTest.StartAsync();
        long start = Start.ToUnixTimeMilliseconds();
        for (int i = 0; i < 600; i++) await at.AppendAsync("x", 0, start + (i * StepMs), i);
        await at.Cached.RangeAsync(TenantId.Anonymous, "x", start + (200 * StepMs), start + (400 * StepMs), StepMs);
        var around = await at.Cached.RangeAsync(TenantId.Anonymous, "x", start + (100 * StepMs), start + (500 * StepMs), StepMs);
        // A hundred steps before and a hundred behind, each with what it looks back on.
        Assert.InRange(around.Statistics.SamplesLoaded, 200, 210);
        Assert.Equal((200, 2), (around.Statistics.SamplesQueryable, around.Statistics.SeriesSelected));
        Assert.Equal(401, Assert.Single(around.Matrix).Values.Count);
    }

    [Fact]
    public async Task Infos_are_kept_with_the_steps_at_which_they_arise()
    {
        await using var at = await StoreUnderTest.StartAsync();
        long start = Start.ToUnixTimeMilliseconds(), from = start + 3_600_000, to = from + (60 * 3_600_000L);
        for (int i = 0; i < 3000; i++) await at.AppendAsync("x", 0, start + (i * StepMs), i);
        // What the first evaluation finds belongs to no day; the second one goes day by day.
        for (int i = 0; i < 2; i++) await AskAsync(from, to);
        Assert.Equal(0, (await AskAsync(from, to)).Statistics.SamplesLoaded);
        var moved = await AskAsync(from + StepMs, to + StepMs);
        Assert.InRange(moved.Statistics.SamplesLoaded, 0, 60);
        Assert.Single(moved.Infos);
        // On the last day there are samples for two hours only: behind them nothing is said.
        Assert.Empty((await AskAsync(start + (2 * DayMs) + (5 * 3_600_000), to)).Infos);

        async Task<QueryResult> AskAsync(long fromMs, long toMs)
        {
            var result = await at.Cached.RangeAsync(TenantId.Anonymous, "sum(rate(x[5m]))", fromMs, toMs, StepMs);
            Assert.Equal(Show(await at.Plain.RangeAsync(TenantId.Anonymous, "sum(rate(x[5m]))", fromMs, toMs, StepMs)), Show(result));
            return result;
        }
    }

    private static string Show(QueryResult result) => string.Join('\n', result.Matrix.Select(
        s => $"{s.Labels} {string.Join(' ', s.Timestamps.Zip(s.Values).Select(p => $"{p.First}={p.Second:G12}"))} {string.Join(' ', s.Histograms?.Select(h => h is null ? "-" : HistogramText.Format(h)) ?? [])}").Concat(result.Warnings).Concat(result.Infos));

    /// <summary>A store with four days of room behind its clock, and two engines over it.</summary>
    private sealed class StoreUnderTest(TemporaryFolder folder, FileWriteLog log, MetricStore store, PromQlEngine cached, PromQlEngine plain) : IAsyncDisposable
    {
        private long nextMs = Start.ToUnixTimeMilliseconds();

        public PromQlEngine Cached { get; } = cached;
        public PromQlEngine Plain { get; } = plain;

        public static Task<StoreUnderTest> StartAsync()
        {
            var folder = Places.NewFolder();
            var time = new ManualTimeProvider(Start.AddDays(4));
            var instruments = new Instruments();
            var limits = new FixedTenantLimits(TenantLimits.Default with { OutOfOrderWindow = TimeSpan.FromDays(10) });
            var log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os }, time, instruments, NullLogger.Instance);
            var store = new MetricStore(new MetricStoreOptions { Folder = Path.Combine(folder, "metrics") }, log, limits, time, instruments, NullLogger.Instance);
            store.Start();
            var cached = new PromQlEngine(store, new PromQlOptions(), time, instruments, limits);
            var plain = new PromQlEngine(store, new PromQlOptions { RangeCacheBytesMax = 0 }, time, new Instruments(), limits);
            return Task.FromResult(new StoreUnderTest(folder, log, store, cached, plain));
        }

        public async Task AppendAsync(string name, int job, long atMs, double value)
        {
            using var batch = new MetricBatch();
            batch.AddSample(batch.AddSeries(Labels.Of((Labels.MetricName, name), ("job", $"{job}"))), atMs, value);
            Assert.False((await store.AppendAsync(TenantId.Anonymous, batch, CancellationToken.None)).HasErrors);
        }

        /// <summary>A sample of a series of histograms and, now and then, floats.</summary>
        private async Task AppendHistogramAsync(int job, long atMs, Random random)
        {
            if (random.Next(4) == 0)
            {
                await AppendAsync("h", job, atMs, random.Next(10));
                return;
            }
            double first = random.Next(1, 20), second = random.Next(1, 20);
            var histogram = new Histogram
            {
                Schema = 0, Count = first + second, Sum = first * 3, ZeroThreshold = 0.001,
                PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [first, second],
                ResetHint = random.Next(3) == 0 ? CounterResetHint.Gauge : CounterResetHint.Unknown,
            };
            using var batch = new MetricBatch();
            batch.AddHistogram(batch.AddSeries(Labels.Of((Labels.MetricName, "h"), ("job", $"{job}"))), atMs, histogram);
            Assert.False((await store.AppendAsync(TenantId.Anonymous, batch, CancellationToken.None)).HasErrors);
        }

        /// <summary>Samples in order, late ones, deletions, cuts of the head; whatever the seed says.</summary>
        public async Task DisturbAsync(Random random)
        {
            switch (random.Next(8))
            {
                case 0:
                    await AppendAsync(random.Next(4) == 0 ? "y" : "x", random.Next(3), Start.ToUnixTimeMilliseconds() + random.NextInt64(3 * DayMs) + random.Next(1, 59_000), random.Next(100));
                    break;
                case 1:
                    long from = Start.ToUnixTimeMilliseconds() + random.NextInt64(3 * DayMs);
                    await store.DeleteSeriesAsync(
                        TenantId.Anonymous, [[new Matcher(MatchOp.Equal, "job", $"{random.Next(3)}")]], new TimeRange(from, from + random.NextInt64(6 * 3_600_000)), CancellationToken.None);
                    break;
                case 2:
                    await store.MaintainAsync(CancellationToken.None);
                    break;
                default:
                    long until = Math.Min(nextMs + (random.Next(1, 5) * 3_600_000L), Start.ToUnixTimeMilliseconds() + (4 * DayMs));
                    for (; nextMs < until; nextMs += 5 * StepMs)
                    {
                        for (int job = 0; job < 3; job++) await AppendAsync("x", job, nextMs + random.Next(1000), random.Next(100));
                        if (random.Next(3) == 0) await AppendHistogramAsync(random.Next(2), nextMs + random.Next(1000), random);
                    }
                    break;
            }
        }

        public async ValueTask DisposeAsync()
        {
            Cached.Dispose();
            Plain.Dispose();
            await store.DisposeAsync();
            await log.DisposeAsync();
            folder.Dispose();
        }
    }
}
