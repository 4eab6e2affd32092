using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Alerts of one route with the same group labels, flushed together. Its owner locks.</summary>
internal sealed class AlertGroup(RouteNode route, Labels labels)
{
    private readonly Dictionary<(Labels Alert, AlertStep Step, string Of), string> said = [];

    public RouteNode Route { get; } = route;
    public Labels Labels { get; } = labels;
    public string Key { get; } = route.GroupKey(labels);
    public Dictionary<Labels, StoredAlert> Alerts { get; } = [];
    public ITimer? Timer { get; set; }

    /// <summary>After the first flush the group waits for its interval, whatever comes.</summary>
    public bool HasFlushed { get; set; }

    public bool IsFlushing { get; set; }

    /// <summary>The timer fired while a flush was under way.</summary>
    public bool IsDueAgain { get; set; }

    /// <summary>Taken away, or its configuration was replaced.</summary>
    public bool IsGone { get; set; }

    /// <summary>Time intervals that kept the last flush from being sent.</summary>
    public IReadOnlyList<string> MutedBy { get; set; } = [];

    /// <summary>Whether a sentence is news: false where the same was said of the alert before.</summary>
    public bool IsNews(Labels alert, AlertStep step, string of, string because)
    {
        if (said.TryGetValue((alert, step, of), out string? before) && before == because) return false;
        said[(alert, step, of)] = because;
        return true;
    }

    public void Forget(Labels alert)
    {
        foreach (var key in said.Keys.Where(k => k.Alert.Equals(alert)).ToList()) said.Remove(key);
    }
}
