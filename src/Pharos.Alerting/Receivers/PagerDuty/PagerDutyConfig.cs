using Pharos.Yaml;


namespace Pharos.Alerting;

/// <summary><c>pagerduty_configs</c>.</summary>
internal sealed record PagerDutyConfig : IntegrationConfig
{
    /// <summary>Of the Events API v2; null where the older service key is used.</summary>
    public SecretSource? RoutingKey { get; init; }
    public SecretSource? ServiceKey { get; init; }
    public string Url { get; init; } = "";
    public string Client { get; init; } = "";
    public string ClientUrl { get; init; } = "";
    public string Description { get; init; } = "";
    public string Severity { get; init; } = "";
    public string Source { get; init; } = "";
    public string Class { get; init; } = "";
    public string Component { get; init; } = "";
    public string Group { get; init; } = "";

    /// <summary>Leaves are templates.</summary>
    public required YamlNode Details { get; init; }
    public IReadOnlyList<(string Href, string Text)> Links { get; init; } = [];
    public IReadOnlyList<(string Src, string Alt, string Href)> Images { get; init; } = [];
    public TimeSpan Timeout { get; init; }

    public static PagerDutyConfig Read(YamlSection s, GlobalConfig global)
    {
        var routingKey = s.Secret("routing_key");
        var serviceKey = s.Secret("service_key");
        if (routingKey is null && serviceKey is null) s.ErrorHere("missing service or routing key in PagerDuty config");
        if (routingKey is not null && serviceKey is not null)
        {
            // Alertmanager takes both and uses the older one.
            s.WarnHere("both routing_key and service_key are given; service_key is used", "remove one of them");
            routingKey = null;
        }
        string client = s.Text("client", "{{ template \"pagerduty.default.client\" . }}");
        var details = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (name, template) in DefaultDetails) details[name] = Quoted(template);
        foreach (var (name, node) in s.Entries("details")) details[name] = node;
        return new PagerDutyConfig
        {
            Kind = "pagerduty",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            RoutingKey = routingKey,
            ServiceKey = serviceKey,
            Url = s.UrlOrNull("url") ?? (routingKey is null ? V1Url : global.PagerdutyUrl),
            Client = client,
            ClientUrl = s.Text("client_url", "{{ template \"pagerduty.default.clientURL\" . }}"),
            Description = s.Text("description", "{{ template \"pagerduty.default.description\" .}}"),
            Severity = s.Text("severity", "error"),
            Source = s.Text("source", client),
            Class = s.Text("class"),
            Component = s.Text("component"),
            Group = s.Text("group"),
            Details = new YamlNode { Kind = YamlKind.Mapping, Pairs = [.. details.Select(d => (Quoted(d.Key), d.Value))] },
            Links = [.. s.Sections("links").Select(l => Read(l, (l.Text("href"), l.Text("text"))))],
            Images = [.. s.Sections("images").Select(i => Read(i, (i.Text("src"), i.Text("alt"), i.Text("href"))))],
            Timeout = s.Duration("timeout", TimeSpan.Zero),
        };
    }

    public override INotifier Create(NotifierTools tools) => new PagerDutyNotifier(this, tools);

    private const string V1Url = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

    private static readonly (string, string)[] DefaultDetails =
    [
        ("firing", "{{ .Alerts.Firing | toJson }}"),
        ("resolved", "{{ .Alerts.Resolved | toJson }}"),
        ("num_firing", "{{ .Alerts.Firing | len }}"),
        ("num_resolved", "{{ .Alerts.Resolved | len }}"),
    ];

    /// <summary>Stays a text until it is rendered.</summary>
    private static YamlNode Quoted(string text) => new() { Kind = YamlKind.Scalar, Style = YamlStyle.Quoted, Value = text };

    private static T Read<T>(YamlSection s, T value)
    {
        s.Done();
        return value;
    }
}
