using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>victorops_configs</c>.</summary>
internal sealed record VictorOpsConfig : IntegrationConfig
{
    private static readonly string[] Reserved = ["routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id", "entity_state"];

    public SecretSource? ApiKey { get; init; }
    public string ApiUrl { get; init; } = "";
    public string RoutingKey { get; init; } = "";
    public string MessageType { get; init; } = "";
    public string StateMessage { get; init; } = "";
    public string EntityDisplayName { get; init; } = "";
    public string MonitoringTool { get; init; } = "";
    public IReadOnlyDictionary<string, string> CustomFields { get; init; } = new Dictionary<string, string>();

    public static VictorOpsConfig Read(YamlSection s, GlobalConfig global)
    {
        var key = s.Secret("api_key") ?? global.VictoropsApiKey;
        if (key is null) s.ErrorHere("no global VictorOps API Key set", "set api_key here or victorops_api_key in global");
        string routing = s.Text("routing_key");
        if (routing.Length == 0) s.ErrorHere("missing Routing key in VictorOps config");
        var fields = s.TextMap("custom_fields");
        foreach (string name in fields.Keys.Where(Reserved.Contains)) s.Error("custom_fields", $"VictorOps config contains custom field {name} which cannot be used as it conflicts with the fixed/static fields");
        return new VictorOpsConfig
        {
            Kind = "victorops",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            ApiKey = key,
            ApiUrl = GlobalConfig.Slash(s.UrlOrNull("api_url") ?? global.VictoropsApiUrl),
            RoutingKey = routing,
            MessageType = s.Text("message_type", "CRITICAL"),
            StateMessage = s.Text("state_message", "{{ template \"victorops.default.state_message\" . }}"),
            EntityDisplayName = s.Text("entity_display_name", "{{ template \"victorops.default.entity_display_name\" . }}"),
            MonitoringTool = s.Text("monitoring_tool", "{{ template \"victorops.default.monitoring_tool\" . }}"),
            CustomFields = fields,
        };
    }

    public override INotifier Create(NotifierTools tools) => new VictorOpsNotifier(this, tools);
}

/// <summary>Posts to Splunk On-Call's generic REST endpoint.</summary>
internal sealed class VictorOpsNotifier(VictorOpsConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string type = render.Text(config.MessageType);
        if (type is not ("INFO" or "WARNING" or "CRITICAL")) type = "CRITICAL";
        if (!n.IsFiring) type = "RECOVERY";
        var body = Json.Object(
            ("message_type", type), ("entity_id", n.GroupHash), ("entity_display_name", render.Text(config.EntityDisplayName)),
            ("state_message", Limits.Runes(render.Text(config.StateMessage), 20480)), ("monitoring_tool", render.Text(config.MonitoringTool)));
        foreach (var (name, value) in config.CustomFields) body[name] = render.Text(value);
        string url = $"{config.ApiUrl}{(await config.ApiKey!.ReadAsync(cancel)).Trim()}/{Uri.EscapeDataString(render.Text(config.RoutingKey))}";
        return (await http.PostJsonAsync(n, url, body, cancel)).ToResult();
    }
}
