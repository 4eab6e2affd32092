using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>Every kind of integration: its key in a receiver, and how it is read.</summary>
internal static class IntegrationKinds
{
    public static IReadOnlyList<(string Key, Func<YamlSection, GlobalConfig, IntegrationConfig> Read)> All { get; } =
    [
        ("webhook_configs", WebhookConfig.Read),
        ("email_configs", EmailConfig.Read),
        ("pagerduty_configs", PagerDutyConfig.Read),
        ("opsgenie_configs", OpsgenieConfig.Read),
        ("wechat_configs", WeChatConfig.Read),
        ("slack_configs", SlackConfig.Read),
        ("victorops_configs", VictorOpsConfig.Read),
        ("pushover_configs", PushoverConfig.Read),
        ("sns_configs", SnsConfig.Read),
        ("telegram_configs", TelegramConfig.Read),
        ("discord_configs", DiscordConfig.Read),
        ("webex_configs", WebexConfig.Read),
        ("msteams_configs", MsTeamsConfig.ReadConnector),
        ("msteamsv2_configs", MsTeamsConfig.ReadWorkflow),
        ("jira_configs", JiraConfig.Read),
        ("rocketchat_configs", RocketChatConfig.Read),
        ("incidentio_configs", IncidentIoConfig.Read),
        ("mattermost_configs", MattermostConfig.Read),
    ];
}
