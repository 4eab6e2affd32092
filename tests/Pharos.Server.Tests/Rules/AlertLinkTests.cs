using System.Text;
using System.Text.Json;
using Pharos.Rules;
using Pharos.Server.Configuration;
using Pharos.Server.Rules;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Rules;

public sealed class AlertLinkTests
{
    private const string Expr = "sum by (app) (count_over_time({app=\"web\"} |= \"panic & <b>\" [1h])) > 0";

    [Fact]
    public async Task A_panic_in_the_logs_becomes_an_alert_whose_link_and_annotations_lead_back_to_the_lines()
    {
        await using var api = await TenantApi.StartAsync("external_url: https://pharos.example/");
        string group = $"name: panics\ninterval: 1m\nrules:\n  - alert: Panic\n    expr: {JsonSerializer.Serialize(Expr)}\n    annotations: {{summary: \"{{{{ $labels.app | toUpper }}}} panicked {{{{ $value | humanize }}}} times, see {{{{ externalURL }}}}\"}}\n";
        Assert.Equal(202, (await api.SendAsync(HttpMethod.Post, "/loki/api/v1/rules/ns", content: new StringContent(group))).Status);
        string push = $"{{\"streams\":[{{\"stream\":{{\"app\":\"web\"}},\"values\":[[\"{api.Now}000000\",\"panic & <b>: nil map\"]]}}]}}";
        Assert.Equal(204, (await api.SendAsync(HttpMethod.Post, "/loki/api/v1/push", content: new StringContent(push, Encoding.UTF8, "application/json"))).Status);
        api.Time.Advance(TimeSpan.FromMinutes(1));
        JsonElement alert;
        while (true)
        {
            using var alerts = JsonDocument.Parse(await api.GetAsync("/alertmanager/api/v2/alerts"));
            if (alerts.RootElement.GetArrayLength() > 0)
            {
                alert = alerts.RootElement[0].Clone();
                break;
            }
            await Task.Yield();
        }
        Assert.Equal("https://pharos.example/explore/logs?q=" + Uri.EscapeDataString(Expr), alert.GetProperty("generatorURL").GetString());
        Assert.Equal("WEB panicked 1 times, see https://pharos.example", alert.GetProperty("annotations").GetProperty("summary").GetString());
    }

    [Fact]
    public void With_an_external_url_rules_over_logs_link_to_Explore_of_that_Grafana_and_the_others_stay_here()
    {
        var config = ServerConfig.Load("ruler: {external_url: https://grafana.example/, datasource_uid: u1}", "pharos.yml");
        var links = new AlertLinks("https://pharos.example", config.Ruler);
        var link = new Uri(links.Of(RulePlacement.Logs, Expr));
        Assert.Equal("https://grafana.example/explore", link.GetLeftPart(UriPartial.Path));
        using var left = JsonDocument.Parse(Uri.UnescapeDataString(link.Query["?left=".Length..]));
        var query = Assert.Single(left.RootElement.GetProperty("queries").EnumerateArray().ToList());
        Assert.Equal((Expr, "range"), (query.GetProperty("expr").GetString(), query.GetProperty("queryType").GetString()));
        Assert.Equal("""{"type":"loki","uid":"u1"}""", query.GetProperty("datasource").GetRawText());
        Assert.Equal("https://grafana.example", links.LogsUrl);
        Assert.Equal("https://pharos.example/graph?g0.expr=up&g0.tab=1", links.Of(RulePlacement.Metrics, "up"));
        Assert.Equal("https://pharos.example/explore/logs?q=x%20%3E%201", new AlertLinks("https://pharos.example", new()).Of(RulePlacement.Logs, "x > 1"));
    }
}
