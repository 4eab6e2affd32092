using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>The router's own metrics, by Alertmanager's names. Counts of all tenants together.</summary>
internal sealed class RouterMetrics(Instruments instruments)
{
    public Counter Received { get; } = instruments.Counter("alertmanager_alerts_received_total", "The total number of received alerts.", "status", "version");
    public Counter Invalid { get; } = instruments.Counter("alertmanager_alerts_invalid_total", "The total number of received alerts that were invalid.", "version");
    public Counter Limited { get; } = instruments.Counter("alertmanager_alerts_limited_total", "Alerts refused because of a limit.");
    public Gauge Alerts { get; } = instruments.Gauge("alertmanager_alerts", "How many alerts by state.", "state");
    public Gauge Silences { get; } = instruments.Gauge("alertmanager_silences", "How many silences by state.", "state");
    public Gauge Groups { get; } = instruments.Gauge("alertmanager_dispatcher_aggregation_groups", "Number of active aggregation groups.");
    public Counter GroupLimit { get; } = instruments.Counter("alertmanager_dispatcher_aggregation_group_limit_reached_total", "Number of times when dispatcher failed to create new aggregation group due to limit.");
    public HistogramInstrument Processing { get; } = instruments.Histogram(
        "alertmanager_dispatcher_alert_processing_duration_seconds", "Processing latency of alerts in seconds.", HistogramInstrument.DefaultBounds);
    public Gauge Receivers { get; } = instruments.Gauge("alertmanager_receivers", "Number of configured receivers.");
    public Gauge Integrations { get; } = instruments.Gauge("alertmanager_integrations", "Number of configured integrations.");
    public Gauge InhibitionRules { get; } = instruments.Gauge("alertmanager_inhibition_rules", "Number of configured inhibition rules.");
    public Gauge ConfigHash { get; } = instruments.Gauge("alertmanager_config_hash", "Hash of the currently loaded alertmanager configuration.");
    public Gauge ReloadOk { get; } = instruments.Gauge("alertmanager_config_last_reload_successful", "Whether the last configuration reload attempt was successful.");
    public Gauge ReloadAt { get; } = instruments.Gauge("alertmanager_config_last_reload_success_timestamp_seconds", "Timestamp of the last successful configuration reload.");
    public Counter Notifications { get; } = instruments.Counter("alertmanager_notifications_total", "The total number of attempted notifications.", "integration");
    public Counter NotificationsFailed { get; } = instruments.Counter("alertmanager_notifications_failed_total", "The total number of failed notifications.", "integration", "reason");
    public Counter Requests { get; } = instruments.Counter("alertmanager_notification_requests_total", "The total number of attempted notification requests.", "integration");
    public Counter RequestsFailed { get; } = instruments.Counter("alertmanager_notification_requests_failed_total", "The total number of failed notification requests.", "integration");
    public Counter RateLimited { get; } = instruments.Counter("alertmanager_notification_rate_limited_total", "Number of rate-limited notifications per integration.", "user", "integration");
    public HistogramInstrument Latency { get; } = instruments.Histogram(
        "alertmanager_notification_latency_seconds", "The latency of notifications in seconds.", [1, 5, 10, 15, 20], "integration");
    public Counter Suppressed { get; } = instruments.Counter("alertmanager_notifications_suppressed_total", "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.", "reason");
    public Counter LogQueries { get; } = instruments.Counter("alertmanager_nflog_queries_total", "Number of notification log queries were received.");
    public Counter LogMaintenance { get; } = instruments.Counter("alertmanager_nflog_maintenance_total", "How many maintenances were executed for the notification log.");
    public Counter SilenceMaintenance { get; } = instruments.Counter("alertmanager_silences_maintenance_total", "How many maintenances were executed for silences.");
    public Counter SilenceQueries { get; } = instruments.Counter("alertmanager_silences_queries_total", "How many silence queries were received.");
    public Gauge ClusterEnabled { get; } = instruments.Gauge("alertmanager_cluster_enabled", "Indicates whether the clustering is enabled or not.");

    /// <summary>The label value of a failure's reason.</summary>
    public static string Text(FailureReason reason) => reason switch
    {
        FailureReason.ClientError => "clientError",
        FailureReason.ServerError => "serverError",
        FailureReason.AuthError => "authError",
        FailureReason.RateLimited => "rateLimited",
        FailureReason.ContextCanceled => "contextCanceled",
        FailureReason.ContextDeadlineExceeded => "contextDeadlineExceeded",
        _ => "other",
    };

    /// <summary>Makes the series of an integration's kind exist before its first notification.</summary>
    public void Introduce(string kind)
    {
        Notifications.With(kind);
        Requests.With(kind);
        RequestsFailed.With(kind);
        foreach (var reason in Enum.GetValues<FailureReason>()) NotificationsFailed.With(kind, Text(reason));
    }
}
