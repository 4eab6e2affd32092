using System.Net.WebSockets;
using System.Text;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Loki;

/// <summary>What Grafana's data source asks for where its address is that of the server with <c>/loki</c>.</summary>
public sealed class LokiBaseTests
{
    [Fact]
    public async Task All_of_the_API_and_the_states_of_rules_over_logs_are_under_loki()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\n");
        string push = $"{{\"streams\":[{{\"stream\":{{\"app\":\"web\"}},\"values\":[[\"{api.Now}000000\",\"panic: nil map\"]]}}]}}";
        Assert.Equal(204, (await api.SendAsync(HttpMethod.Post, "/loki/loki/api/v1/push", "shop", new StringContent(push, Encoding.UTF8, "application/json"))).Status);
        var group = new StringContent("name: g\nrules: [{alert: Panic, expr: 'count_over_time({app=\"web\"}[1h]) > 0'}]\n");
        Assert.Equal(202, (await api.SendAsync(HttpMethod.Post, "/loki/loki/api/v1/rules/n%2Fs", "shop", group)).Status);
        Assert.Contains("alert: Panic", await api.GetAsync("/loki/loki/api/v1/rules/n%2Fs/g", "shop"), StringComparison.Ordinal);
        var states = (await api.DataAsync("/loki/prometheus/api/v1/rules", "shop")).GetProperty("groups");
        Assert.Equal("n/s", states[0].GetProperty("file").GetString());
        Assert.Equal(0, (await api.DataAsync("/prometheus/api/v1/rules", "shop")).GetProperty("groups").GetArrayLength());

        string query = $"query?query={Uri.EscapeDataString("count_over_time({app=\"web\"}[1h])")}&time={api.Now / 1000}";
        Assert.Equal(await StripAsync(api, $"/loki/api/v1/{query}"), await StripAsync(api, $"/loki/loki/api/v1/{query}"));
        Assert.Equal("__tenant_id__", (await api.DataAsync("/loki/loki/api/v1/labels", "shop|lab"))[0].GetString());
        Assert.Equal(401, (await api.SendAsync(HttpMethod.Get, "/loki/loki/api/v1/labels")).Status);
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Get, "/loki/loki/loki/api/v1/labels", "shop")).Status);

        using var tail = new ClientWebSocket();
        tail.Options.SetRequestHeader("X-Scope-OrgID", "shop");
        var address = new UriBuilder(new Uri(api.Address, "/loki/loki/api/v1/tail")) { Scheme = "ws", Query = "query=" + Uri.EscapeDataString("{app=\"web\"}") };
        await tail.ConnectAsync(address.Uri, TestContext.Current.CancellationToken);
        Assert.Equal(WebSocketState.Open, tail.State);
    }

    /// <summary>The answer without its statistics, which hold times.</summary>
    private static async Task<string> StripAsync(TenantApi api, string path) => (await api.DataAsync(path, "shop")).GetProperty("result").GetRawText();
}
