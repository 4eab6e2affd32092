using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Rules.Evaluation;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules;

/// <summary>
/// Runs the rule groups of one tenant in one language. Groups tick by themselves on the given clock, each on its own grid;
/// within a group rules run one after another in the order of the file. Safe for several threads.
/// </summary>
public sealed class RuleManager : IAsyncDisposable
{
    private readonly RuleContext context;
    private readonly GroupStateStore? store;
    private readonly RuleMetrics metrics;
    private readonly ILogger logger;
    private readonly SemaphoreSlim updating = new(1, 1);
    private readonly List<ITimer> endings = [];
    private IReadOnlyList<GroupRunner> runners = [];
    private bool first = true;
    private bool disposed;

    /// <param name="sink">Gets recorded series, ALERTS and ALERTS_FOR_STATE.</param>
    /// <param name="state">Keeps the state of alerts over a restart; null: a restart begins afresh.</param>
    public RuleManager(
        RuleManagerOptions options,
        IRuleLanguage language,
        IMetricSink sink,
        IAlertSink alerts,
        IAlertJournal journal,
        ICatalogue? state,
        TimeProvider time,
        Instruments instruments,
        ILogger logger)
    {
        context = new RuleContext(options, language, sink, alerts, journal, time);
        store = state is null ? null : new GroupStateStore(state, options, logger);
        metrics = new RuleMetrics(instruments, options);
        this.logger = logger;
    }

    public RuleManagerOptions Options => context.Options;

    /// <summary>All groups as they stand, in the order of the update.</summary>
    public IReadOnlyList<RuleGroupState> Groups() => [.. runners.Select(r => r.Group.State())];

    /// <summary>
    /// Runs these groups from now on. A group that did not change goes on undisturbed; a changed one keeps the state of rules with the same
    /// name and labels; what a removed one wrote ends two intervals later, unless something else writes it.
    /// </summary>
    public async Task UpdateAsync(IReadOnlyList<RuleGroupSource> groups, CancellationToken cancel)
    {
        await updating.WaitAsync(cancel);
        try
        {
            if (disposed) return;
            var before = runners.ToDictionary(r => r.Group.Key, StringComparer.Ordinal);
            var now = new List<GroupRunner>(groups.Count);
            foreach (var source in groups)
            {
                string key = $"{source.File};{source.Group.Name}";
                if (before.Remove(key, out var running))
                {
                    if (Same(running.Group.Source.Group, source.Group))
                    {
                        now.Add(running);
                        continue;
                    }
                    await running.DisposeAsync();
                    now.Add(Begin(source, running.Group));
                }
                else
                {
                    now.Add(Begin(source, null));
                }
            }
            runners = now;
            foreach (var gone in before.Values) await EndAsync(gone);
            if (first) DropUnknownState(groups);
            first = false;
        }
        finally
        {
            updating.Release();
        }
    }

    /// <summary>Completes when no evaluation is under way: whoever moves a simulated clock waits here before moving it on.</summary>
    public Task SettledAsync() => Task.WhenAll(runners.Select(r => r.Running));

    /// <summary>Stops all groups; their state is stored.</summary>
    public async ValueTask DisposeAsync()
    {
        await updating.WaitAsync();
        try
        {
            if (disposed) return;
            disposed = true;
            foreach (var ending in endings) await ending.DisposeAsync();
            foreach (var runner in runners) await runner.DisposeAsync();
        }
        finally
        {
            updating.Release();
        }
    }

    private static bool Same(RuleGroupDefinition a, RuleGroupDefinition b) =>
        RuleFileWriter.WriteGroup(a) == RuleFileWriter.WriteGroup(b);

    private GroupRunner Begin(RuleGroupSource source, RuleGroup? before)
    {
        var group = new RuleGroup(source, context, metrics, logger);
        if (before is not null) group.CopyFrom(before);
        var runner = new GroupRunner(group, context.Options, store, metrics, context.Time, logger);
        runner.Start(restore: before is null);
        return runner;
    }

    private async ValueTask EndAsync(GroupRunner gone)
    {
        await gone.DisposeAsync();
        store?.Delete(gone.Group.Key);
        metrics.GroupGone(gone.Group.Key);
        var written = gone.Group.Written().ToHashSet();
        if (written.Count == 0) return;
        ITimer? timer = null;
        timer = context.Time.CreateTimer(
            _ => _ = EndSeriesAsync(written), null, TimeSpan.FromMilliseconds(2 * gone.Group.IntervalMs), Timeout.InfiniteTimeSpan);
        endings.Add(timer);
    }

    private async Task EndSeriesAsync(HashSet<Labels> written)
    {
        try
        {
            var alive = runners.SelectMany(r => r.Group.Written()).ToHashSet();
            using var batch = new MetricBatch();
            long now = context.Time.UnixMs();
            foreach (var series in written)
            {
                if (!alive.Contains(series)) batch.AddSample(batch.AddSeries(series), now, SampleValue.Stale);
            }
            if (!batch.IsEmpty) await context.Sink.AppendAsync(context.Options.Tenant, batch, CancellationToken.None);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            RulesLog.GroupFailed(logger, context.Options.Tenant.Name, "(removed)", e);
        }
    }

    /// <summary>State of groups that went away while the process was down.</summary>
    private void DropUnknownState(IReadOnlyList<RuleGroupSource> groups)
    {
        if (store is null) return;
        var known = groups.Select(g => $"{g.File};{g.Group.Name}").ToHashSet(StringComparer.Ordinal);
        foreach (string key in store.Keys().Where(k => !known.Contains(k)).ToList()) store.Delete(key);
    }
}
