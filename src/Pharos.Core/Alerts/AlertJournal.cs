namespace Pharos.Core;

/// <summary>A journal in memory that keeps the newest events of each tenant. Safe for several threads.</summary>
public sealed class AlertJournal(int eventsPerTenantMax = 20_000) : IAlertJournal
{
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, Queue<AlertEvent>> events = [];

    /// <summary>Raised after an event was recorded, on the recording thread; handlers must be quick.</summary>
    public event Action<AlertEvent>? Recorded;

    public void Record(AlertEvent happened)
    {
        lock (gate)
        {
            if (!events.TryGetValue(happened.Tenant, out var queue)) events[happened.Tenant] = queue = new Queue<AlertEvent>();
            queue.Enqueue(happened);
            if (queue.Count > eventsPerTenantMax) queue.Dequeue();
        }
        Recorded?.Invoke(happened);
    }

    public IReadOnlyList<AlertEvent> Read(TenantId tenant, Labels? alert, int limit)
    {
        lock (gate)
        {
            if (!events.TryGetValue(tenant, out var queue)) return [];
            var wanted = alert is null ? queue.ToList() : queue.Where(e => e.Alert.Equals(alert)).ToList();
            return limit > 0 && wanted.Count > limit ? wanted[^limit..] : wanted;
        }
    }
}
