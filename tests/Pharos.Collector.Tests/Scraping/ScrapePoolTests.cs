using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Relabeling;
using Pharos.Collector.Scraping;
using Pharos.Core;

namespace Pharos.Collector.Tests.Scraping;

public sealed class ScrapePoolTests : IDisposable
{
    private static readonly Labels Target = Labels.Of(("__address__", "shop:80"));

    private readonly ManualTimeProvider time = new();
    private readonly RecordingReceiver receiver = new();
    private readonly Dictionary<string, Func<CancellationToken, Task<HttpResponseMessage>>> answers = [];

    private readonly Changes clock = new();

    public ScrapePoolTests() => time.TimerSet += clock.Signal;

    public void Dispose() => receiver.Dispose();

    [Fact]
    public async Task Samples_get_the_targets_labels_and_the_scrape_is_reported()
    {
        Answer("shop:80", "# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total{job=\"mine\",country=\"de\"} 3\n");
        await using var pool = await StartAsync(Options());
        Assert.Equal(
        [
            "{__name__=\"orders_total\", country=\"de\", exported_job=\"mine\", instance=\"shop:80\", job=\"web\"} 3",
            "{__name__=\"up\", instance=\"shop:80\", job=\"web\"} 1",
            "{__name__=\"scrape_duration_seconds\", instance=\"shop:80\", job=\"web\"} 0",
            "{__name__=\"scrape_samples_scraped\", instance=\"shop:80\", job=\"web\"} 1",
            "{__name__=\"scrape_samples_post_metric_relabeling\", instance=\"shop:80\", job=\"web\"} 1",
            "{__name__=\"scrape_series_added\", instance=\"shop:80\", job=\"web\"} 1",
        ], Untimed(receiver.Take()));
        Assert.Equal([new MetricMetadata("orders_total", MetricType.Counter, "Orders.", "")], receiver.Metadata);
        var status = Assert.Single(pool.Targets);
        Assert.Equal(("up", "", "http://shop/metrics"), (status.Health, status.LastError, status.ScrapeUrl.ToString()));
    }

    [Fact]
    public async Task A_target_has_its_own_metadata_until_ten_scrapes_after_it_was_last_said()
    {
        const string orders = "# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total 3\n", depth = "# HELP depth Length of the queue.\n# TYPE depth gauge\ndepth 1\n";
        Answer("shop:80", orders + depth);
        await using var pool = await StartAsync(Options());
        var (target, metadata) = Assert.Single(pool.TargetMetadata);
        Assert.Equal("{instance=\"shop:80\", job=\"web\"}", target.ToString());
        Assert.Equal([new("orders_total", MetricType.Counter, "Orders.", ""), new("depth", MetricType.Gauge, "Length of the queue.", "")], metadata);
        Answer("shop:80", "# TYPE orders_total gauge\norders_total 3\n");
        for (int i = 0; i < 10; i++) await StepAsync();
        Assert.Equal(
            [new("orders_total", MetricType.Gauge, "Orders.", ""), new("depth", MetricType.Gauge, "Length of the queue.", "")], Assert.Single(pool.TargetMetadata).Metadata);
        await StepAsync();
        Assert.Equal([new("orders_total", MetricType.Gauge, "Orders.", "")], Assert.Single(pool.TargetMetadata).Metadata);
        receiver.Take();
        Answer("shop:80", depth);
        await StepAsync();
        Assert.Equal(["orders_total", "depth"], Assert.Single(pool.TargetMetadata).Metadata.Select(m => m.Family));
    }

    [Fact]
    public async Task Starts_go_on_with_their_samples_where_they_are_wanted()
    {
        const string text = "# TYPE a counter\na_total{x=\"1\"} 3\na_created{x=\"1\"} 7\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\nh_created 8\n# EOF\n";
        Answer("shop:80", text, "application/openmetrics-text");
        await using var pool = await StartAsync(Options() with { StartTimestamps = true, ConvertClassicHistograms = true });
        Assert.Equal([7000], receiver.Starts.Select(s => s.StartMs));
        Assert.Equal([8000], receiver.HistogramStarts.Select(s => s.StartMs));
        Assert.DoesNotContain(receiver.Take(), l => l.Contains("_created", StringComparison.Ordinal));
        // A target that is known already is no different.
        await StepAsync();
        Assert.Equal([7000], receiver.Starts.Select(s => s.StartMs));
    }

    [Fact]
    public async Task A_series_that_vanishes_ends_and_a_failed_scrape_ends_all()
    {
        Answer("shop:80", "a 1\nb 2\n");
        await using var pool = await StartAsync(Options());
        receiver.Take();
        Answer("shop:80", "a 1\n");
        await StepAsync();
        Assert.Equal(["{__name__=\"a\", instance=\"shop:80\", job=\"web\"} 1", "{__name__=\"b\", instance=\"shop:80\", job=\"web\"} stale"], Untimed(receiver.Take()).Take(2));
        answers["shop:80"] = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.InternalServerError));
        await StepAsync();
        Assert.Equal(["{__name__=\"a\", instance=\"shop:80\", job=\"web\"} stale", "{__name__=\"up\", instance=\"shop:80\", job=\"web\"} 0"], Untimed(receiver.Take()).Take(2));
        Assert.Equal("server returned HTTP status 500 Internal Server Error", Assert.Single(pool.Targets).LastError);
        Answer("shop:80", "a 1\n");
        await StepAsync();
        Assert.Equal("{__name__=\"a\", instance=\"shop:80\", job=\"web\"} 1", Untimed(receiver.Take())[0]);
    }

    [Fact]
    public async Task Scrapes_stand_on_an_even_grid()
    {
        Answer("shop:80", "a 1\n");
        await using var pool = await StartAsync(Options());
        long first = TimestampOf(receiver.Take()[0]);
        await StepAsync();
        await StepAsync();
        var later = receiver.Take().Where(l => l.StartsWith("{__name__=\"a\"", StringComparison.Ordinal)).Select(TimestampOf);
        Assert.Equal([first + 60_000, first + 120_000], later);
    }

    [Fact]
    public async Task A_target_that_hangs_delays_no_other()
    {
        Answer("shop:80", "a 1\n");
        answers["hangs:80"] = async cancel =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return new HttpResponseMessage(HttpStatusCode.OK);
        };
        await using var pool = Pool(Options());
        await pool.SyncAsync([Target, Labels.Of(("__address__", "hangs:80"))]);
        await SettleAsync(2);
        for (int i = 0; i < 120; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await receiver.NextBatchAsync();
        await receiver.NextBatchAsync();
        var lines = receiver.Take();
        Assert.Contains(lines, l => l.StartsWith("{__name__=\"up\", instance=\"shop:80\", job=\"web\"} 1", StringComparison.Ordinal));
        for (int i = 0; i < 100 && !lines.Any(IsDown); i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await receiver.NextBatchAsync();
            lines = receiver.Take();
        }
        Assert.Contains(lines, IsDown);
        Assert.Contains("context deadline exceeded", pool.Targets.Single(t => t.ScrapeUrl.Host == "hangs").LastError, StringComparison.Ordinal);

        static bool IsDown(string line) => line.StartsWith("{__name__=\"up\", instance=\"hangs:80\", job=\"web\"} 0", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sample", "sample limit exceeded: 3 samples, sample_limit is 2")]
    [InlineData("label", "label_limit exceeded (metric: a, number of labels: 3, limit: 2)")]
    [InlineData("body", "body size limit exceeded: more than 4 bytes (body_size_limit)")]
    public async Task A_limit_fails_the_whole_scrape(string which, string error)
    {
        Answer("shop:80", "a 1\nb 2\nc 3\n");
        await using var pool = await StartAsync(which switch
        {
            "sample" => Options() with { SampleLimit = 2 },
            "label" => Options() with { LabelLimit = 2 },
            _ => Options() with { BodySizeLimit = 4 },
        });
        Assert.Equal("{__name__=\"up\", instance=\"shop:80\", job=\"web\"} 0", Untimed(receiver.Take())[0]);
        Assert.Equal(error, Assert.Single(pool.Targets).LastError);
    }

    [Fact]
    public async Task Rules_on_targets_and_samples_apply()
    {
        Answer("shop:80", "keep_me 1\ndrop_me 2\n");
        var options = Options() with
        {
            RelabelRules = [Rule(new RelabelRuleOptions { TargetLabel = "zone", Replacement = "eu" })],
            MetricRelabelRules = [Rule(new RelabelRuleOptions { SourceLabels = ["__name__"], Regex = "drop.*", Action = "drop" })],
        };
        await using var pool = await StartAsync(options);
        var lines = Untimed(receiver.Take());
        Assert.Equal("{__name__=\"keep_me\", instance=\"shop:80\", job=\"web\", zone=\"eu\"} 1", lines[0]);
        Assert.Contains("{__name__=\"scrape_samples_scraped\", instance=\"shop:80\", job=\"web\", zone=\"eu\"} 2", lines);
        Assert.Contains("{__name__=\"scrape_samples_post_metric_relabeling\", instance=\"shop:80\", job=\"web\", zone=\"eu\"} 1", lines);
    }

    [Fact]
    public async Task A_target_that_is_gone_ends_its_series_at_the_slot_it_missed()
    {
        Answer("shop:80", "a 1\n");
        await using var pool = await StartAsync(Options());
        long first = TimestampOf(receiver.Take()[0]);
        await pool.SyncAsync([]);
        Assert.Empty(pool.Targets);
        for (int i = 0; i < 130; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await receiver.NextBatchAsync();
        var lines = receiver.Take();
        Assert.Equal($"{{__name__=\"a\", instance=\"shop:80\", job=\"web\"}} stale @{first + 60_000}", lines[0]);
        Assert.Contains(lines, l => l.StartsWith("{__name__=\"up\", instance=\"shop:80\", job=\"web\"} stale", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wrong_and_dropped_targets_are_not_scraped()
    {
        await using var pool = Pool(Options() with { RelabelRules = [Rule(new RelabelRuleOptions { SourceLabels = ["__address__"], Regex = "no:.*", Action = "drop" })] });
        await pool.SyncAsync([Labels.Of(("__address__", "no:1")), Labels.Of(("other", "x")), Labels.Of(("__address__", "a/b"))]);
        Assert.Empty(pool.Targets);
        Assert.Equal([Labels.Of(("__address__", "no:1"))], pool.Dropped);
    }

    [Fact]
    public async Task A_blank_content_type_needs_a_fallback()
    {
        answers["shop:80"] = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent("a 1\n"u8.ToArray()) });
        await using (var pool = await StartAsync(Options()))
            Assert.Contains("blank Content-Type", Assert.Single(pool.Targets).LastError, StringComparison.Ordinal);
        receiver.Take();
        // Past the slot: a pool that starts on it would scrape at once.
        time.Advance(TimeSpan.FromMilliseconds(1));
        await using (var pool = await StartAsync(Options() with { FallbackProtocol = ScrapeProtocol.PrometheusText004 }))
            Assert.Equal(("up", ""), (Assert.Single(pool.Targets).Health, pool.Targets[0].LastError));
    }

    [Fact]
    public async Task Many_targets_are_spread_over_the_interval_and_stay_on_time_while_every_third_hangs()
    {
        const int count = 300;
        var asked = new System.Collections.Concurrent.ConcurrentDictionary<string, List<long>>();
        var labels = Enumerable.Range(0, count).Select(i => Labels.Of(("__address__", $"t{i}:80"))).ToList();
        for (int i = 0; i < count; i++)
        {
            string address = $"t{i}:80";
            bool hangs = i % 3 == 0;
            answers[address] = async cancel =>
            {
                asked.GetOrAdd(address, _ => []).Add(time.UnixMs());
                if (hangs) await new TaskCompletionSource().Task.WaitAsync(cancel);
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("a 1\n", Encoding.UTF8, "text/plain") };
            };
        }
        await using var pool = Pool(Options() with { Timeout = TimeSpan.FromSeconds(50) });
        await pool.SyncAsync(labels);
        await SettleAsync(count);
        long start = time.UnixMs();
        var end = time.GetUtcNow() + TimeSpan.FromMinutes(3);
        while (time.NextDue is { } due && due <= end)
        {
            time.AdvanceTo(due);
            // Each loop waits either for its slot or for its answer: a timer of its own both times.
            await SettleAsync(count);
        }
        Assert.Equal(count, asked.Count);
        foreach (var times in asked.Values)
        {
            Assert.Equal(3, times.Count);
            Assert.Equal([times[0] + 60_000, times[0] + 120_000], times.Skip(1));
        }
        // Ten slices of the minute: each has its tenth of the targets, give or take what chance allows 300 of them.
        var slices = asked.Values.GroupBy(t => (t[0] - start) / 6_000).Select(g => g.Count()).ToList();
        Assert.Equal(10, slices.Count);
        Assert.All(slices, n => Assert.InRange(n, 12, 55));
    }

    [Fact]
    public void Two_servers_of_a_pair_ask_at_different_moments()
    {
        long first = ScrapeLoop.FirstMs(0, 60_000, Target.Hash ^ Labels.Of(("replica", "a"), ("__hostname__", "one")).Hash);
        long second = ScrapeLoop.FirstMs(0, 60_000, Target.Hash ^ Labels.Of(("replica", "b"), ("__hostname__", "two")).Hash);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_classic_histogram_becomes_one_with_custom_buckets()
    {
        Answer("shop:80", """
            # TYPE latency_seconds histogram
            latency_seconds_bucket{route="/",le="0.1"} 2
            latency_seconds_bucket{route="/",le="0.5"} 2
            latency_seconds_bucket{route="/",le="1"} 5
            latency_seconds_bucket{route="/",le="+Inf"} 6
            latency_seconds_sum{route="/"} 4.5
            latency_seconds_count{route="/"} 6
            # TYPE orders_total counter
            orders_total 3

            """);
        await using var pool = await StartAsync(Options() with { ConvertClassicHistograms = true });
        string[] expected =
        [
            "{__name__=\"orders_total\", instance=\"shop:80\", job=\"web\"} 3",
            "{__name__=\"latency_seconds\", instance=\"shop:80\", job=\"web\", route=\"/\"} schema -53 count 6 sum 4.5 bounds 0.1,0.5,1 buckets 2,3,1 spans 0+1,1+2",
        ];
        for (int round = 0; round < 3; round++)
        {
            var lines = Untimed(receiver.Take());
            Assert.Equal(expected.Order(), lines.Where(l => l.Contains("latency", StringComparison.Ordinal) || l.Contains("orders", StringComparison.Ordinal)).Order());
            Assert.Contains("{__name__=\"scrape_samples_scraped\", instance=\"shop:80\", job=\"web\"} 2", lines);
            await StepAsync();
        }
        receiver.Take();
        Answer("shop:80", "orders_total 4\n");
        await StepAsync();
        Assert.Contains("{__name__=\"latency_seconds\", instance=\"shop:80\", job=\"web\", route=\"/\"} stale", Untimed(receiver.Take()));
    }

    [Fact]
    public async Task The_classic_series_stay_where_they_are_asked_for_and_contradicting_counts_make_no_histogram()
    {
        Answer("shop:80", """
            # TYPE a histogram
            a_bucket{le="1"} 5
            a_bucket{le="2"} 3
            a_count 5
            # TYPE b histogram
            b_bucket{le="1"} 0.5
            b_count 2
            b_sum 1

            """);
        await using var pool = await StartAsync(Options() with { ConvertClassicHistograms = true, ScrapeClassicHistograms = true });
        var lines = Untimed(receiver.Take());
        Assert.Contains("{__name__=\"a_bucket\", instance=\"shop:80\", job=\"web\", le=\"2.0\"} 3", lines);
        Assert.Contains("{__name__=\"b_count\", instance=\"shop:80\", job=\"web\"} 2", lines);
        Assert.DoesNotContain(lines, l => l.StartsWith("{__name__=\"a\",", StringComparison.Ordinal));
        Assert.Contains("{__name__=\"b\", instance=\"shop:80\", job=\"web\"} schema -53 count 2 sum 1 bounds 1 buckets 0.5,1.5 spans 0+2", lines);
    }

    [Theory]
    [InlineData("", false, "allow-utf-8")]
    [InlineData("", true, "underscores")]
    [InlineData("dots", true, "dots")]
    [InlineData("values", false, "values")]
    public async Task The_escaping_scheme_is_asked_for(string scheme, bool legacy, string asked)
    {
        string accept = "";
        var handler = new FakeHandler((request, _) =>
        {
            accept = string.Join(',', request.Headers.GetValues("Accept"));
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("a 1\n", Encoding.UTF8, "text/plain") });
        });
        await using var pool = new ScrapePool(Options() with { EscapingScheme = scheme, LegacyNames = legacy }, receiver, handler, time, new Instruments(), NullLogger.Instance);
        await pool.SyncAsync([Target]);
        await StepAsync();
        Assert.StartsWith($"application/openmetrics-text;version=1.0.0;escaping={asked};q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping={asked};q=0.4,", accept.Replace("; ", ";", StringComparison.Ordinal).Replace(", ", ",", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_scrape_is_a_line_in_the_failure_log()
    {
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "failures.json");
        await using (var pool = await StartAsync(Options() with { FailureLogFile = file }))
        {
            Answer("shop:80", "a 1\n");
            await StepAsync();
        }
        using var line = System.Text.Json.JsonDocument.Parse(Assert.Single(await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken)));
        Assert.Equal("Get \"http://shop/metrics\": connection refused", line.RootElement.GetProperty("msg").GetString());
        Assert.Equal(("ERROR", "web", "http://shop/metrics"),
            (line.RootElement.GetProperty("level").GetString(), line.RootElement.GetProperty("job_name").GetString(), line.RootElement.GetProperty("target").GetString()));
    }

    private static ScrapeOptions Options() => new() { JobName = "web" };

    private static RelabelRule Rule(RelabelRuleOptions options) => RelabelRule.TryCreate(options, out var rule, out string? error) ? rule : throw new InvalidOperationException(error);

    private void Answer(string address, string text, string type = "text/plain") => answers[address] = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
    {
        Content = new StringContent(text, Encoding.UTF8, type),
    });

    private ScrapePool Pool(ScrapeOptions options)
    {
        var handler = new FakeHandler((request, cancel) =>
            answers.TryGetValue($"{request.RequestUri!.Host}:{request.RequestUri.Port}", out var answer)
                ? answer(cancel)
                : throw new HttpRequestException("connection refused"));
        return new ScrapePool(options, receiver, handler, time, new Instruments(), NullLogger.Instance);
    }

    private async Task<ScrapePool> StartAsync(ScrapeOptions options)
    {
        var pool = Pool(options);
        await pool.SyncAsync([Target]);
        await SettleAsync(1);
        await StepAsync();
        return pool;
    }

    /// <summary>Waits until the loops wait for their slots.</summary>
    private async Task SettleAsync(int timers)
    {
        await clock.UntilAsync(() => time.WaitingTimers >= timers, () => $"{timers} loops that wait");
    }

    /// <summary>Goes to the next slot and waits for its batch.</summary>
    private async Task StepAsync()
    {
        await SettleAsync(1);
        time.AdvanceTo(time.NextDue!.Value);
        await receiver.NextBatchAsync();
        await SettleAsync(1);
    }

    private static List<string> Untimed(IReadOnlyList<string> lines) => [.. lines.Select(l => l[..l.LastIndexOf(" @", StringComparison.Ordinal)])];

    private static long TimestampOf(string line) => long.Parse(line[(line.LastIndexOf('@') + 1)..]);
}
