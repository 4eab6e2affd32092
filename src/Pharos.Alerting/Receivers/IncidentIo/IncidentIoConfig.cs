using System.Text;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>incidentio_configs</c>.</summary>
internal sealed record IncidentIoConfig : IntegrationConfig
{
    public SecretSource? Url { get; init; }
    public SecretSource? Token { get; init; }
    public int AlertsMax { get; init; }
    public TimeSpan Timeout { get; init; }

    public static IncidentIoConfig Read(YamlSection s, GlobalConfig global)
    {
        var http = s.Http(global);
        var url = s.SecretUrl("url");
        var token = s.Secret("alert_source_token");
        if (url is null) s.ErrorHere("one of url or url_file must be configured");
        if (token is null && !http.HasAuthorization) s.WarnHere("without a token incident.io will refuse notifications: at least one of alert_source_token, alert_source_token_file or http_config.authorization should be configured");
        if (token is not null && http.HasAuthorization) s.ErrorHere("cannot specify alert_source_token or alert_source_token_file when using http_config.authorization");
        return new IncidentIoConfig
        {
            Kind = "incidentio",
            SendResolved = s.Bool("send_resolved", true),
            Http = http,
            Url = url,
            Token = token,
            AlertsMax = s.Count("max_alerts", 0),
            Timeout = s.Duration("timeout", TimeSpan.Zero),
        };
    }

    public override INotifier Create(NotifierTools tools) => new IncidentIoNotifier(this, tools);
}

/// <summary>Posts the webhook body to an alert source of incident.io.</summary>
internal sealed class IncidentIoNotifier(IncidentIoConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int BodyBytesMax = 512 * 1024;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var body = WebhookBody.Write(n, render, config.AlertsMax, "1");
        if (Encoding.UTF8.GetByteCount(Json.Write(body)) > BodyBytesMax) body = WebhookBody.Write(n, render, 1, "1");
        (string, string)[] headers = config.Token is null ? [] : [("Authorization", $"Bearer {await config.Token.ReadAsync(cancel)}")];
        string url = (await config.Url!.ReadAsync(cancel)).Trim();
        using var bound = Deadline.Within(config.Timeout, Tools.Time, cancel);
        try
        {
            return (await http.PostJsonAsync(n, url, body, bound.Token, headers)).ToResult(429);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Deadline.Missed(config.Timeout);
        }
    }
}
