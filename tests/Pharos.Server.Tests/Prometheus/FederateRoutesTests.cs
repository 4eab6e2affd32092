using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Prometheus;
using Pharos.Server.Tests.Support;

namespace Pharos.Server.Tests.Prometheus;

public sealed class FederateRoutesTests : IAsyncLifetime
{
    private readonly MemoryMetrics store = new();
    private readonly HttpClient http = new();
    private readonly long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    private HttpHost host = null!;

    public async ValueTask InitializeAsync()
    {
        host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance,
            app => FederateRoutes.Map(app, store, TimeSpan.FromMinutes(5), TimeProvider.System, () => Labels.Of(("zone", "z"), ("job", "outer"))), CancellationToken.None);
        http.BaseAddress = host.Address;
        store.Add(Labels.Of(("__name__", "up"), ("job", "a"), ("instance", "i")), now - 20_000, 0);
        store.Add(Labels.Of(("__name__", "up"), ("job", "a"), ("instance", "i")), now - 10_000, 1);
        store.Add(Labels.Of(("__name__", "up"), ("Z", "x")), now - 10_000, 2);
        store.Add(Labels.Of(("__name__", "up"), ("job", "old")), now - 600_000, 1);
        store.Add(Labels.Of(("__name__", "up"), ("job", "ended")), now - 5000, SampleValue.Stale);
        store.Add(Labels.Of(("__name__", "build_info"), ("job", "a")), now - 1000, 1);
        store.Add(Labels.Of(("__name__", "latency"), ("job", "a")), now - 1000, new Histogram { Schema = 2, Count = 3, Sum = 4.5, ZeroCount = 1, ZeroThreshold = 0.001, PositiveSpans = [new BucketSpan(1, 2)], PositiveBuckets = [1, 1] });
        store.Add(Labels.Of(("__name__", "empty"), ("job", "a")), now - 1000, new Histogram { Schema = 2, Sum = 0 });
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        http.Dispose();
    }

    [Fact]
    public async Task The_newest_sample_of_each_series_comes_once_with_its_own_time()
    {
        string text = await http.GetStringAsync("/federate?match[]=up&match[]={job=\"a\"}&match[]=absent");
        Assert.Equal(
            $$"""
            # TYPE build_info untyped
            build_info{instance="",job="a",zone="z"} 1 {{now - 1000}}
            # TYPE up untyped
            up{Z="x",instance="",job="outer",zone="z"} 2 {{now - 10_000}}
            up{instance="i",job="a",zone="z"} 1 {{now - 10_000}}

            """.ReplaceLineEndings("\n"), text);
    }

    [Fact]
    public async Task A_wrong_selector_is_400()
    {
        using var response = await http.GetAsync("/federate?match[]=up{");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_real_prometheus_federates_from_it()
    {
        string program = Places.Program("prometheus");
        using var folder = Places.NewFolder();
        int port = Peers.FreePort();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $$"""
            scrape_configs:
              - job_name: federate
                scrape_interval: 1s
                honor_labels: true
                metrics_path: /federate
                params: {"match[]": ['{__name__=~".+"}']}
                static_configs: [{targets: ["{{host.Address.Authority}}"]}]
            """);
        using var prometheus = Process.Start(new ProcessStartInfo(program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", "--enable-feature=native-histograms",
            },
        })!;
        try
        {
            var theirs = new Uri($"http://127.0.0.1:{port}/");
            await Peers.ReadyAsync(prometheus, theirs);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            string found = "";
            while (!found.Contains("latency", StringComparison.Ordinal))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
                found = await QueryAsync(theirs);
            }
            Assert.Equal(
                """
                build_info job=a zone=z 1
                empty job=a zone=z 0
                latency job=a zone=z 3
                up Z=x job=outer zone=z 2
                up instance=i job=a zone=z 1
                """.ReplaceLineEndings("\n"), found);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
    }

    private async Task<string> QueryAsync(Uri prometheus)
    {
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(prometheus, "api/v1/query?query={__name__=~\"up|build_info|latency|empty\",job!=\"federate\"}")));
        return string.Join('\n', answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(s =>
        {
            var metric = s.GetProperty("metric");
            string labels = string.Join(' ', metric.EnumerateObject().Where(l => l.Name != "__name__").OrderBy(l => l.Name, StringComparer.Ordinal).Select(l => $"{l.Name}={l.Value.GetString()}"));
            string? value = s.TryGetProperty("value", out var number) ? number[1].GetString() : s.GetProperty("histogram")[1].GetProperty("count").GetString();
            return $"{metric.GetProperty("__name__").GetString()} {labels} {value}";
        }).Order(StringComparer.Ordinal));
    }
}
