using System.Net;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

public sealed class LocalSafetyTests
{
    [Fact]
    public async Task Local_rules_page_through_alertmanager_while_remote_write_is_down()
    {
        using var folder = Places.NewFolder();
        int router = RunningProgram.FreePort(), local = RunningProgram.FreePort(), nobody = RunningProgram.FreePort(), pager = RunningProgram.FreePort();
        using var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{pager}/");
        listener.Start();
        var paged = ReceiveAsync(listener);

        string routing = Path.Combine(folder, "alertmanager.yml"), config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(routing, $"""
            route: {"{"}receiver: pager, group_wait: 0s{"}"}
            receivers:
              - name: pager
                webhook_configs: [{"{"}url: "http://127.0.0.1:{pager}/"{"}"}]
            """);
        await File.WriteAllTextAsync(Path.Combine(folder, "rules.yml"), """
            groups:
              - name: local-safety
                interval: 1s
                rules:
                  - alert: ScrapedMyself
                    expr: up{job="self"} == 1
                    for: 2s
                    labels: {severity: critical}
                    annotations: {summary: '{{ $labels.instance }} answers {{ $value }}'}
            """);
        await File.WriteAllTextAsync(config, $"""
            global: {"{"}scrape_interval: 1s, external_labels: {"{"}cluster: eu-1{"}"}{"}"}
            rule_files: [rules.yml]
            alerting:
              alertmanagers:
                - static_configs: [{"{"}targets: ["127.0.0.1:{router}"]{"}"}]
            scrape_configs:
              - job_name: self
                static_configs: [{"{"}targets: ["127.0.0.1:{local}"]{"}"}]
            remote_write:
              - url: http://127.0.0.1:{nobody}/api/v1/push
            """);
        await using var alertmanager = RunningProgram.Start(
            PharosPrograms.Pharos, "alertmanager", $"--config.file={routing}", $"--storage.path={Path.Combine(folder, "am")}", $"--web.listen-address=127.0.0.1:{router}");
        await using var prometheus = RunningProgram.Start(
            PharosPrograms.Pharos, "prometheus", $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{local}");
        await Wait.UntilAsync(() => paged.IsCompleted, () => $"a page; prometheus said:\n{prometheus.Output}\nalertmanager said:\n{alertmanager.Output}");
        string body = await paged;
        Assert.Contains("\"alertname\":\"ScrapedMyself\"", body);
        Assert.Contains("\"cluster\":\"eu-1\"", body);
        Assert.Contains($"127.0.0.1:{local} answers 1", body);
        Assert.Equal(0, await prometheus.TerminateAsync());
        Assert.Equal(0, await alertmanager.TerminateAsync());
    }

    private static async Task<string> ReceiveAsync(HttpListener listener)
    {
        var context = await listener.GetContextAsync();
        using var reader = new StreamReader(context.Request.InputStream);
        string body = await reader.ReadToEndAsync();
        context.Response.StatusCode = 200;
        context.Response.Close();
        return body;
    }
}
