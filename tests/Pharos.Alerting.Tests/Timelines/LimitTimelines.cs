using Pharos.Core;

namespace Pharos.Alerting.Tests.Timelines;

/// <summary>Limits of a tenant on groups and on notifications.</summary>
public sealed class LimitTimelines
{
    private const string PerInstance = """
        route: {receiver: ops, group_by: [instance], group_wait: 1s, group_interval: 10s, repeat_interval: 4h}
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops.example.org/"}]
        """;

    [Fact]
    public async Task Notifications_over_the_rate_fail_at_once_are_counted_and_come_with_a_later_flush()
    {
        var limits = new AlertLimits { NotificationsPerSecond = 0.1 };
        await using var router = new RouterHarness(PerInstance, new AlertRouterOptions { Limits = _ => limits });
        for (int i = 0; i < 3; i++) router.Push($"{{alertname=\"Down\", instance=\"{i}\"}}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(2);
        Assert.Single(router.TakeWebhooks());
        Assert.Equal(2, Counted(router));
        var failed = router.Router.History.Read(TenantId.Anonymous, 10).First(n => !n.Delivered);
        Assert.Equal("failed to notify due to rate limits: 0.1 notifications/s (alertmanager_notification_rate_limit)", failed.Error);
        // One more in ten seconds.
        await router.AdvanceToAsync(12);
        Assert.Single(router.TakeWebhooks());
        limits = new AlertLimits { NotificationsPerSecond = 0.1, NotificationsPerSecondByKind = new Dictionary<string, double> { ["webhook"] = 0 } };
        await router.AdvanceToAsync(22);
        Assert.Single(router.TakeWebhooks());
    }

    [Fact]
    public async Task A_negative_rate_sends_nothing()
    {
        await using var router = new RouterHarness(PerInstance, new AlertRouterOptions { Limits = _ => new AlertLimits { NotificationsPerSecond = -1 } });
        router.Push("{alertname=\"Down\", instance=\"1\"}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(60);
        Assert.Empty(router.TakeWebhooks());
        Assert.True(Counted(router) > 1);
    }

    [Fact]
    public async Task Groups_over_the_limit_are_not_made_and_the_journal_says_so()
    {
        await using var router = new RouterHarness(PerInstance, new AlertRouterOptions { Limits = _ => new AlertLimits { GroupsMax = 2 } });
        for (int i = 0; i < 3; i++) router.Push($"{{alertname=\"Down\", instance=\"{i}\"}}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(5);
        Assert.Equal(2, router.TakeWebhooks().Count);
        Assert.Equal(2, router.Router.Groups(TenantId.Anonymous).Count);
        Assert.Equal(1, router.Instruments.Read().Single(f => f.Name == "alertmanager_dispatcher_aggregation_group_limit_reached_total").Cells.Single().Value);
    }

    private static double Counted(RouterHarness router) =>
        router.Instruments.Read().Single(f => f.Name == "alertmanager_notification_rate_limited_total").Cells.Single(c => c.LabelValues[1] == "webhook").Value;
}
