using Pharos.Yaml;


namespace Pharos.Alerting;

/// <summary><c>jira_configs</c>.</summary>
internal sealed record JiraConfig : IntegrationConfig
{
    public string ApiUrl { get; init; } = "";

    /// <summary>Cloud has another search address than Data Center.</summary>
    public bool Cloud { get; init; }
    public string Project { get; init; } = "";
    public string IssueType { get; init; } = "";
    public string Summary { get; init; } = "";
    public bool UpdateSummary { get; init; } = true;
    public string Description { get; init; } = "";
    public bool UpdateDescription { get; init; } = true;
    public IReadOnlyList<string> Labels { get; init; } = [];
    public string Priority { get; init; } = "";
    public YamlNode? Fields { get; init; }
    public string ReopenTransition { get; init; } = "";
    public string ResolveTransition { get; init; } = "";
    public string WontFixResolution { get; init; } = "";
    public TimeSpan ReopenDuration { get; init; }

    public static JiraConfig Read(YamlSection s, GlobalConfig global)
    {
        string? url = s.UrlOrNull("api_url") ?? global.JiraApiUrl;
        if (url is null) s.ErrorHere("no global Jira Cloud URL set");
        string project = s.Text("project"), type = s.Text("issue_type");
        if (project.Length == 0) s.ErrorHere("missing project in jira_config");
        if (type.Length == 0) s.ErrorHere("missing issue_type in jira_config");
        string api = s.Text("api_type", "auto");
        if (api is not ("auto" or "cloud" or "datacenter")) s.Error("api_type", "unknown api_type on jira_config, must be cloud, datacenter or auto");
        var (summary, updateSummary) = Field(s, "summary", "{{ template \"jira.default.summary\" . }}");
        var (description, updateDescription) = Field(s, "description", "{{ template \"jira.default.description\" . }}");
        return new JiraConfig
        {
            Kind = "jira",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            ApiUrl = (url ?? "").TrimEnd('/'),
            Cloud = api == "cloud" || (api == "auto" && Uri.TryCreate(url, UriKind.Absolute, out var u) && u.Host.EndsWith("atlassian.net", StringComparison.OrdinalIgnoreCase)),
            Project = project,
            IssueType = type,
            Summary = summary,
            UpdateSummary = updateSummary,
            Description = description,
            UpdateDescription = updateDescription,
            Labels = s.Texts("labels"),
            Priority = s.Text("priority", "{{ template \"jira.default.priority\" . }}"),
            Fields = s.Section("fields")?.Node,
            ReopenTransition = s.Text("reopen_transition"),
            ResolveTransition = s.Text("resolve_transition"),
            WontFixResolution = s.Text("wont_fix_resolution"),
            ReopenDuration = s.Duration("reopen_duration", TimeSpan.Zero),
        };
    }

    public override INotifier Create(NotifierTools tools) => new JiraNotifier(this, tools);

    /// <summary>A template alone, or with whether later notifications change the issue.</summary>
    private static (string, bool) Field(YamlSection s, string key, string otherwise)
    {
        if (s.Value(key) is not { Kind: YamlKind.Mapping }) return (s.Text(key, otherwise), true);
        var section = s.Section(key)!;
        var field = (section.Text("template", otherwise), section.Bool("enable_update", true));
        section.Done();
        return field;
    }
}
