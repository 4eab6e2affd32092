using System.Text;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>
/// Finds the firing alert that inhibits another. Keeps, for each rule, the alerts that match its source side by the values of its
/// <c>equal</c> labels. Its owner locks.
/// </summary>
internal sealed class Inhibitor(IReadOnlyList<InhibitRule> rules)
{
    private readonly Dictionary<string, Dictionary<Labels, StoredAlert>>[] sources =
        [.. rules.Select(_ => new Dictionary<string, Dictionary<Labels, StoredAlert>>(StringComparer.Ordinal))];

    public void Put(StoredAlert alert)
    {
        for (int i = 0; i < sources.Length; i++)
        {
            if (!Matcher.All(rules[i].Source, alert.Labels)) continue;
            string key = EqualKey(rules[i], alert.Labels);
            if (!sources[i].TryGetValue(key, out var alerts)) sources[i][key] = alerts = [];
            alerts[alert.Labels] = alert;
        }
    }

    public void Remove(Labels alert)
    {
        for (int i = 0; i < sources.Length; i++)
        {
            string key = EqualKey(rules[i], alert);
            if (sources[i].TryGetValue(key, out var alerts) && alerts.Remove(alert) && alerts.Count == 0) sources[i].Remove(key);
        }
    }

    /// <summary>The alert that inhibits, and by which rule (from 0); null where none does.</summary>
    public (StoredAlert Source, int Rule)? Find(Labels target, DateTimeOffset now)
    {
        for (int i = 0; i < sources.Length; i++)
        {
            if (!Matcher.All(rules[i].Target, target)) continue;
            if (!sources[i].TryGetValue(EqualKey(rules[i], target), out var alerts)) continue;
            // An alert on both sides is not muted by another that is on both sides.
            bool bothSides = Matcher.All(rules[i].Source, target);
            foreach (var source in alerts.Values)
            {
                if (source.IsResolvedAt(now) || (bothSides && Matcher.All(rules[i].Target, source.Labels))) continue;
                return (source, i);
            }
        }
        return null;
    }

    private static string EqualKey(InhibitRule rule, Labels labels)
    {
        if (rule.Equal.Count == 0) return "";
        var key = new StringBuilder();
        foreach (string name in rule.Equal) key.Append(labels[name]).Append('\u0001');
        return key.ToString();
    }
}
