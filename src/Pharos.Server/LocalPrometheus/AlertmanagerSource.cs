using Pharos.Collector.Discovery;
using Pharos.Collector.Relabeling;
using Pharos.Collector.RemoteWrite;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Rules;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The Alertmanagers of one group, as they are discovered.</summary>
internal sealed class AlertmanagerSource : IAsyncDisposable
{
    private readonly AlertmanagerGroup group;
    private readonly HttpMessageInvoker client;
    private readonly TargetSources sources;
    private readonly Func<Task> changed;

    /// <param name="name">By which metrics name it.</param>
    public AlertmanagerSource(AlertmanagerGroup group, string name, DiscoveryContext context, Func<Task> changed)
    {
        this.group = group;
        this.changed = changed;
        var handler = context.Http(group.Http);
        client = new HttpMessageInvoker(group.SigV4 is null ? handler : new CloudAccess { SigV4 = group.SigV4 }.Around(handler, context));
        sources = new TargetSources(group.Discovery, "notify", name, context, SetAsync);
    }

    public IReadOnlyList<AlertmanagerTarget> Targets { get; private set; } = [];

    public Task StartAsync() => sources.StartAsync();

    /// <summary>Ends discovery; what is known can be sent to until this is disposed of.</summary>
    public ValueTask StopAsync() => sources.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        client.Dispose();
    }

    private async Task SetAsync(IReadOnlyList<Labels> discovered)
    {
        var targets = new List<AlertmanagerTarget>();
        foreach (var found in discovered)
        {
            var labels = new LabelsBuilder(found);
            if (labels.Get("__scheme__").Length == 0) labels.Set("__scheme__", group.Scheme);
            if (labels.Get("__alerts_path__").Length == 0) labels.Set("__alerts_path__", group.PathPrefix.TrimEnd('/') + "/api/v2/alerts");
            if (!RelabelRule.Apply(group.RelabelRules, labels)) continue;
            string path = labels.Get("__alerts_path__");
            if (path.EndsWith("/api/v2/alerts", StringComparison.Ordinal)) path = path[..^"/api/v2/alerts".Length];
            string url = $"{labels.Get("__scheme__")}://{labels.Get("__address__")}{path}";
            if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) continue;
            targets.Add(new AlertmanagerTarget(address, client)
            {
                Timeout = group.Timeout,
                Change = alert => AlertLabelling.Of(alert, Labels.Empty, group.AlertRelabelRules),
            });
        }
        Targets = targets;
        await changed();
    }
}
