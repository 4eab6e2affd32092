using System.Globalization;
using System.Text.Json;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>Real Prometheus programs beside real Pharos processes.</summary>
public sealed class PrometheusPeersTests
{
    [Fact]
    public async Task A_real_prometheus_scrapes_every_pharos_process_and_remote_writes_what_promtool_then_reads()
    {
        string prometheus = Places.Program("prometheus"), promtool = Places.Program("promtool");
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "server"));
        await using var _ = server;
        using var __ = http;

        int localPort = RunningProgram.FreePort(), routerPort = RunningProgram.FreePort(), collectorPort = RunningProgram.FreePort(), port = RunningProgram.FreePort();
        string localConfig = Path.Combine(folder, "local.yml"), routerConfig = Path.Combine(folder, "router.yml"), collectorConfig = Path.Combine(folder, "c.alloy");
        await File.WriteAllTextAsync(localConfig, "global: {scrape_interval: 15s}\n");
        await File.WriteAllTextAsync(routerConfig, "route: {receiver: none}\nreceivers: [{name: none}]\n");
        await File.WriteAllTextAsync(collectorConfig, "logging {\n\tlevel = \"warn\"\n}\n");
        await using var local = RunningProgram.Start(PharosPrograms.Pharos, "prometheus", $"--config.file={localConfig}", $"--storage.tsdb.path={Path.Combine(folder, "local")}", $"--web.listen-address=127.0.0.1:{localPort}");
        await using var router = RunningProgram.Start(PharosPrograms.Pharos, "alertmanager", $"--config.file={routerConfig}", $"--storage.path={Path.Combine(folder, "router")}", $"--web.listen-address=127.0.0.1:{routerPort}");
        await using var collector = RunningProgram.Start(PharosPrograms.Collector, "run", collectorConfig, $"--storage.path={Path.Combine(folder, "collector")}", $"--server.http.listen-addr=127.0.0.1:{collectorPort}");

        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"""
            global: {"{"}scrape_interval: 1s{"}"}
            scrape_configs:
              - job_name: pharos
                static_configs:
                  - targets: ["{http.BaseAddress!.Authority}", "127.0.0.1:{localPort}", "127.0.0.1:{routerPort}", "127.0.0.1:{collectorPort}"]
            remote_write:
              - url: {http.BaseAddress}api/v1/push
            """);
        await using var peer = RunningProgram.Start(
            prometheus, $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "peer")}", $"--web.listen-address=127.0.0.1:{port}");

        string url = http.BaseAddress.ToString().TrimEnd('/');
        await Wait.UntilAsync(async () => await ValueAsync("sum(up{job=\"pharos\"})") == 4, () => $"four healthy targets; prometheus said:\n{peer.Output}\n{local.Output}\n{router.Output}\n{collector.Output}");

        var (exit, output) = await RunningProgram.RunAsync(promtool, "query", "instant", url, "count(up{job=\"pharos\"})");
        Assert.Equal(0, exit);
        Assert.StartsWith("{} => 4 @[", output);

        (exit, output) = await RunningProgram.RunAsync(promtool, "query", "range", "--step=1s", url, "up{job=\"pharos\"}");
        Assert.Equal(0, exit);
        Assert.Equal(4, output.Split('\n').Count(l => l.StartsWith("up{", StringComparison.Ordinal)));

        (exit, output) = await RunningProgram.RunAsync(promtool, "query", "series", "--match=up", url);
        Assert.Equal(0, exit);
        Assert.Contains($"instance=\"127.0.0.1:{collectorPort}\"", output);

        (exit, output) = await RunningProgram.RunAsync(promtool, "query", "labels", url, "job");
        Assert.Equal(0, exit);
        Assert.Contains("pharos", output);

        async Task<double> ValueAsync(string query)
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync("/api/v1/query?query=" + Uri.EscapeDataString(query)));
            var result = answer.RootElement.GetProperty("data").GetProperty("result");
            return result.GetArrayLength() == 0 ? 0 : double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task Amtool_reads_and_silences_alerts_of_the_server()
    {
        string amtool = Places.Program("amtool");
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        await using var _ = server;
        using var __ = http;
        using (var stored = await http.PostAsync("/api/v1/alerts", new StringContent("""
            alertmanager_config: |
              route:
                receiver: default
                group_wait: 1h
                routes:
                  - matchers: [team="payments"]
                    receiver: payments
              receivers: [{name: default}, {name: payments}]
            """)))
        {
            Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync());
        }
        string url = $"--alertmanager.url={http.BaseAddress}alertmanager";
        var (exit, output) = await RunningProgram.RunAsync(amtool, "alert", "add", "CheckoutErrors", "team=payments", "--annotation=summary=it fails", url);
        Assert.True(exit == 0, output);
        (exit, output) = await RunningProgram.RunAsync(amtool, "alert", "query", "team=payments", "-o", "simple", url);
        Assert.True(exit == 0, output);
        Assert.Contains("CheckoutErrors", output);
        (exit, output) = await RunningProgram.RunAsync(amtool, "silence", "add", "team=payments", "--comment=tested", "--author=test", "--duration=1h", url);
        Assert.True(exit == 0, output);
        (exit, output) = await RunningProgram.RunAsync(amtool, "alert", "query", "--silenced", url);
        Assert.Contains("CheckoutErrors", output);
        (exit, output) = await RunningProgram.RunAsync(amtool, "alert", "query", url);
        Assert.DoesNotContain("CheckoutErrors", output);
        (exit, output) = await RunningProgram.RunAsync(amtool, "config", "routes", "test", "--verify.receivers=payments", "team=payments", url);
        Assert.True(exit == 0, output);
        Assert.Equal("payments", output.Trim().Split('\n')[^1]);
    }
}
