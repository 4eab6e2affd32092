using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>One notification as it was sent, or as it failed.</summary>
/// <param name="Reason">Why it was sent: "first notification", "new alerts added" …</param>
/// <param name="Error">Null where it was delivered.</param>
/// <param name="Body">The request's body (a mail: the whole message), cut to <see cref="NotificationHistory.BodyCharsMax"/>; secrets are left out.</param>
public sealed record SentNotification(
    DateTimeOffset At, TenantId Tenant, string Receiver, string Integration, int Index, string GroupKey, string Status,
    IReadOnlyList<Labels> Alerts, bool Delivered, string? Error, string Reason, int Attempts, string Body);

/// <summary>The newest notifications of each tenant. Safe for several threads.</summary>
public sealed class NotificationHistory(int perTenantMax = 500)
{
    public const int BodyCharsMax = 32 * 1024;

    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, Queue<SentNotification>> sent = [];

    /// <summary>Raised after a notification was added, on the sending thread; handlers must be quick.</summary>
    public event Action<SentNotification>? Added;

    public void Add(SentNotification notification)
    {
        if (notification.Body.Length > BodyCharsMax) notification = notification with { Body = notification.Body[..BodyCharsMax] };
        lock (gate)
        {
            if (!sent.TryGetValue(notification.Tenant, out var queue)) sent[notification.Tenant] = queue = new Queue<SentNotification>();
            queue.Enqueue(notification);
            if (queue.Count > perTenantMax) queue.Dequeue();
        }
        Added?.Invoke(notification);
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<SentNotification> Read(TenantId tenant, int limit)
    {
        lock (gate)
        {
            if (!sent.TryGetValue(tenant, out var queue)) return [];
            return [.. queue.Reverse().Take(Math.Max(0, limit))];
        }
    }
}
