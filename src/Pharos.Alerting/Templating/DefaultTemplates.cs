namespace Pharos.Alerting;

/// <summary>
/// The built-in templates. Names and the form of what they print follow Alertmanager's, since users' templates build on them;
/// a user's definition of the same name takes the place of one here.
/// </summary>
internal static class DefaultTemplates
{
    public const string Text = """
        {{- define "__alertmanager" }}Alertmanager{{ end -}}
        {{- define "__alertmanagerURL" }}{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}{{ end -}}

        {{- define "__subject" -}}
        [{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] {{ join " " .GroupLabels.SortedPairs.Values }}
        {{- $rest := .CommonLabels.Remove .GroupLabels.Names }} {{ if $rest }}({{ join " " $rest.Values }}){{ end }}
        {{- end -}}

        {{- define "__description" }}{{ end -}}

        {{- define "__text_alert_list" }}{{ range . }}Labels:
        {{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
        {{ end }}Annotations:
        {{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
        {{ end }}Source: {{ .GeneratorURL }}
        {{ end }}{{ end -}}

        {{- define "__text_alert_list_markdown" }}{{ range . }}
        Labels:
        {{ range .Labels.SortedPairs }}  - {{ .Name }} = {{ .Value }}
        {{ end }}
        Annotations:
        {{ range .Annotations.SortedPairs }}  - {{ .Name }} = {{ .Value }}
        {{ end }}
        Source: {{ .GeneratorURL }}
        {{ end }}
        {{ end -}}

        {{- define "__sections" }}{{ if .Alerts.Firing }}Alerts Firing:
        {{ template "__text_alert_list" .Alerts.Firing }}{{ end }}
        {{ if .Alerts.Resolved }}Alerts Resolved:
        {{ template "__text_alert_list" .Alerts.Resolved }}{{ end }}{{ end -}}

        {{- define "__loose_sections" }}
        {{ if .Alerts.Firing }}
        Alerts Firing:
        {{ template "__text_alert_list" .Alerts.Firing }}
        {{ end }}
        {{ if .Alerts.Resolved }}
        Alerts Resolved:
        {{ template "__text_alert_list" .Alerts.Resolved }}
        {{ end }}
        {{ end -}}

        {{- define "__markdown_sections" }}
        {{ if .Alerts.Firing }}
        # Alerts Firing:
        {{ template "__text_alert_list_markdown" .Alerts.Firing }}
        {{ end }}
        {{ if .Alerts.Resolved }}
        # Alerts Resolved:
        {{ template "__text_alert_list_markdown" .Alerts.Resolved }}
        {{ end }}
        {{ end -}}

        {{- define "__summaries" }}{{ join " " .CommonAnnotations.SortedPairs.Values }}{{ end -}}

        {{- define "slack.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end -}}
        {{- define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end -}}
        {{- define "slack.default.callbackid" }}{{ end -}}
        {{- define "slack.default.pretext" }}{{ end -}}
        {{- define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "slack.default.iconemoji" }}{{ end -}}
        {{- define "slack.default.iconurl" }}{{ end -}}
        {{- define "slack.default.text" }}{{ end -}}
        {{- define "slack.default.footer" }}{{ end -}}
        {{- define "slack.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end -}}

        {{- define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end -}}
        {{- define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end -}}
        {{- define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end -}}

        {{- define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end -}}
        {{- define "opsgenie.default.description" }}{{ template "__summaries" . }}
        {{ template "__sections" . }}{{ end -}}
        {{- define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end -}}

        {{- define "wechat.default.message" }}{{ template "__subject" . }}
        {{ template "__summaries" . }}
        {{ template "__sections" . }}
        AlertmanagerUrl:
        {{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "wechat.default.to_user" }}{{ end -}}
        {{- define "wechat.default.to_party" }}{{ end -}}
        {{- define "wechat.default.to_tag" }}{{ end -}}
        {{- define "wechat.default.agent_id" }}{{ end -}}

        {{- define "victorops.default.state_message" }}{{ template "__summaries" . }}
        {{ template "__sections" . }}{{ end -}}
        {{- define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end -}}
        {{- define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end -}}

        {{- define "pushover.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "pushover.default.message" }}{{ template "__summaries" . }}{{ template "__loose_sections" . }}{{ end -}}
        {{- define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end -}}

        {{- define "sns.default.subject" }}{{ template "__subject" . }}{{ end -}}
        {{- define "sns.default.message" }}{{ template "__summaries" . }}{{ template "__loose_sections" . }}{{ end -}}

        {{- define "telegram.default.message" }}{{ template "__loose_sections" . }}{{ end -}}

        {{- define "discord.default.content" }}{{ end -}}
        {{- define "discord.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "discord.default.message" }}{{ template "__loose_sections" . }}{{ end -}}

        {{- define "webex.default.message" }}{{ template "__summaries" . }}{{ template "__loose_sections" . }}{{ end -}}

        {{- define "msteams.default.summary" }}{{ template "__subject" . }}{{ end -}}
        {{- define "msteams.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "msteams.default.text" }}{{ template "__markdown_sections" . }}{{ end -}}
        {{- define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "msteamsv2.default.text" }}{{ template "__markdown_sections" . }}{{ end -}}

        {{- define "jira.default.summary" }}{{ template "__subject" . }}{{ end -}}
        {{- define "jira.default.description" }}{{ template "__markdown_sections" . }}{{ end -}}
        {{- define "jira.default.priority" }}{{ $s := .CommonLabels.severity }}
        {{- if eq $s "critical" }}High{{ else if eq $s "warning" }}Medium{{ else if eq $s "info" }}Low{{ end }}{{ end -}}

        {{- define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end -}}
        {{- define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "rocketchat.default.emoji" }}{{ end -}}
        {{- define "rocketchat.default.iconurl" }}{{ end -}}
        {{- define "rocketchat.default.text" }}{{ end -}}

        {{- define "mattermost.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end -}}
        {{- define "mattermost.default.username" }}{{ template "__alertmanager" . }}{{ end -}}
        {{- define "mattermost.default.title" }}{{ template "__subject" . }}{{ end -}}
        {{- define "mattermost.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "mattermost.default.fallback" }}{{ template "__subject" . }} | {{ template "__alertmanagerURL" . }}{{ end -}}
        {{- define "mattermost.default.text" }}{{ template "__markdown_sections" . }}{{ end -}}

        """;

    public const string Email = """
        {{- define "email.default.subject" }}{{ template "__subject" . }}{{ end -}}
        {{- define "__email_alert" }}
        <tr><td style="padding:12px 20px;border-top:1px solid #e3e6ea">
        <strong>Labels</strong><br>
        {{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br>
        {{ end }}{{ if .Annotations }}<strong>Annotations</strong><br>
        {{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br>
        {{ end }}{{ end }}<a href="{{ .GeneratorURL }}" style="color:#2d6cdf">Source</a>
        </td></tr>
        {{- end -}}
        {{- define "email.default.html" -}}
        <!DOCTYPE html>
        <html lang="en">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ template "__subject" . }}</title></head>
        <body style="margin:0;padding:20px;background:#f4f5f7;color:#1d2129;font-family:Helvetica,Arial,sans-serif;font-size:14px;line-height:1.5">
        <table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;border:1px solid #e3e6ea">
        <tr><td style="padding:16px 20px;color:#ffffff;background:{{ if eq .Status "firing" }}#c8372d{{ else }}#3d8b40{{ end }}">
        <strong>{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</strong>
        </td></tr>
        <tr><td style="padding:12px 20px"><a href="{{ template "__alertmanagerURL" . }}" style="color:#2d6cdf">View in {{ template "__alertmanager" . }}</a></td></tr>
        {{ if .Alerts.Firing }}<tr><td style="padding:12px 20px"><strong>[{{ len .Alerts.Firing }}] Firing</strong></td></tr>
        {{ range .Alerts.Firing }}{{ template "__email_alert" . }}{{ end }}{{ end }}
        {{ if .Alerts.Resolved }}<tr><td style="padding:12px 20px"><strong>[{{ len .Alerts.Resolved }}] Resolved</strong></td></tr>
        {{ range .Alerts.Resolved }}{{ template "__email_alert" . }}{{ end }}{{ end }}
        <tr><td style="padding:12px 20px;border-top:1px solid #e3e6ea;color:#6b7280"><a href="{{ .ExternalURL }}" style="color:#6b7280">Sent by {{ template "__alertmanager" . }}</a></td></tr>
        </table>
        </body>
        </html>
        {{- end -}}
        """;
}
