using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>A server whose rules page through an Alertmanager that the operator has already.</summary>
public sealed class OutsideAlertmanagerTests
{
    private const string Logs = "name: panics\ninterval: 1s\nrules:\n  - alert: Panic\n    expr: sum by (app) (count_over_time({app=\"web\"} |= \"panic\" [1h])) > 0\n    annotations: {summary: '{{ $externalLabels.cluster }} {{ $value }}'}\n";
    private const string Metrics = "name: always\ninterval: 1s\nrules:\n  - alert: Always\n    expr: vector(1)\n";

    [Fact]
    public async Task Alerts_of_both_kinds_of_rules_reach_a_real_Alertmanager_and_each_tenants_its_own()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "pharos.yml");
        await using var one = await AlertmanagerAsync(Path.Combine(folder, "one"));
        await using var two = await AlertmanagerAsync(Path.Combine(folder, "two"));
        await File.WriteAllTextAsync(config, $$"""
            multitenancy_enabled: true
            ruler:
              alertmanager_url: {{one.Http.BaseAddress}}
              external_labels: {cluster: eu}
            overrides:
              lab:
                ruler_alertmanager_config: {alertmanager_url: "{{two.Http.BaseAddress}}"}
            """);
        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "server"), null, "--config", config);
        await using var _ = server;
        using var __ = http;
        foreach (string tenant in (string[])["shop", "lab"])
        {
            string now = (TimeProvider.System.UnixMs() * 1_000_000L).ToString(CultureInfo.InvariantCulture);
            await SendAsync(http, tenant, "/loki/api/v1/push", JsonContent.Create(new { streams = new[] { new { stream = new { app = "web" }, values = new[] { new[] { now, "panic: nil map" } } } } }), HttpStatusCode.NoContent);
            await SendAsync(http, tenant, "/loki/api/v1/rules/ns", new StringContent(Logs), HttpStatusCode.Accepted);
        }
        await SendAsync(http, "shop", "/prometheus/config/v1/rules/ns", new StringContent(Metrics), HttpStatusCode.Accepted);

        List<string> ofOne = [], ofTwo = [];
        await Wait.UntilAsync(async () => (ofOne = await AlertsAsync(one.Http)).Count == 2 && (ofTwo = await AlertsAsync(two.Http)).Count == 1,
            () => $"the alerts; there are {string.Join("; ", ofOne)} and {string.Join("; ", ofTwo)}; the server printed:\n{server.Output}");
        string explore = $"{http.BaseAddress}explore/logs?q=";
        Assert.Equal("""{"alertname":"Always","cluster":"eu"} {}""", ofOne[0][..ofOne[0].IndexOf(" http", StringComparison.Ordinal)]);
        Assert.StartsWith($$"""{"alertname":"Panic","app":"web","cluster":"eu"} {"summary":"eu 1"} {{explore}}""", ofOne[1], StringComparison.Ordinal);
        Assert.Equal(ofOne[1], ofTwo[0]);

        // The router here has none of them, and the journal says where they went.
        using var own = await GetAsync(http, "shop", "/alertmanager/api/v2/alerts");
        Assert.Equal(0, own.RootElement.GetArrayLength());
        using var journal = await GetAsync(http, "lab", "/api/pharos/v1/alerts/journal");
        Assert.Contains($"handed over to {two.Http.BaseAddress!.ToString().TrimEnd('/')} as firing", journal.RootElement.GetRawText(), StringComparison.Ordinal);

        // The page says so, and the map draws it that way.
        using var me = await GetAsync(http, "lab", "/api/pharos/v1/me");
        Assert.Equal(two.Http.BaseAddress!.ToString().TrimEnd('/'), me.RootElement.GetProperty("alertmanagers").GetString());
        using var map = await GetAsync(http, "shop", "/api/pharos/v1/architecture");
        var node = map.RootElement.GetProperty("nodes").EnumerateArray().Single(n => n.GetProperty("id").GetString() == "alertmanagers");
        Assert.Equal(("ok", $"alerts go to {one.Http.BaseAddress!.ToString().TrimEnd('/')}"), (node.GetProperty("state").GetString(), node.GetProperty("reason").GetString()));
        var edges = map.RootElement.GetProperty("edges").EnumerateArray().Select(e => $"{e.GetProperty("from").GetString()} {e.GetProperty("to").GetString()}").ToList();
        Assert.Contains("rules-logs alertmanagers", edges);
        Assert.DoesNotContain("rules-logs routing", edges);
        string metrics = await http.GetStringAsync("/metrics");
        Assert.Contains($"loki_prometheus_notifications_alertmanagers_discovered{{user=\"lab\"}} 1", metrics, StringComparison.Ordinal);
        Assert.Contains($"cortex_prometheus_notifications_sent_total{{alertmanager=\"{one.Http.BaseAddress}api/v2/alerts\",user=\"shop\"}}", metrics, StringComparison.Ordinal);
    }

    private static async Task<Peer> AlertmanagerAsync(string folder)
    {
        string program = Places.Program("alertmanager");
        Directory.CreateDirectory(folder);
        string config = Path.Combine(folder, "am.yml");
        await File.WriteAllTextAsync(config, "route: {receiver: r}\nreceivers: [{name: r}]\n");
        int port = RunningProgram.FreePort();
        var running = RunningProgram.Start(program, "--config.file", config, "--storage.path", folder, "--web.listen-address", $"127.0.0.1:{port}", "--cluster.listen-address", "");
        var peer = new Peer(running, new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") });
        await Wait.UntilAsync(async () =>
        {
            try
            {
                using var ready = await peer.Http.GetAsync("/-/ready");
                return ready.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, () => $"Alertmanager to be ready; it printed:\n{running.Output}");
        return peer;
    }

    /// <summary>Its alerts as <c>LABELS ANNOTATIONS URL</c>, sorted.</summary>
    private static async Task<List<string>> AlertsAsync(HttpClient http)
    {
        using var alerts = JsonDocument.Parse(await http.GetStringAsync("/api/v2/alerts"));
        return [.. alerts.RootElement.EnumerateArray().Select(a => $"{a.GetProperty("labels").GetRawText()} {a.GetProperty("annotations").GetRawText()} {a.GetProperty("generatorURL").GetString()}").Order(StringComparer.Ordinal)];
    }

    private static async Task SendAsync(HttpClient http, string tenant, string path, HttpContent content, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http.SendAsync(request);
        Assert.True(response.StatusCode == expected, $"{path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    private static async Task<JsonDocument> GetAsync(HttpClient http, string tenant, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http.SendAsync(request);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync());
    }

    private sealed record Peer(RunningProgram Program, HttpClient Http) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Program.DisposeAsync();
        }
    }
}
