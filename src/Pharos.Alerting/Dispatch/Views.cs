using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>An alert with what becomes of it now.</summary>
/// <param name="Receivers">Names of the receivers that its routes lead to, in order.</param>
/// <param name="MutedBy">Time intervals that mute its group; only in listings of groups.</param>
public sealed record AlertView(
    StoredAlert Alert, IReadOnlyList<string> Receivers, IReadOnlyList<string> SilencedBy, IReadOnlyList<string> InhibitedBy, IReadOnlyList<string> MutedBy)
{
    /// <summary>active or suppressed.</summary>
    public string State => SilencedBy.Count + InhibitedBy.Count + MutedBy.Count > 0 ? "suppressed" : "active";
}

/// <summary>A group of alerts.</summary>
/// <param name="RouteLabels">The route's labels, rendered.</param>
public sealed record GroupView(
    RouteNode Route, Labels Labels, string Key, IReadOnlyList<string> MutedBy, IReadOnlyDictionary<string, string> RouteLabels, IReadOnlyList<AlertView> Alerts);

/// <summary>Numbers for the metrics.</summary>
internal sealed class TenantCounts
{
    public int Active { get; set; }
    public int Suppressed { get; set; }
    public int[] Silences { get; } = new int[3];
    public int Groups { get; set; }
    public int Receivers { get; set; }
    public int Integrations { get; set; }
    public int InhibitRules { get; set; }
}

/// <summary>Alertmanager's orders of label sets.</summary>
internal static class LabelOrder
{
    /// <summary>Fewer labels first, then label by label. Source: prometheus/common LabelSet.Before.</summary>
    public static IComparer<Labels> LabelSets { get; } = Comparer<Labels>.Create(static (a, b) =>
    {
        int order = a.Count.CompareTo(b.Count);
        return order != 0 ? order : a.CompareTo(b);
    });

    /// <summary>By job, then instance, then as above: the order of alerts within a notification.</summary>
    public static IComparer<Labels> Notified { get; } = Comparer<Labels>.Create(static (a, b) =>
    {
        foreach (string name in (string[])["job", "instance"])
        {
            bool hasA = a.TryGetValue(name, out string? x), hasB = b.TryGetValue(name, out string? y);
            if (!hasA && !hasB) continue;
            if (hasA != hasB) return hasA ? -1 : 1;
            int order = string.CompareOrdinal(x, y);
            if (order != 0) return order;
        }
        return LabelSets.Compare(a, b);
    });
}
