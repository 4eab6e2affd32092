using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>msteams_configs</c> (connectors) and <c>msteamsv2_configs</c> (workflows).</summary>
internal sealed record MsTeamsConfig : IntegrationConfig
{
    public SecretSource? WebhookUrl { get; init; }
    public string Title { get; init; } = "";
    public string Summary { get; init; } = "";
    public string Text { get; init; } = "";
    public bool Workflow { get; init; }

    public static MsTeamsConfig ReadConnector(YamlSection s, GlobalConfig global) => Read(s, global, "msteams") with
    {
        Summary = s.Text("summary", "{{ template \"msteams.default.summary\" . }}"),
    };

    public static MsTeamsConfig ReadWorkflow(YamlSection s, GlobalConfig global) => Read(s, global, "msteamsv2") with { Workflow = true };

    public override INotifier Create(NotifierTools tools) => new MsTeamsNotifier(this, tools);

    private static MsTeamsConfig Read(YamlSection s, GlobalConfig global, string kind)
    {
        var url = s.SecretUrl("webhook_url");
        if (url is null) s.ErrorHere("one of webhook_url or webhook_url_file must be configured");
        return new MsTeamsConfig
        {
            Kind = kind,
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            WebhookUrl = url,
            Title = s.Text("title", $"{{{{ template \"{kind}.default.title\" . }}}}"),
            Text = s.Text("text", $"{{{{ template \"{kind}.default.text\" . }}}}"),
        };
    }
}
