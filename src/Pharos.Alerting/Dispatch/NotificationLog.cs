using System.Security.Cryptography;
using System.Text;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Alerting;

/// <summary>What an integration was last told about a group.</summary>
/// <param name="Firing">Fingerprints of the alerts that were firing then.</param>
/// <param name="State">What the integration remembers.</param>
internal sealed record LogEntry(
    string GroupKey, string Receiver, string Integration, int Index, DateTimeOffset At, DateTimeOffset ExpiresAt,
    IReadOnlySet<ulong> Firing, IReadOnlySet<ulong> Resolved, IReadOnlyDictionary<string, string> State);

/// <summary>Remembers what was sent, so that a restart does not page twice. Written through to the catalogue. Its owner locks.</summary>
internal sealed class NotificationLog
{
    public const string Collection = "notification-log";

    private readonly Dictionary<string, LogEntry> entries = new(StringComparer.Ordinal);
    private readonly ICatalogue catalogue;
    private readonly string tenant;

    public NotificationLog(ICatalogue catalogue, string tenant)
    {
        this.catalogue = catalogue;
        this.tenant = tenant;
        foreach (var document in catalogue.List(tenant, Collection))
        {
            if (StateJson.ReadLogEntry(document.Content) is { } entry) entries[document.Key] = entry;
        }
    }

    public int Count => entries.Count;
    public IEnumerable<LogEntry> All => entries.Values;

    /// <summary>The key of an entry; the catalogue's keys are bounded, group keys are not.</summary>
    public static string Key(string groupKey, string receiver, string integration, int index) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{groupKey}\n{receiver}/{integration}/{index}")));

    public LogEntry? Find(string key, DateTimeOffset now) => entries.TryGetValue(key, out var entry) && entry.ExpiresAt > now ? entry : null;

    public void Write(string key, LogEntry entry)
    {
        catalogue.Put(tenant, Collection, key, StateJson.Write(entry));
        entries[key] = entry;
    }

    public int Collect(DateTimeOffset now)
    {
        var old = entries.Where(e => e.Value.ExpiresAt <= now).Select(e => e.Key).ToList();
        foreach (string key in old)
        {
            entries.Remove(key);
            catalogue.Delete(tenant, Collection, key);
        }
        return old.Count;
    }
}

/// <summary>Whether a flush is to be sent, and why.</summary>
internal readonly record struct DedupVerdict(bool Send, string Reason)
{
    /// <summary>Alertmanager's rules; the first that holds decides.</summary>
    public static DedupVerdict Of(LogEntry? last, IReadOnlySet<ulong> firing, IReadOnlySet<ulong> resolved, bool sendResolved, TimeSpan repeat, DateTimeOffset now)
    {
        if (last is null)
            return firing.Count > 0 ? new(true, "first notification") : new(false, "the alerts ended before anyone was told that they were firing");
        if (!firing.IsSubsetOf(last.Firing)) return new(true, last.Firing.Count == 0 ? "first notification" : "new alerts added");
        if (firing.Count == 0)
            return last.Firing.Count > 0 ? new(true, "all alerts resolved") : new(false, "the receiver was already told that all alerts are resolved");
        if (sendResolved && !resolved.IsSubsetOf(last.Resolved)) return new(true, "some alerts resolved");
        if (last.At < now - repeat) return new(true, "repeat interval elapsed");
        return new(false, $"the receiver was told at {last.At:yyyy-MM-dd HH:mm:ss}Z and nothing changed since; it is told again after {PromDuration.Format(repeat)}");
    }
}
