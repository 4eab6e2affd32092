using System.Text.RegularExpressions;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>opsgenie_configs</c>.</summary>
internal sealed partial record OpsgenieConfig : IntegrationConfig
{
    public SecretSource? ApiKey { get; init; }
    public string ApiUrl { get; init; } = "";
    public string Message { get; init; } = "";
    public string Description { get; init; } = "";
    public string Source { get; init; } = "";
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
    public string Entity { get; init; } = "";
    public IReadOnlyList<OpsgenieResponder> Responders { get; init; } = [];
    public string Actions { get; init; } = "";
    public string Tags { get; init; } = "";
    public string Note { get; init; } = "";
    public string Priority { get; init; } = "";
    public bool UpdateAlerts { get; init; }

    public static OpsgenieConfig Read(YamlSection s, GlobalConfig global)
    {
        var key = s.Secret("api_key") ?? global.OpsgenieApiKey;
        if (key is null) s.ErrorHere("no global OpsGenie API Key set either inline or in a file", "set api_key here or opsgenie_api_key in global");
        return new OpsgenieConfig
        {
            Kind = "opsgenie",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            ApiKey = key,
            ApiUrl = GlobalConfig.Slash(s.UrlOrNull("api_url") ?? global.OpsgenieApiUrl),
            Message = s.Text("message", "{{ template \"opsgenie.default.message\" . }}"),
            Description = s.Text("description", "{{ template \"opsgenie.default.description\" . }}"),
            Source = s.Text("source", "{{ template \"opsgenie.default.source\" . }}"),
            Details = s.TextMap("details"),
            Entity = s.Text("entity"),
            Responders = [.. s.Sections("responders").Select(Responder)],
            Actions = s.Text("actions"),
            Tags = s.Text("tags"),
            Note = s.Text("note"),
            Priority = s.Text("priority"),
            UpdateAlerts = s.Bool("update_alerts", false),
        };
    }

    public override INotifier Create(NotifierTools tools) => new OpsgenieNotifier(this, tools);

    private static OpsgenieResponder Responder(YamlSection s)
    {
        var r = new OpsgenieResponder(s.Text("id"), s.Text("name"), s.Text("username"), s.Text("type"));
        if (r.Id.Length == 0 && r.Name.Length == 0 && r.Username.Length == 0) s.ErrorHere("an OpsGenie responder has to have at least one of id, username or name specified");
        if (!r.Type.Contains("{{", StringComparison.Ordinal) && !Types().IsMatch(r.Type))
            s.Error("type", $"OpsGenie responder type {r.Type} is not valid", "use team, teams, user, escalation or schedule");
        s.Done();
        return r;
    }

    [GeneratedRegex(@"\A(team|teams|user|escalation|schedule)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Types();
}

/// <summary>Who is to respond; all fields are templates.</summary>
internal sealed record OpsgenieResponder(string Id, string Name, string Username, string Type);
