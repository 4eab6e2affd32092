using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Tests.Support;

namespace Pharos.Server.Tests.Otlp;

/// <summary>The same OTLP bytes sent to VictoriaMetrics and to Pharos become the same series, but for what is listed here with its reason.</summary>
public sealed class OtlpPeerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Series_and_values_are_those_of_VictoriaMetrics()
    {
        string program = Places.Program("victoria-metrics");
        using var folder = Places.NewFolder();
        int port = Peers.FreePort();
        using var victoria = Process.Start(new ProcessStartInfo(program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList = { $"-storageDataPath={Path.Combine(folder, "theirs")}", $"-httpListenAddr=127.0.0.1:{port}", "-opentelemetry.usePrometheusNaming", "-loggerLevel=ERROR" },
        })!;
        try
        {
            var theirs = new Uri($"http://127.0.0.1:{port}/");
            string config = Path.Combine(folder, "prometheus.yml");
            await File.WriteAllTextAsync(config, "otlp: {promote_all_resource_attributes: true, promote_scope_metadata: true}\n", Cancel);
            await using var pharos = await PrometheusHost.StartAsync(
                new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "ours"), Port = 0, OtlpReceiver = true }, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
            await Peers.ReadyAsync(victoria, theirs);
            long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() * 1000;
            byte[] body = Body(now);
            using var http = new HttpClient();
            await PostAsync(http, new Uri(theirs, "opentelemetry/v1/metrics"), body);
            await PostAsync(http, new Uri(pharos.Address, "api/v1/otlp/v1/metrics"), body);
            using var flushed = await http.GetAsync(new Uri(theirs, "internal/force_flush"), Cancel);
            var expected = (await ReadAsync(http, theirs, now)).Select(AsOursWouldBe);
            var given = (await ReadAsync(http, pharos.Address, now)).SelectMany(AsTheirsWouldBe);
            Assert.Equal(expected.Order(StringComparer.Ordinal), given.Order(StringComparer.Ordinal));
        }
        finally
        {
            victoria.Kill();
            await victoria.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static byte[] Body(long nowMs)
    {
        long first = nowMs - 90_000, second = nowMs - 60_000;
        using var body = new OtlpBody([("service.name", "checkout"), ("service.namespace", "shop"), ("service.instance.id", "i-1"), ("host.name", "h")], "meter", "1.2");
        body.AddGauge("memory.usage", "By", new OtlpNumber(first, Whole: 5, Attributes: ("state", "used")), new OtlpNumber(second, Whole: 7, Attributes: ("state", "used")), new OtlpNumber(second, 2.5, Attributes: ("state", "free")));
        body.AddGauge("load", "1", new OtlpNumber(second, 0.25));
        body.AddGauge("temperature", "Cel", new OtlpNumber(second, -3));
        body.AddSum("requests", "{request}", monotonic: true, new OtlpNumber(first, Whole: 7, Attributes: ("http.method", "GET")), new OtlpNumber(second, Whole: 9, Attributes: ("http.method", "GET")));
        body.AddSum("io", "By/s", monotonic: true, new OtlpNumber(second, 1e9));
        body.AddSum("queue.length", "", monotonic: false, new OtlpNumber(first, Whole: 4), new OtlpNumber(second, NotRecorded: true));
        body.AddHistogram("latency", "s", new OtlpBuckets(first, [1, 2, 0, 3], [0.005, 1, 10], 12.5, ("route", "/pay")), new OtlpBuckets(second, [2, 2, 1, 3], [0.005, 1, 10], 14, ("route", "/pay")));
        body.AddExponential("sizes", "KiBy", second, scale: 1, zeros: 1, [1, 0, 2], 9);
        body.AddSummary("rpc", "ms", second, 3, 5, (0.5, 2), (1, 4));
        return body.Finish();
    }

    private static async Task PostAsync(HttpClient http, Uri address, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var answer = await http.PostAsync(address, content, Cancel);
        Assert.True(answer.IsSuccessStatusCode, $"{address}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancel)}");
    }

    /// <summary>A series of VictoriaMetrics without what it does otherwise by design.</summary>
    private static string AsOursWouldBe(PeerSeries series)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        // Prometheus and the specification say otel_scope_.
        foreach (var (name, value) in series.Labels) labels[name.StartsWith("scope_", StringComparison.Ordinal) ? "otel_" + name : name] = value;
        // Its range vectors show staleness markers; those of Prometheus do not.
        return Text(labels, series.Samples.Where(s => s.Value != "NaN"));
    }

    /// <summary>A series of Pharos without what it does otherwise by design.</summary>
    private static IEnumerable<string> AsTheirsWouldBe(PeerSeries series)
    {
        // As Prometheus does and VictoriaMetrics does not: target_info says what is known of a resource once, job and instance name it on every series.
        if (series.Labels["__name__"] == "target_info") return [];
        var labels = new SortedDictionary<string, string>(series.Labels, StringComparer.Ordinal);
        Assert.Equal(("shop/checkout", "i-1"), (labels["job"], labels["instance"]));
        labels.Remove("job");
        labels.Remove("instance");
        if (series.Histogram is not { } histogram) return [Text(labels, series.Samples)];
        // An exponential histogram is one series of native histograms, as in Prometheus; VictoriaMetrics, which has none, makes one series of each bucket that holds something.
        string name = labels["__name__"];
        var parts = new List<string> { Part("_count", histogram.GetProperty("count"), null), Part("_sum", histogram.GetProperty("sum"), null) };
        parts.AddRange(histogram.GetProperty("buckets").EnumerateArray().Select(b => Part("_bucket", b[3], $"{Bound(b[1])}...{Bound(b[2])}")));
        return parts;

        string Part(string suffix, JsonElement value, string? range)
        {
            var own = new SortedDictionary<string, string>(labels, StringComparer.Ordinal) { ["__name__"] = name + suffix };
            if (range is not null) own["vmrange"] = range;
            return Text(own, [(series.Samples[0].AtMs, value.GetString()!)]);
        }

        static string Bound(JsonElement text)
        {
            double bound = double.Parse(text.GetString()!, CultureInfo.InvariantCulture);
            // The threshold of zero that Prometheus takes where none was sent.
            return (Math.Abs(bound) == 1e-128 ? Math.CopySign(0, bound) : bound).ToString("0.000e+00", CultureInfo.InvariantCulture);
        }
    }

    private static string Text(SortedDictionary<string, string> labels, IEnumerable<(double AtMs, string Value)> samples) =>
        string.Join(' ', labels.Select(l => $"{l.Key}={l.Value}")) + " |" + string.Concat(samples.Select(s => $" {s.AtMs}: {s.Value}"));

    /// <summary>All series with their samples; times in milliseconds from now.</summary>
    private static async Task<List<PeerSeries>> ReadAsync(HttpClient http, Uri address, long nowMs)
    {
        string query = Uri.EscapeDataString("{__name__=~\".+\"}[10m]"), at = (nowMs / 1000).ToString(CultureInfo.InvariantCulture);
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(address, $"api/v1/query?query={query}&time={at}&nocache=1"), Cancel));
        return [.. answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(s =>
        {
            bool floats = s.TryGetProperty("values", out var samples);
            if (!floats) samples = s.GetProperty("histograms");
            return new PeerSeries(
                s.GetProperty("metric").EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString()!, StringComparer.Ordinal),
                [.. samples.EnumerateArray().Select(v => ((v[0].GetDouble() * 1000) - nowMs, v[1].ToString()))],
                floats ? null : samples[0][1].Clone());
        })];
    }

    /// <param name="Histogram">Of a series of native histograms, the only one.</param>
    private sealed record PeerSeries(Dictionary<string, string> Labels, List<(double AtMs, string Value)> Samples, JsonElement? Histogram);
}
