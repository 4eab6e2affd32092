using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>
/// One tenant's alerts, silences, notification log and groups. All state is behind one lock; sending happens outside of it.
/// </summary>
internal sealed class TenantRouter : IDisposable
{
    public const string AlertCollection = "alerts";

    private readonly Lock gate = new();
    private readonly RouterShared shared;
    private readonly TenantId tenant;
    private readonly Dictionary<Labels, StoredAlert> alerts = [];
    private readonly SilenceStore silences;
    private readonly NotificationLog log;
    private readonly Flusher flusher;
    private ActiveConfig active;

    // Of all that is in alerts.
    private long alertBytes;
    private bool disposed;

    public TenantRouter(TenantId tenant, RouterShared shared, AlertmanagerConfig config, DateTimeOffset aliveAt)
    {
        this.tenant = tenant;
        this.shared = shared;
        active = new ActiveConfig(config, tenant, shared);
        silences = new SilenceStore(shared.Catalogue, tenant.Name, shared.Options);
        log = new NotificationLog(shared.Catalogue, tenant.Name);
        flusher = new Flusher(tenant, shared, gate, silences, log);
        lock (gate)
        {
            Restore(aliveAt);
            Announce();
        }
    }

    public AlertmanagerConfig Config
    {
        get
        {
            lock (gate) return active.Config;
        }
    }

    /// <summary>Puts another configuration to work. Groups are built anew; what was already sent is not sent again.</summary>
    /// <exception cref="ConfigurationException">It cannot be put to work; the old one goes on.</exception>
    public void Apply(AlertmanagerConfig config)
    {
        var next = new ActiveConfig(config, tenant, shared);
        lock (gate)
        {
            var old = active;
            active = next;
            foreach (var group in old.Groups.Values) Drop(group);
            // The old notifiers may still be sending.
            old.DisposeLater(shared.Time);
            var now = shared.Now;
            foreach (var alert in alerts.Values.OrderBy(a => a.Labels)) Dispatch(alert, now, isNews: false);
            foreach (var alert in alerts.Values) next.Inhibitor.Put(alert);
            Announce();
        }
    }

    /// <summary>Takes alerts; those that are not valid are named in the result, the others are stored.</summary>
    public List<string> Receive(IReadOnlyList<Alert> posted)
    {
        var errors = new List<string>();
        long began = shared.Time.GetTimestamp();
        lock (gate)
        {
            var now = shared.Now;
            var accepted = new List<(StoredAlert Alert, StoredAlert? Before)>();
            var fresh = new Dictionary<Labels, StoredAlert>();
            foreach (var one in posted)
            {
                var alert = AlertIntake.Accept(one, now, active.Config.Global.ResolveTimeout, out string? error);
                if (alert is null)
                {
                    shared.Metrics.Invalid.With("v2").Add(1);
                    errors.Add(error!);
                    continue;
                }
                shared.Metrics.Received.With(alert.IsResolvedAt(now) ? "resolved" : "firing", "v2").Add(1);
                var before = fresh.GetValueOrDefault(alert.Labels) ?? alerts.GetValueOrDefault(alert.Labels);
                if (before is not null && alert.Overlaps(before)) alert = alert.MergedOver(before);
                if (Limit(alert, before, fresh.Count) is { } limit)
                {
                    shared.Metrics.Limited.Add();
                    errors.Add(limit);
                    continue;
                }
                fresh[alert.Labels] = alert;
                alertBytes += alert.Bytes - (before?.Bytes ?? 0);
                accepted.Add((alert, before));
            }
            Store(fresh.Values);
            foreach (var (alert, before) in accepted)
            {
                alerts[alert.Labels] = alert;
                active.Inhibitor.Put(alert);
                bool isNews = before is null || before.IsResolvedAt(now) != alert.IsResolvedAt(now);
                if (isNews) JournalReceived(alert, before, now);
                Dispatch(alert, now, isNews);
            }
        }
        shared.Metrics.Processing.Observe(shared.Time.GetElapsedTime(began).TotalSeconds);
        return errors;
    }

    public Silence SetSilence(Silence silence)
    {
        lock (gate) return silences.Set(silence, shared.Now);
    }

    public void ExpireSilence(string id)
    {
        lock (gate) silences.Expire(id, shared.Now);
    }

    public Silence? FindSilence(string id)
    {
        lock (gate) return silences.Find(id);
    }

    public IReadOnlyList<Silence> Silences()
    {
        lock (gate) return [.. silences.All];
    }

    /// <summary>Alerts that have not ended, sorted by fingerprint.</summary>
    public IReadOnlyList<AlertView> Alerts()
    {
        lock (gate)
        {
            var now = shared.Now;
            return [.. alerts.Values.Where(a => a.EndsAt >= now).Select(a => View(a, now, [])).OrderBy(v => v.Alert.Fingerprint, StringComparer.Ordinal)];
        }
    }

    public IReadOnlyList<GroupView> Groups()
    {
        lock (gate)
        {
            var now = shared.Now;
            return [.. active.Groups.Values
                .Select(g => new GroupView(g.Route, g.Labels, g.Key, g.MutedBy, RouteLabels(g),
                    [.. g.Alerts.Values.Where(a => a.EndsAt >= now).OrderBy(a => a.Fingerprint, StringComparer.Ordinal).Select(a => View(a, now, g.MutedBy))]))
                .OrderBy(g => g.Labels, LabelOrder.LabelSets).ThenBy(g => g.Route.Receiver, StringComparer.Ordinal).ThenBy(g => g.Route.Id, StringComparer.Ordinal)];
        }
    }

    /// <summary>Takes away empty groups.</summary>
    public void Sweep()
    {
        lock (gate)
        {
            foreach (var (key, group) in active.Groups.Where(g => g.Value.Alerts.Count == 0 && !g.Value.IsFlushing).ToList())
            {
                Drop(group);
                active.Groups.Remove(key);
            }
        }
    }

    /// <summary>Takes away alerts that ended and wait in no group.</summary>
    public void CollectAlerts()
    {
        lock (gate)
        {
            var now = shared.Now;
            var waiting = active.Groups.Values.SelectMany(g => g.Alerts.Keys).ToHashSet();
            var ended = alerts.Values.Where(a => a.IsResolvedAt(now) && !waiting.Contains(a.Labels)).ToList();
            if (ended.Count == 0) return;
            shared.Catalogue.Transaction(c =>
            {
                foreach (var alert in ended) c.Delete(tenant.Name, AlertCollection, StorageKey(alert.Labels));
            });
            foreach (var alert in ended)
            {
                alerts.Remove(alert.Labels);
                alertBytes -= alert.Bytes;
                active.Inhibitor.Remove(alert.Labels);
            }
        }
    }

    public void Maintain()
    {
        lock (gate)
        {
            silences.Collect(shared.Now);
            log.Collect(shared.Now);
        }
        shared.Metrics.SilenceMaintenance.Add();
        shared.Metrics.LogMaintenance.Add();
    }

    public TenantCounts Count()
    {
        lock (gate)
        {
            var now = shared.Now;
            var counts = new TenantCounts { Groups = active.Groups.Count, Receivers = active.Receivers.Count, InhibitRules = active.Config.InhibitRules.Count };
            counts.Integrations = active.Receivers.Values.Sum(r => r.Count);
            foreach (var alert in alerts.Values)
            {
                if (alert.IsResolvedAt(now)) continue;
                if (active.Inhibitor.Find(alert.Labels, now) is not null || silences.Muting(alert.Labels, now).Count > 0) counts.Suppressed++;
                else counts.Active++;
            }
            foreach (var silence in silences.All) counts.Silences[(int)silence.StateAt(now)]++;
            return counts;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            foreach (var group in active.Groups.Values) Drop(group);
        }
        active.Dispose();
    }

    /// <summary>Puts an alert into the groups of its routes.</summary>
    private void Dispatch(StoredAlert alert, DateTimeOffset now, bool isNews)
    {
        foreach (var route in active.Config.Routes.Match(alert.Labels))
        {
            var labels = route.GroupLabels(alert.Labels);
            var key = (route.Id, labels);
            bool isNew = !active.Groups.TryGetValue(key, out var group);
            if (isNew)
            {
                int groupsMax = shared.Options.Limits(tenant).GroupsMax;
                if (groupsMax > 0 && active.Groups.Count >= groupsMax)
                {
                    shared.Metrics.GroupLimit.Add();
                    AlertingLog.GroupLimit(shared.Logger, tenant.Name, alert.Labels.ToString(), groupsMax);
                    Journal(AlertStep.NotifyFailed, alert.Labels, now, $"the limit of {groupsMax} groups is reached, so route {route.Id} could not take it", ("receiver", route.Receiver));
                    continue;
                }
                active.Groups[key] = group = new AlertGroup(route, labels);
            }
            if (isNews && !group!.Alerts.ContainsKey(alert.Labels)) JournalRouted(alert, group, isNew, now);
            group!.Alerts[alert.Labels] = alert;
            if (isNew) Arm(group, alert, now);
            // An alert that has been firing for longer than the wait has waited enough.
            else if (!group.HasFlushed && alert.StartsAt + route.GroupWait < now) group.Timer!.Change(StartDelay(TimeSpan.Zero, now), Timeout.InfiniteTimeSpan);
        }
    }

    private void Arm(AlertGroup group, StoredAlert alert, DateTimeOffset now)
    {
        var wait = alert.StartsAt + group.Route.GroupWait < now ? TimeSpan.Zero : group.Route.GroupWait;
        var config = active;
        group.Timer = shared.Time.CreateTimer(_ => flusher.TimerFired(config, group), null, StartDelay(wait, now), Timeout.InfiniteTimeSpan);
    }

    private TimeSpan StartDelay(TimeSpan wait, DateTimeOffset now)
    {
        var rest = shared.StartedAt + shared.Options.StartDelay - now;
        return rest > wait ? rest : wait;
    }

    private static void Drop(AlertGroup group)
    {
        group.IsGone = true;
        group.Timer?.Dispose();
    }

    private string? Limit(StoredAlert alert, StoredAlert? before, int fresh)
    {
        var own = shared.Options.Limits(tenant);
        if (own.AlertBytesMax > 0 && alertBytes + alert.Bytes - (before?.Bytes ?? 0) > own.AlertBytesMax && alert.Bytes > (before?.Bytes ?? 0))
            return $"alerts are too big, the limit of {own.AlertBytesMax} bytes in all is reached (alertmanager_max_alerts_size_bytes), {alert.Labels} was not taken";
        if (before is not null) return null;
        if (own.AlertsMax > 0 && alerts.Count + fresh >= own.AlertsMax)
            return $"the limit of {own.AlertsMax} alerts is reached (alertmanager_max_alerts_count), {alert.Labels} was not taken";
        if (shared.Options.AlertsPerNameMax > 0 && alerts.Keys.Count(a => a["alertname"] == alert.Name) >= shared.Options.AlertsPerNameMax)
            return $"the limit of {shared.Options.AlertsPerNameMax} alerts named {alert.Name} is reached, {alert.Labels} was not taken";
        return null;
    }

    private void Store(ICollection<StoredAlert> changed)
    {
        if (changed.Count == 0) return;
        shared.Catalogue.Transaction(c =>
        {
            foreach (var alert in changed) c.Put(tenant.Name, AlertCollection, StorageKey(alert.Labels), StateJson.Write(alert));
        });
    }

    private static string StorageKey(Labels labels) => $"{labels.Fingerprint():x16}{labels.Hash:x16}";

    /// <summary>
    /// Brings back the alerts of before a restart. One that ran out only because nobody could refresh it while the router was down
    /// gets as much time again as its sender had given it, so that no false resolve goes out.
    /// </summary>
    private void Restore(DateTimeOffset aliveAt)
    {
        var now = shared.Now;
        var told = log.All.SelectMany(e => e.Resolved).ToHashSet();
        foreach (var document in shared.Catalogue.List(tenant.Name, AlertCollection))
        {
            if (StateJson.ReadAlert(document.Content) is not { } alert) continue;
            bool ranOut = alert.EndsAt <= now && alert.EndsAt > aliveAt && alert.EndsAt > alert.UpdatedAt && !told.Contains(alert.Labels.Fingerprint());
            if (ranOut)
            {
                var given = alert.EndsAt - alert.UpdatedAt;
                alert = alert with { EndsAt = now + (given < active.Config.Global.ResolveTimeout ? given : active.Config.Global.ResolveTimeout) };
            }
            alerts[alert.Labels] = alert;
            alertBytes += alert.Bytes;
            active.Inhibitor.Put(alert);
        }
        foreach (var alert in alerts.Values.OrderBy(a => a.Labels)) Dispatch(alert, now, isNews: false);
    }

    private AlertView View(StoredAlert alert, DateTimeOffset now, IReadOnlyList<string> mutedBy)
    {
        var inhibitor = active.Inhibitor.Find(alert.Labels, now);
        return new AlertView(
            alert,
            [.. active.Config.Routes.Match(alert.Labels).Select(r => r.Receiver).Distinct()],
            [.. silences.Muting(alert.Labels, now).Select(s => s.Id)],
            inhibitor is { } i ? [i.Source.Fingerprint] : [],
            mutedBy);
    }

    private Dictionary<string, string> RouteLabels(AlertGroup group)
    {
        var rendered = new Dictionary<string, string>(StringComparer.Ordinal);
        if (group.Route.Labels.Count == 0) return rendered;
        var notification = flusher.Describe(group, [.. group.Alerts.Values.Select(a => Flusher.Freeze(a, shared.Now))], shared.Now, "unknown");
        var rendering = active.Templates.For(notification);
        foreach (string name in group.Route.Labels.Keys)
        {
            try
            {
                rendered[name] = rendering.RouteLabel(name);
            }
            catch (Exception e) when (e is Templates.TemplateException or Templates.TemplateFunctionException)
            {
                rendered[name] = $"error: {e.Message}";
            }
        }
        return rendered;
    }

    private void JournalReceived(StoredAlert alert, StoredAlert? before, DateTimeOffset now)
    {
        string because = (before, alert.IsResolvedAt(now)) switch
        {
            (null, false) => $"the alert arrived, firing since {alert.StartsAt:yyyy-MM-dd HH:mm:ss}Z",
            (null, true) => "the alert arrived already resolved",
            (_, true) => "its sender reported that it is resolved",
            _ => "it fires again",
        };
        if (!alert.IsResolvedAt(now)) because += alert.TimedOut
            ? $"; it gave no end, so it counts as resolved unless it comes again before {alert.EndsAt:yyyy-MM-dd HH:mm:ss}Z"
            : $"; it counts as resolved unless it comes again before {alert.EndsAt:yyyy-MM-dd HH:mm:ss}Z";
        Journal(AlertStep.Received, alert.Labels, now, because);
    }

    private void JournalRouted(StoredAlert alert, AlertGroup group, bool isNewGroup, DateTimeOffset now)
    {
        var route = group.Route;
        string path = route.Parent is null ? "the root route" : $"route {route.Id}";
        string because = route.Parent is null
            ? $"no other route matches, so the root route takes it for receiver {route.Receiver}"
            : $"{path} takes it for receiver {route.Receiver}: its labels match {MatcherText.Join(route.Matchers)}{(route.Children.Count > 0 ? " and no child route does" : "")}";
        Journal(AlertStep.Routed, alert.Labels, now, because, ("receiver", route.Receiver), ("route", route.Id));
        var wait = alert.StartsAt + route.GroupWait < now ? TimeSpan.Zero : route.GroupWait;
        string when = !isNewGroup
            ? group.HasFlushed ? $"the group waits for its interval of {PromDuration.Format(route.GroupInterval)}" : "the group's first flush is still to come"
            : wait == TimeSpan.Zero ? $"it is a new group and the alert began more than {PromDuration.Format(route.GroupWait)} ago, so it is flushed at once"
            : $"it is a new group and waits {PromDuration.Format(wait)} for further alerts";
        Journal(AlertStep.Grouped, alert.Labels, now, $"it joins group {group.Key}; {when}", ("receiver", route.Receiver), ("route", route.Id), ("group_key", group.Key));
    }

    private void Journal(AlertStep step, Labels alert, DateTimeOffset now, string because, params (string Name, string Value)[] detail) =>
        shared.Journal.Record(new AlertEvent(tenant, now, step, alert, because, detail.ToDictionary(d => d.Name, d => d.Value, StringComparer.Ordinal)));

    private void Announce()
    {
        AlertingLog.ConfigLoaded(shared.Logger, tenant.Name, active.Config.FileName, active.Config.Receivers.Count);
        foreach (var warning in active.Config.Warnings) AlertingLog.ConfigWarning(shared.Logger, warning.ToString());
    }
}
