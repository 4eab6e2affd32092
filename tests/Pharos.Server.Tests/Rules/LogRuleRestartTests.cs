using System.Text;
using System.Text.Json;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Rules;

/// <summary>A pending alert of a rule over logs goes on where it was after a restart.</summary>
public sealed class LogRuleRestartTests
{
    private const string Group = "name: panics\ninterval: 1m\nrules:\n  - alert: Panic\n    for: 5m\n    expr: sum by (app) (count_over_time({app=\"web\"} |= \"panic\" [1h])) > 0\n";

    [Fact]
    public async Task A_pending_alert_fires_after_a_restart_when_it_would_have_fired_without()
    {
        await using var api = await TenantApi.StartAsync("{}");
        string push = $"{{\"streams\":[{{\"stream\":{{\"app\":\"web\"}},\"values\":[[\"{api.Now}000000\",\"panic: nil map\"]]}}]}}";
        Assert.Equal(204, (await api.SendAsync(HttpMethod.Post, "/loki/api/v1/push", content: new StringContent(push, Encoding.UTF8, "application/json"))).Status);
        Assert.Equal(202, (await api.SendAsync(HttpMethod.Post, "/loki/api/v1/rules/ns", content: new StringContent(Group))).Status);
        api.Time.Advance(TimeSpan.FromMinutes(1));
        var pending = await AlertAsync(api, "pending");
        api.Time.Advance(TimeSpan.FromMinutes(2));
        await EvaluatedAsync(api);
        await api.RestartAsync();
        await EvaluatedAsync(api);
        Assert.Equal(pending, await AlertAsync(api, "pending"));

        // Five minutes count from the first evaluation, not from the restart.
        var active = DateTimeOffset.Parse(pending, System.Globalization.CultureInfo.InvariantCulture);
        api.Time.Advance(active.AddMinutes(5) - api.Time.GetUtcNow() - TimeSpan.FromSeconds(1));
        await EvaluatedAsync(api);
        Assert.Equal(pending, await AlertAsync(api, "pending"));
        api.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(pending, await AlertAsync(api, "firing"));
    }

    /// <summary>The time since when the alert is active, once it is in a state.</summary>
    private static async Task<string> AlertAsync(TenantApi api, string state)
    {
        while (true)
        {
            var alerts = (await api.DataAsync("/loki/prometheus/api/v1/alerts")).GetProperty("alerts");
            if (alerts.GetArrayLength() > 0 && alerts[0].GetProperty("state").GetString() == state) return alerts[0].GetProperty("activeAt").GetString()!;
            await Task.Yield();
        }
    }

    /// <summary>Waits until the group was evaluated within its last interval.</summary>
    private static async Task EvaluatedAsync(TenantApi api)
    {
        while (true)
        {
            var groups = (await api.DataAsync("/loki/prometheus/api/v1/rules")).GetProperty("groups");
            if (groups.GetArrayLength() > 0 && api.Time.GetUtcNow() - groups[0].GetProperty("lastEvaluation").GetDateTimeOffset() < TimeSpan.FromMinutes(1)) return;
            await Task.Yield();
        }
    }
}
