using Pharos.Yaml;


namespace Pharos.Alerting;

/// <summary><c>webhook_configs</c>.</summary>
internal sealed record WebhookConfig : IntegrationConfig
{
    public required SecretSource? Url { get; init; }

    /// <summary>More alerts are left out and counted; 0 means all.</summary>
    public int AlertsMax { get; init; }

    /// <summary>Bound of one request; zero: only the flush's own.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>Replaces the standard body; leaves are templates.</summary>
    public YamlNode? Payload { get; init; }

    public static WebhookConfig Read(YamlSection s, GlobalConfig global)
    {
        var url = s.SecretUrl("url", template: true);
        if (url is null) s.ErrorHere("one of url or url_file must be configured");
        return new WebhookConfig
        {
            Kind = "webhook",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            Url = url,
            AlertsMax = s.Count("max_alerts", 0),
            Timeout = s.Duration("timeout", TimeSpan.Zero),
            Payload = s.Section("payload")?.Node,
        };
    }

    public override INotifier Create(NotifierTools tools) => new WebhookNotifier(this, tools);
}
