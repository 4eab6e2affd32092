using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>
/// Flushes groups: inhibition, time intervals, silences, then each integration's comparison with the notification log and delivery.
/// Shares its tenant's lock; never holds it while it sends.
/// </summary>
internal sealed class Flusher(TenantId tenant, RouterShared shared, Lock gate, SilenceStore silences, NotificationLog log)
{
    private static readonly TimeSpan FlushTimeMin = TimeSpan.FromSeconds(10);

    private readonly Delivery delivery = new(shared, tenant);

    // Which log keys are being sent to now: after a reload the old group's delivery must be over before the new one's begins.
    private readonly Dictionary<string, Task> sending = new(StringComparer.Ordinal);

    public void TimerFired(ActiveConfig config, AlertGroup group)
    {
        shared.Work.Enter();
        lock (gate)
        {
            if (group.IsGone || group.IsFlushing)
            {
                group.IsDueAgain = !group.IsGone;
                if (!group.IsGone) group.Timer!.Change(group.Route.GroupInterval, Timeout.InfiniteTimeSpan);
                shared.Work.Leave();
                return;
            }
            group.Timer!.Change(group.Route.GroupInterval, Timeout.InfiniteTimeSpan);
            group.HasFlushed = true;
            group.IsFlushing = true;
        }
        _ = RunAsync(config, group);
    }

    public static NotifiedAlert Freeze(StoredAlert a, DateTimeOffset now) =>
        new(a.Labels, a.Annotations, a.StartsAt, a.IsResolvedAt(now) ? a.EndsAt : null, a.GeneratorUrl);

    public Notification Describe(AlertGroup group, IReadOnlyList<NotifiedAlert> alerts, DateTimeOffset now, string reason, Dictionary<string, string>? state = null) => new()
    {
        Tenant = tenant,
        Receiver = group.Route.Receiver,
        GroupKey = group.Key,
        GroupLabels = group.Labels,
        RouteLabels = group.Route.Labels,
        Alerts = alerts,
        Now = now,
        Reason = reason,
        State = state ?? [],
    };

    private async Task RunAsync(ActiveConfig config, AlertGroup group)
    {
        try
        {
            while (true)
            {
                try
                {
                    await FlushAsync(config, group);
                }
                catch (Exception e)
                {
                    // A flush that breaks must not end the group: its next tick tries again.
                    AlertingLog.FlushBroke(shared.Logger, tenant.Name, group.Key, e);
                }
                lock (gate)
                {
                    if (!group.IsDueAgain || group.IsGone)
                    {
                        group.IsFlushing = false;
                        return;
                    }
                    group.IsDueAgain = false;
                }
            }
        }
        finally
        {
            shared.Work.Leave();
        }
    }

    private async Task FlushAsync(ActiveConfig config, AlertGroup group)
    {
        var now = shared.Now;
        List<StoredAlert> whole;
        List<NotifiedAlert> pass;
        var integrations = config.Receivers[group.Route.Receiver];
        lock (gate)
        {
            if (group.Alerts.Count == 0) return;
            whole = [.. group.Alerts.Values.OrderBy(a => a.Labels, LabelOrder.Notified)];
            pass = Filter(config, group, whole, integrations, now);
        }
        bool allWell = true;
        if (pass.Count > 0 && integrations.Count == 0)
        {
            lock (gate)
            {
                foreach (var alert in pass) Say(group, AlertStep.Deduplicated, alert.Labels, now, "", $"receiver {group.Route.Receiver} has no integrations, so nobody is told");
            }
        }
        else if (pass.Count > 0)
        {
            var time = group.Route.GroupInterval > FlushTimeMin ? group.Route.GroupInterval : FlushTimeMin;
            using var deadline = new CancellationTokenSource(time, shared.Time);
            var outcomes = await Task.WhenAll(integrations.Select(i => TellAsync(i, group, pass, now, deadline.Token)));
            allWell = outcomes.All(o => o);
        }
        if (!allWell) return;
        lock (gate)
        {
            foreach (var alert in whole.Where(a => a.IsResolvedAt(now)))
            {
                // One that changed meanwhile stays for the next flush.
                if (!group.Alerts.TryGetValue(alert.Labels, out var current) || !ReferenceEquals(current, alert)) continue;
                group.Alerts.Remove(alert.Labels);
                group.Forget(alert.Labels);
            }
        }
    }

    /// <summary>The alerts that nothing mutes.</summary>
    private List<NotifiedAlert> Filter(ActiveConfig config, AlertGroup group, List<StoredAlert> whole, IReadOnlyList<Integration> integrations, DateTimeOffset now)
    {
        var pass = new List<NotifiedAlert>();
        foreach (var alert in whole)
        {
            if (config.Inhibitor.Find(alert.Labels, now) is not { } inhibited)
            {
                pass.Add(Freeze(alert, now));
                continue;
            }
            shared.Metrics.Suppressed.With("inhibition").Add(1);
            string rule = config.Config.InhibitRules[inhibited.Rule].Name is { Length: > 0 } name ? $"inhibition rule {name}" : $"inhibition rule {inhibited.Rule + 1}";
            Say(group, AlertStep.Inhibited, alert.Labels, now, "", $"{rule}: the firing alert {inhibited.Source.Labels} inhibits it",
                ("inhibited_by", inhibited.Source.Fingerprint));
        }
        if (pass.Count == 0) return pass;
        if (Intervals(config, group, now, out string? interval, out string reason))
        {
            foreach (var alert in pass)
            {
                shared.Metrics.Suppressed.With(reason).Add(1);
                Say(group, AlertStep.Muted, alert.Labels, now, "", interval!);
            }
            return [];
        }
        return [.. pass.Where(a => !IsSilenced(group, a, integrations, now))];
    }

    private static bool Intervals(ActiveConfig config, AlertGroup group, DateTimeOffset now, out string? because, out string reason)
    {
        (because, reason) = (null, "");
        group.MutedBy = [];
        var route = group.Route;
        if (route.ActiveTimeIntervals.Count > 0 && !route.ActiveTimeIntervals.Any(i => config.Config.TimeIntervals[i].Contains(now)))
        {
            group.MutedBy = route.ActiveTimeIntervals;
            because = $"route {route.Id} is outside of its active time intervals ({string.Join(", ", route.ActiveTimeIntervals)})";
            reason = "active_time_interval";
            return true;
        }
        var muting = route.MuteTimeIntervals.Where(i => config.Config.TimeIntervals[i].Contains(now)).ToList();
        if (muting.Count == 0) return false;
        group.MutedBy = muting;
        because = $"route {route.Id} is muted by time interval {string.Join(", ", muting)}";
        reason = "mute_time_interval";
        return true;
    }

    private bool IsSilenced(AlertGroup group, NotifiedAlert alert, IReadOnlyList<Integration> integrations, DateTimeOffset now)
    {
        var muting = silences.Muting(alert.Labels, now);
        if (muting.Count == 0) return false;
        // Whoever was told of the beginning is told of the end too; else an incident in a paging tool would never close.
        if (alert.IsResolved && shared.Options.PassSilencedResolves && integrations.Any(i => WasToldFiring(i, group, alert, now))) return false;
        shared.Metrics.Suppressed.With("silence").Add(1);
        var silence = muting[0];
        Say(group, AlertStep.Silenced, alert.Labels, now, "",
            $"silence {silence.Id} of {(silence.CreatedBy.Length > 0 ? silence.CreatedBy : "an unnamed author")} matches it until {silence.EndsAt:yyyy-MM-dd HH:mm:ss}Z{(silence.Comment.Length > 0 ? $": {silence.Comment}" : "")}",
            ("silence_id", silence.Id));
        return true;
    }

    private bool WasToldFiring(Integration i, AlertGroup group, NotifiedAlert alert, DateTimeOffset now) =>
        log.Find(NotificationLog.Key(group.Key, i.Receiver, i.Config.Kind, i.Config.Index), now)?.Firing.Contains(alert.Labels.Fingerprint()) == true;

    /// <summary>Tells one integration what it does not know yet. False where that failed.</summary>
    private async Task<bool> TellAsync(Integration integration, AlertGroup group, List<NotifiedAlert> alerts, DateTimeOffset now, CancellationToken deadline)
    {
        string key = NotificationLog.Key(group.Key, integration.Receiver, integration.Config.Kind, integration.Config.Index);
        var done = new TaskCompletionSource();
        while (true)
        {
            Task? other;
            lock (gate)
            {
                if (!sending.TryGetValue(key, out other)) sending[key] = done.Task;
            }
            if (other is null) break;
            await shared.Work.WaitForAsync(other);
        }
        try
        {
            return await TellAloneAsync(key, integration, group, alerts, now, deadline);
        }
        finally
        {
            lock (gate) sending.Remove(key);
            done.SetResult();
        }
    }

    private async Task<bool> TellAloneAsync(
        string key, Integration integration, AlertGroup group, List<NotifiedAlert> alerts, DateTimeOffset now, CancellationToken deadline)
    {
        var firing = alerts.Where(a => !a.IsResolved).Select(a => a.Labels.Fingerprint()).ToHashSet();
        var resolved = alerts.Where(a => a.IsResolved).Select(a => a.Labels.Fingerprint()).ToHashSet();
        bool sendResolved = integration.Config.SendResolved;
        LogEntry? last;
        DedupVerdict verdict;
        lock (gate)
        {
            last = log.Find(key, shared.Now);
            shared.Metrics.LogQueries.Add();
            verdict = DedupVerdict.Of(last, firing, resolved, sendResolved, group.Route.RepeatInterval, shared.Now);
            if (!verdict.Send)
            {
                foreach (var alert in alerts) Say(group, AlertStep.Deduplicated, alert.Labels, now, integration.Name, $"not sent to {integration.Name}: {verdict.Reason}", ("integration", integration.Name));
                return true;
            }
        }
        var state = last is null ? [] : new Dictionary<string, string>(last.State, StringComparer.Ordinal);
        var toSend = sendResolved ? alerts : alerts.FindAll(a => !a.IsResolved);
        if (toSend.Count > 0)
        {
            var n = Describe(group, toSend, now, verdict.Reason, state);
            var (result, attempts) = await delivery.SendAsync(integration, n, deadline);
            Report(integration, group, n, result, attempts);
            if (!result.IsDelivered) return false;
        }
        else
        {
            lock (gate)
            {
                foreach (var alert in alerts) Say(group, AlertStep.Deduplicated, alert.Labels, now, integration.Name, $"not sent to {integration.Name}: it resolved, and send_resolved is false", ("integration", integration.Name));
            }
        }
        Remember(key, integration, group, firing, resolved, state);
        return true;
    }

    private void Remember(string key, Integration integration, AlertGroup group, HashSet<ulong> firing, HashSet<ulong> resolved, Dictionary<string, string> state)
    {
        lock (gate)
        {
            var at = shared.Now;
            var life = group.Route.RepeatInterval * 2 < shared.Options.Retention ? group.Route.RepeatInterval * 2 : shared.Options.Retention;
            try
            {
                log.Write(key, new LogEntry(group.Key, integration.Receiver, integration.Config.Kind, integration.Config.Index, at, at + life, firing, resolved, state));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // It was delivered. Rather page twice after a restart than fail the flush and page twice at once.
                AlertingLog.LogNotStored(shared.Logger, tenant.Name, integration.Name, group.Key, e);
            }
        }
    }

    private void Report(Integration integration, AlertGroup group, Notification n, SendResult result, int attempts)
    {
        var at = shared.Now;
        if (result.IsDelivered)
        {
            AlertingLog.Notified(shared.Logger, tenant.Name, integration.Name, group.Key, attempts);
        }
        else
        {
            shared.Metrics.NotificationsFailed.With(integration.Config.Kind, RouterMetrics.Text(result.Reason)).Add(1);
            AlertingLog.NotifyFailed(shared.Logger, tenant.Name, integration.Name, group.Key, attempts, result.Error!);
        }
        foreach (var alert in n.Alerts)
        {
            string because = result.IsDelivered
                ? $"sent to {integration.Name} as {alert.Status}: {n.Reason}{(attempts > 1 ? $", after {attempts} attempts" : "")}"
                : $"could not be sent to {integration.Name} ({attempts} attempts): {result.Error}";
            Record(result.IsDelivered ? AlertStep.Notified : AlertStep.NotifyFailed, alert.Labels, at, because, Detail(group, ("integration", integration.Name), ("reason", n.Reason)));
        }
        shared.History.Add(new SentNotification(
            at, tenant, integration.Receiver, integration.Config.Kind, integration.Config.Index, group.Key, n.Status,
            [.. n.Alerts.Select(a => a.Labels)], result.IsDelivered, result.Error, n.Reason, attempts, n.SentBody));
    }

    /// <summary>Records a sentence unless the same was said of the alert before. Called under the lock.</summary>
    private void Say(AlertGroup group, AlertStep step, Labels alert, DateTimeOffset at, string of, string because, params (string, string)[] detail)
    {
        if (group.IsNews(alert, step, of, because)) Record(step, alert, at, because, Detail(group, detail));
    }

    private void Record(AlertStep step, Labels alert, DateTimeOffset at, string because, Dictionary<string, string> detail) =>
        shared.Journal.Record(new AlertEvent(tenant, at, step, alert, because, detail));

    private static Dictionary<string, string> Detail(AlertGroup group, params (string Name, string Value)[] more)
    {
        var detail = new Dictionary<string, string>(StringComparer.Ordinal) { ["receiver"] = group.Route.Receiver, ["route"] = group.Route.Id, ["group_key"] = group.Key };
        foreach (var (name, value) in more) detail[name] = value;
        return detail;
    }
}
