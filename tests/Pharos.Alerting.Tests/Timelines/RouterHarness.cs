using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Alerting.Tests.Timelines;

/// <summary>A router on a simulated clock with a pretended internet; remembers every request.</summary>
internal sealed class RouterHarness : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly AlertRouterOptions options;
    private readonly SqliteCatalogue catalogue;

    public RouterHarness(string config, AlertRouterOptions? options = null, DateTimeOffset? start = null)
    {
        this.options = options ?? new AlertRouterOptions { ExternalUrl = "http://am.example.org" };
        Time = new ManualTimeProvider(start);
        Start = Time.GetUtcNow();
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), Time);
        Config = config;
        Router = NewRouter();
    }

    public ManualTimeProvider Time { get; }
    public DateTimeOffset Start { get; }
    public string Config { get; }
    public AlertRouter Router { get; private set; }
    public AlertJournal Journal { get; private set; } = new();
    public Instruments Instruments { get; private set; } = new();

    /// <summary>Every request: at which second, to which host, and the body.</summary>
    public List<(double At, string Host, HttpRequestMessage Request, string Body)> Requests { get; } = [];

    /// <summary>What the pretended internet answers; by default 200.</summary>
    public Func<HttpRequestMessage, string, HttpResponseMessage> Answer { get; set; } = (_, _) => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("ok") };

    public async Task AdvanceToAsync(double second)
    {
        var target = Start.AddSeconds(second);
        while (true)
        {
            await Router.IdleAsync();
            if (Time.NextDue is not { } due || due > target) break;
            Time.AdvanceTo(due);
        }
        Time.AdvanceTo(target);
        await Router.IdleAsync();
    }

    public void Push(string labels, double? ends = null, double? starts = null, string annotations = "{}")
    {
        var errors = Router.Receive(TenantId.Anonymous,
        [
            new Alert
            {
                Labels = LabelsOf(labels),
                Annotations = LabelsOf(annotations),
                StartsAt = starts is { } s ? Start.AddSeconds(s) : null,
                EndsAt = ends is { } e ? Start.AddSeconds(e) : null,
                GeneratorUrl = "http://prometheus.example.org/graph",
            },
        ]);
        Assert.Empty(errors);
    }

    public async Task RestartAsync()
    {
        await Router.DisposeAsync();
        Journal = new AlertJournal();
        Instruments = new Instruments();
        Router = NewRouter();
    }

    /// <summary>The requests since the last call, as <c>host status reason [alertname/instance …]</c>.</summary>
    public List<string> TakeWebhooks()
    {
        var taken = Requests.Select(r => Describe(r.Host, r.Body)).ToList();
        Requests.Clear();
        return taken;
    }

    public static Labels LabelsOf(string text) => Labels.Of(MatcherText.ParseAll(text).Select(m => KeyValuePair.Create(m.Name, m.Value)));

    public async ValueTask DisposeAsync()
    {
        await Router.DisposeAsync();
        await catalogue.DisposeAsync();
        folder.Dispose();
    }

    private static string Describe(string host, string body)
    {
        var json = JsonNode.Parse(body)!;
        int firing = json["alerts"]!.AsArray().Count(a => a!["status"]!.ToString() == "firing");
        int resolved = json["alerts"]!.AsArray().Count - firing;
        return $"{host} firing={firing} resolved={resolved} group={json["groupKey"]} because {json["notification_reason"]}";
    }

    private AlertRouter NewRouter()
    {
        var router = new AlertRouter(options, catalogue, Journal, Time, _ => new Internet(this), Instruments, NullLogger.Instance);
        router.UseFallback(AlertmanagerConfig.Load(Config, "alertmanager.yml"));
        router.Start();
        return router;
    }

    private sealed class Internet(RouterHarness owner) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
        {
            string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancel);
            lock (owner.Requests) owner.Requests.Add(((owner.Time.GetUtcNow() - owner.Start).TotalSeconds, request.RequestUri!.Host, request, body));
            return owner.Answer(request, body);
        }
    }
}
