using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>What a reload changes of how alerts are sent.</summary>
public sealed class AlertingReloadTests
{
    private readonly Changes changes = new();
    private readonly Lock gate = new();
    private readonly List<string> taken = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task External_labels_relabelling_and_the_Alertmanagers_are_those_of_the_new_configuration()
    {
        await using var alertmanager = await HttpHost.StartAsync("127.0.0.1", 0, NullLoggerFactory.Instance, application => application.MapPost("/api/v2/alerts", TakeAsync), Cancel);
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "r.yml"),
            "groups: [{name: g, interval: 50ms, rules: [{alert: Always, expr: vector(1), annotations: {of: '{{ $externalLabels.cluster }}'}}, {alert: Chatter, expr: vector(1)}]}]\n", Cancel);
        string alerting = $"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager.Address.Authority}']}}]}}]";
        await File.WriteAllTextAsync(config, $"global: {{external_labels: {{cluster: a}}}}\nrule_files: [r.yml]\n{alerting}}}\n", Cancel);
        await using var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0, ResendDelay = TimeSpan.FromMilliseconds(50) },
            TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        await TakenAsync("Always a a", "Chatter a ");

        await File.WriteAllTextAsync(
            config, $"global: {{external_labels: {{cluster: b}}}}\nrule_files: [r.yml]\n{alerting}, alert_relabel_configs: [{{source_labels: [alertname], regex: Chatter, action: drop}}]}}\n", Cancel);
        await host.ReloadAsync(Cancel);
        lock (gate) taken.Clear();
        await TakenAsync("Always b b");
        lock (gate) Assert.DoesNotContain("Chatter b ", taken);

        await File.WriteAllTextAsync(config, "rule_files: [r.yml]\n", Cancel);
        await host.ReloadAsync(Cancel);
        using var http = new HttpClient { BaseAddress = host.Address };
        using var listed = JsonDocument.Parse(await http.GetStringAsync("/api/v1/alertmanagers", Cancel));
        Assert.Equal(0, listed.RootElement.GetProperty("data").GetProperty("activeAlertmanagers").GetArrayLength());
        string metrics = await http.GetStringAsync("/metrics", Cancel);
        Assert.Contains("prometheus_notifications_alertmanagers_discovered 0\n", metrics, StringComparison.Ordinal);
    }

    private async Task TakeAsync(HttpContext http)
    {
        using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
        lock (gate)
        {
            foreach (var alert in body.RootElement.EnumerateArray())
            {
                var (labels, annotations) = (alert.GetProperty("labels"), alert.GetProperty("annotations"));
                taken.Add($"{labels.GetProperty("alertname").GetString()} {labels.GetProperty("cluster").GetString()} {(annotations.TryGetProperty("of", out var of) ? of.GetString() : "")}");
            }
        }
        changes.Signal();
    }

    private Task TakenAsync(params string[] alerts) => changes.UntilAsync(
        () =>
        {
            lock (gate) return alerts.All(taken.Contains);
        },
        () =>
        {
            lock (gate) return $"{string.Join(", ", alerts)}; there are {string.Join(", ", taken.Distinct())}";
        });
}
