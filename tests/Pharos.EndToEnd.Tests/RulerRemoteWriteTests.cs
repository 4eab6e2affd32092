using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>What rules over logs record goes to a real Prometheus and to another server, through outages and kill -9.</summary>
public sealed class RulerRemoteWriteTests
{
    // Long against an evaluation on a busy machine: one that takes longer than its interval loses the slots it overruns.
    private const int IntervalMs = 5000;

    private const string Group = "name: errors\ninterval: 5s\nrules:\n  - record: app:errors:count\n    expr: sum by (app) (count_over_time({app=\"web\"} |= \"error\" [1h]))\n";

    [Fact]
    public async Task Records_arrive_whole_and_in_order_over_an_outage_of_a_receiver_and_kill_9_of_the_server()
    {
        using var folder = Places.NewFolder();
        string receiving = Path.Combine(folder, "prometheus");
        int port = RunningProgram.FreePort();
        await using var prometheus = await RunningPrometheus.StartAsync(receiving, port);
        string peerConfig = Path.Combine(folder, "peer.yml");
        await File.WriteAllTextAsync(peerConfig, "multitenancy_enabled: true\n");
        var (peerProgram, peer) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "peer"), "shop", "--config", peerConfig);
        await using var _ = peerProgram;
        using var __ = peer;

        string config = Path.Combine(folder, "pharos.yml");
        await File.WriteAllTextAsync(config, $$"""
            multitenancy_enabled: true
            ruler:
              remote_write:
                enabled: true
                clients:
                  prometheus:
                    url: http://127.0.0.1:{{port}}/api/v1/write
                    queue_config: {batch_send_deadline: 100ms}
                  peer:
                    url: {{peer.BaseAddress}}api/v1/push
                    queue_config: {batch_send_deadline: 100ms}
            overrides:
              quiet:
                ruler_remote_write_disabled: true
            """);
        string data = Path.Combine(folder, "server");
        var (server, http) = await PharosPrograms.StartServerAsync(data, "shop", "--config", config);
        await BeginAsync(http, "shop");
        await BeginAsync(http, "quiet");
        await Wait.UntilAsync(async () => (await TimesAsync(prometheus.Http)).Count >= 2, () => $"records in Prometheus; the server printed:\n{server.Output}");

        // The receiver goes away, and then the server, without a word.
        await prometheus.StopAsync();
        int before = (await TimesAsync(peer)).Count;
        await Wait.UntilAsync(async () => (await TimesAsync(peer)).Count >= before + 2, () => "records at the other receiver, which must not wait for the one that is away");
        await server.KillAsync();
        http.Dispose();
        (server, http) = await PharosPrograms.StartServerAsync(data, "shop", "--config", config);
        before = (await TimesAsync(peer)).Count;
        await Wait.UntilAsync(async () => (await TimesAsync(peer)).Count >= before + 2, () => $"records at the other receiver after kill -9; the server printed:\n{server.Output}");
        await server.KillAsync();
        http.Dispose();
        (server, http) = await PharosPrograms.StartServerAsync(data, "shop", "--config", config);
        await using var last = server;
        using var client = http;
        long restarted = TimeProvider.System.UnixMs();
        await using var again = await RunningPrometheus.StartAsync(receiving, port);
        await Wait.UntilAsync(async () => (await TimesAsync(again.Http)).LastOrDefault() > restarted, () => $"records in the Prometheus that came back; the server printed:\n{server.Output}");

        foreach (var receiver in new[] { again.Http, peer })
        {
            var times = await TimesAsync(receiver);
            for (int i = 1; i < times.Count; i++) Assert.True(times[i] - times[i - 1] == IntervalMs, $"{receiver.BaseAddress} has {times[i - 1]} and next {times[i]}");
        }
        // The tenant's records are at its receivers alone; one without remote write has them here.
        Assert.Empty(await TimesAsync(http, "shop"));
        Assert.NotEmpty(await TimesAsync(http, "quiet"));
        string metrics = await http.GetStringAsync("/metrics");
        Assert.Contains($"loki_ruler_wal_prometheus_remote_storage_samples_total{{remote_name=\"shop-rw-prometheus\",tenant=\"shop\",url=\"http://127.0.0.1:{port}/api/v1/write\"}}", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("remote_name=\"quiet-rw", metrics, StringComparison.Ordinal);
    }

    private static async Task BeginAsync(HttpClient http, string tenant)
    {
        long now = TimeProvider.System.UnixMs() * 1_000_000L;
        using var lines = new HttpRequestMessage(HttpMethod.Post, "/loki/api/v1/push")
        {
            Content = JsonContent.Create(new
            {
                streams = new[]
                {
                    new
                    {
                        stream = new { app = "web" },
                        values = Enumerable.Range(0, 3).Select(i => new[] { (now + i).ToString(CultureInfo.InvariantCulture), $"error {i}" }).ToArray(),
                    },
                },
            }),
        };
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(http, lines, tenant));
        using var group = new HttpRequestMessage(HttpMethod.Post, "/loki/api/v1/rules/ns") { Content = new StringContent(Group) };
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync(http, group, tenant));
    }

    private static async Task<HttpStatusCode> SendAsync(HttpClient http, HttpRequestMessage request, string tenant)
    {
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    /// <summary>Times of the recorded series, Unix milliseconds, in their order; of all of them the value must be 3.</summary>
    private static async Task<List<long>> TimesAsync(HttpClient http, string? tenant = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/query?query={Uri.EscapeDataString("app:errors:count[10m]")}");
        if (tenant is not null) request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http.SendAsync(request);
        var result = (await response.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("data").GetProperty("result");
        var times = new List<long>();
        foreach (var series in result.EnumerateArray())
        {
            foreach (var point in series.GetProperty("values").EnumerateArray())
            {
                Assert.Equal("3", point[1].GetString());
                times.Add((long)Math.Round(point[0].GetDouble() * 1000));
            }
        }
        return times;
    }
}
