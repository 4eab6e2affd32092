using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Rules;
using Pharos.Server.Tests.Support;

namespace Pharos.Server.Tests.Rules;

/// <summary>Where alerts of rules go, on a simulated clock and without sockets.</summary>
public sealed class RuleAlertsTests : IAsyncDisposable
{
    private static readonly TenantId Shop = TenantId.Parse("shop"), Lab = TenantId.Parse("lab");

    private readonly ManualTimeProvider time = new();
    private readonly Instruments instruments = new();
    private readonly AlertJournal journal = new();
    private readonly Router router = new();
    private readonly Alertmanagers outside = new();
    private readonly ConfiguredLimits limits = new();
    private RuleAlerts? alerts;

    public ValueTask DisposeAsync() => EndAsync();

    [Fact]
    public async Task Each_Alertmanager_gets_all_alerts_with_the_tenant_external_labels_and_relabelled()
    {
        Start("""
            ruler:
              alertmanager_url: http://one:9093/am/, http://user:secret@two
              external_labels: {cluster: eu, severity: none}
              alert_relabel_configs: [{regex: tmp, action: labeldrop}]
            """);
        await SendAsync(Shop, ("alertname", "Panic"), ("severity", "page"), ("tmp", "x"));
        await outside.TookAsync(2);
        Assert.Equal(
            [
                """http://one:9093/am/api/v2/alerts shop - {"alertname":"Panic","cluster":"eu","severity":"page"}""",
                """http://two/api/v2/alerts shop user:secret {"alertname":"Panic","cluster":"eu","severity":"page"}""",
            ],
            outside.Taken.Order());
        Assert.Empty(router.Taken);
        Assert.Equal("http://one:9093/am, http://two", alerts!.Elsewhere(Shop));
        await EndAsync();
        Assert.Equal(
            ["shop http://one:9093/am/api/v2/alerts", "shop http://two/api/v2/alerts"],
            instruments.Read().Single(f => f.Name == "loki_prometheus_notifications_sent_total").Cells.Where(c => c.Value == 1).Select(c => string.Join(' ', c.LabelValues)).Order());
    }

    [Fact]
    public async Task Without_an_address_the_router_here_takes_them_and_a_dropped_one_is_told_once()
    {
        Start("ruler: {external_labels: {cluster: eu}, alert_relabel_configs: [{source_labels: [severity], regex: info, action: drop}]}");
        await SendAsync(Shop, ("alertname", "Panic"));
        for (int i = 0; i < 3; i++) await SendAsync(Shop, ("alertname", "Chatter"), ("severity", "info"));
        Assert.Equal(["""shop {alertname="Panic", cluster="eu"}"""], router.Taken);
        var told = Assert.Single(journal.Read(Shop, null, 10));
        Assert.Equal((AlertStep.Muted, "dropped by alert_relabel_configs of the ruler: nobody is notified"), (told.Step, told.Because));
        Assert.Null(alerts!.Elsewhere(Shop));
        Assert.Empty(outside.Taken);
    }

    [Fact]
    public async Task A_tenant_has_Alertmanagers_of_its_own()
    {
        Start("""
            ruler: {alertmanager_url: "http://all", alertmanager_client: {basic_auth_username: u, basic_auth_password: p}, alert_relabel_configs: [{regex: tmp, action: labeldrop}]}
            overrides:
              shop:
                ruler_alertmanager_config: {alertmanager_url: "http://shop"}
              lab:
                ruler_alertmanager_client_config: {credentials: t0k}
            """);
        await SendAsync(Shop, ("alertname", "A"), ("tmp", "x"));
        await SendAsync(Lab, ("alertname", "A"), ("tmp", "x"));
        await SendAsync(TenantId.Anonymous, ("alertname", "A"));
        await outside.TookAsync(3);
        Assert.Equal(
            [
                """http://all/api/v2/alerts anonymous u:p {"alertname":"A"}""",
                """http://all/api/v2/alerts lab Bearer t0k {"alertname":"A"}""",
                """http://shop/api/v2/alerts shop - {"alertname":"A","tmp":"x"}""",
            ],
            outside.Taken.Order());
    }

    [Fact]
    public async Task Changed_settings_hold_from_the_next_alert_and_what_waits_is_still_sent()
    {
        Start("ruler: {alertmanager_url: 'http://one'}");
        var away = outside.Hold("one");
        await SendAsync(Shop, ("alertname", "A"));
        Use("ruler: {alertmanager_url: 'http://two'}");
        await SendAsync(Shop, ("alertname", "B"));
        await outside.TookAsync(1);
        Use("{}");
        await SendAsync(Shop, ("alertname", "C"));
        Assert.Equal(["""shop {alertname="C"}"""], router.Taken);
        away.SetResult();
        await outside.TookAsync(2);
        Assert.Equal(["""http://one/api/v2/alerts shop - {"alertname":"A"}""", """http://two/api/v2/alerts shop - {"alertname":"B"}"""], outside.Taken.Order());
    }

    [Fact]
    public async Task An_Alertmanager_that_never_answers_delays_neither_rules_nor_other_tenants()
    {
        Start("ruler: {alertmanager_url: 'http://all', notification_queue_capacity: 5}\noverrides: {lab: {ruler_alertmanager_config: {alertmanager_url: 'http://hung', notification_queue_capacity: 5}}}\n");
        var hung = outside.Hold("hung");
        for (int i = 0; i < 20; i++) await SendAsync(Lab, ("alertname", $"A{i}"));
        await SendAsync(Shop, ("alertname", "B"));
        await outside.TookAsync(1);
        Assert.Equal(["""http://all/api/v2/alerts shop - {"alertname":"B"}"""], outside.Taken);
        hung.SetResult();
        await EndAsync();
        Assert.InRange(Value("loki_prometheus_notifications_dropped_total", "lab"), 14, 15);
        Assert.Equal(0, Value("loki_prometheus_notifications_dropped_total", "shop"));
    }

    [Fact]
    public async Task An_address_that_is_not_found_yet_makes_the_rules_try_again()
    {
        Start("ruler: {alertmanager_url: 'http://_web._tcp.alertmanager.invalid', enable_alertmanager_discovery: true}");
        var error = await Assert.ThrowsAsync<AlertSendException>(() => SendAsync(Shop, ("alertname", "A")));
        Assert.Equal("no Alertmanager is known yet: http://_web._tcp.alertmanager.invalid has not been found in DNS", error.Message);
    }

    private void Start(string config)
    {
        Use(config);
        alerts = new RuleAlerts(
            router, () => limits.Config.Ruler.ExternalLabels, limits, "loki_prometheus_notifications", journal,
            new DiscoveryContext(outside.Handler, time, instruments, NullLogger.Instance));
    }

    /// <summary>Sends what waits.</summary>
    private async ValueTask EndAsync()
    {
        if (alerts is not null) await alerts.DisposeAsync();
        alerts = null;
    }

    private void Use(string config) => limits.Config = ServerConfig.Load(config, "/srv/pharos.yml");

    private async Task SendAsync(TenantId tenant, params (string Name, string Value)[] labels) =>
        await alerts!.SendAsync(tenant, [new Alert { Labels = Labels.Of(labels), StartsAt = DateTimeOffset.UnixEpoch }], CancellationToken.None);

    private double Value(string name, string tenant) => instruments.Read().Single(f => f.Name == name).Cells.Where(c => c.LabelValues[0] == tenant).Sum(c => c.Value);

    private sealed class Router : IAlertSink
    {
        public List<string> Taken { get; } = [];

        public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
        {
            Taken.AddRange(alerts.Select(a => $"{tenant.Name} {a.Labels}"));
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Alertmanagers by host. What they took is <c>URL TENANT LOGIN LABELS</c>.</summary>
    private sealed class Alertmanagers
    {
        private readonly Lock gate = new();
        private readonly List<string> taken = [];
        private readonly Dictionary<string, TaskCompletionSource> held = [];
        private readonly Changes changes = new();

        public List<string> Taken
        {
            get
            {
                lock (gate) return [.. taken];
            }
        }

        public TaskCompletionSource Hold(string host) => held[host] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task TookAsync(int count) => changes.UntilAsync(() => Taken.Count >= count, () => $"{count} alerts; there are {string.Join("; ", Taken)}");

        public HttpMessageHandler Handler(HttpClientOptions options) => new Taking(
            this, options.BasicAuth is { } basic ? $"{basic.Username}:{basic.Password}" : options.Authorization is { } header ? $"{header.Type} {header.Credentials}" : "-");

        private async Task<HttpResponseMessage> TakeAsync(HttpRequestMessage request, string login, CancellationToken cancel)
        {
            if (held.TryGetValue(request.RequestUri!.Host, out var wait)) await wait.Task.WaitAsync(cancel);
            using var body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancel));
            lock (gate)
            {
                foreach (var alert in body.RootElement.EnumerateArray())
                {
                    taken.Add($"{request.RequestUri} {string.Join(',', request.Headers.GetValues("X-Scope-OrgID"))} {login} {alert.GetProperty("labels").GetRawText()}");
                }
            }
            changes.Signal();
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("") };
        }

        private sealed class Taking(Alertmanagers alertmanagers, string login) : HttpMessageHandler
        {
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => alertmanagers.TakeAsync(request, login, cancellationToken);
        }
    }
}
