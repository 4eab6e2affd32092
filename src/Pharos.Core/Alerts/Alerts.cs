namespace Pharos.Core;

/// <summary>An alert as a rule sends it and a router takes it. <see cref="EndsAt"/> null means: for the router's resolve time-out.</summary>
public sealed record Alert
{
    /// <summary>Identity of the alert, <c>alertname</c> among them.</summary>
    public required Labels Labels { get; init; }
    public Labels Annotations { get; init; } = Labels.Empty;
    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
    public string GeneratorUrl { get; init; } = "";
}

/// <summary>Takes alerts: the router in this process, or a remote one over API v2.</summary>
public interface IAlertSink
{
    /// <exception cref="AlertSendException">No receiver took the alerts.</exception>
    ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel);

    /// <summary>Where a tenant's alerts go, for the journal; null: to the router in this process.</summary>
    string? Elsewhere(TenantId tenant) => null;
}

/// <summary>Alerts could not be handed over.</summary>
public sealed class AlertSendException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What happened to an alert. The journal of these answers "why was I (not) paged?".</summary>
public enum AlertStep
{
    Evaluated,
    Pending,
    Firing,
    Resolved,
    Sent,
    Received,
    Routed,
    Grouped,
    Inhibited,
    Silenced,
    Muted,
    Deduplicated,
    Notified,
    NotifyFailed,
}

/// <param name="Alert">The alert's labels; for a notification, one event per alert in it.</param>
/// <param name="Because">The reason in a plain sentence: rule value against threshold, route path, silence id, inhibiting alert.</param>
/// <param name="Detail">Further facts by name, for example <c>rule_group</c>, <c>receiver</c>, <c>group_key</c>, <c>value</c>.</param>
public sealed record AlertEvent(
    TenantId Tenant, DateTimeOffset At, AlertStep Step, Labels Alert, string Because, IReadOnlyDictionary<string, string> Detail);

/// <summary>Remembers what happened to alerts, bounded in size.</summary>
public interface IAlertJournal
{
    void Record(AlertEvent happened);

    /// <summary>Newest last. Null labels: all alerts of the tenant.</summary>
    IReadOnlyList<AlertEvent> Read(TenantId tenant, Labels? alert, int limit);
}
