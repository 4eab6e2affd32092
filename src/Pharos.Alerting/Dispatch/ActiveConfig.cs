using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>An integration ready to send.</summary>
internal sealed record Integration(string Receiver, IntegrationConfig Config, INotifier Notifier)
{
    /// <summary>For people: <c>team-x/slack[0]</c>.</summary>
    public string Name => $"{Receiver}/{Config.Kind}[{Config.Index}]";
}

/// <summary>A configuration at work: its notifiers, inhibitor and groups. Replaced as a whole at a reload.</summary>
internal sealed class ActiveConfig : IDisposable
{
    private readonly HttpSenders http;

    /// <exception cref="ConfigurationException">A template file is not usable.</exception>
    public ActiveConfig(AlertmanagerConfig config, TenantId tenant, RouterShared shared)
    {
        Config = config;
        Inhibitor = new Inhibitor(config.InhibitRules);
        http = new HttpSenders(shared.HandlersOf(tenant), shared.Time, shared.Options.UserAgent);
        Templates = NotificationTemplates.Load(config, shared.Options.ExternalUrl, shared.Time);
        var tools = new NotifierTools(Templates, http, shared.Time, () => shared.Options.FirewallOf(tenant), shared.Logger);
        foreach (var receiver in config.Receivers)
        {
            Receivers[receiver.Name] = [.. receiver.Integrations.Select(i => new Integration(receiver.Name, i, i.Create(tools)))];
            foreach (var integration in receiver.Integrations) shared.Metrics.Introduce(integration.Kind);
        }
    }

    public AlertmanagerConfig Config { get; }
    public NotificationTemplates Templates { get; }
    public Inhibitor Inhibitor { get; }
    public Dictionary<string, IReadOnlyList<Integration>> Receivers { get; } = new(StringComparer.Ordinal);
    public Dictionary<(string RouteId, Labels Labels), AlertGroup> Groups { get; } = [];

    /// <summary>Closes the connections once whatever is still being sent must be over.</summary>
    public void DisposeLater(TimeProvider time)
    {
        var longest = Config.Routes.Root.All().Max(r => r.GroupInterval) + TimeSpan.FromMinutes(1);
        ITimer? timer = null;
        timer = time.CreateTimer(_ =>
        {
            Dispose();
            timer?.Dispose();
        }, null, longest, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => http.Dispose();
}
