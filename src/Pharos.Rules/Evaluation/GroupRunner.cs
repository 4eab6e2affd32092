using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Rules.Evaluation;

/// <summary>
/// Runs one group on the clock: waits for the next slot, makes up the slots that were missed while nothing ran, and keeps the state stored.
/// </summary>
internal sealed class GroupRunner : IAsyncDisposable
{
    /// <summary>State that only moved by values and send times is stored this often; a change of an alert's phase at once.</summary>
    private const long QuietSaveMs = 60_000;

    private readonly RuleGroup group;
    private readonly RuleManagerOptions options;
    private readonly GroupStateStore? store;
    private readonly RuleMetrics metrics;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stop = new();
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private Task running = Task.CompletedTask;
    private bool stopped;
    private long savedMs;
    private bool tooSlow;

    // After an outage longer than series live on: between these times a missing result proves nothing.
    private long blindAfterMs = long.MaxValue;
    private long blindUntilMs = long.MinValue;

    public GroupRunner(RuleGroup group, RuleManagerOptions options, GroupStateStore? store, RuleMetrics metrics, TimeProvider time, ILogger logger)
    {
        this.group = group;
        this.options = options;
        this.store = store;
        this.metrics = metrics;
        this.time = time;
        this.logger = logger;
        timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public RuleGroup Group => group;

    /// <summary>The evaluation that is under way; completed where none is.</summary>
    public Task Running
    {
        get
        {
            lock (gate) return running;
        }
    }

    /// <summary>Loads stored state, if any and wanted, and begins.</summary>
    public void Start(bool restore)
    {
        long started = time.GetTimestamp();
        if (restore && store?.Load(group.Key) is { } stored)
        {
            group.Restore(stored);
            metrics.Restored(group.Key, time.GetElapsedTime(started).TotalSeconds);
        }
        Arm();
    }

    /// <summary>Stops, waits for the evaluation that is under way, and stores the state.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (stopped) return;
            stopped = true;
        }
        await timer.DisposeAsync();
        await stop.CancelAsync();
        await running;
        if (group.LastEvaluationMs > 0) Save();
        stop.Dispose();
        group.Dispose();
    }

    private void Arm(bool failed = false)
    {
        long now = time.UnixMs();
        long current = group.SlotAtOrBefore(now);
        // With evaluations missed, begin at once; else wait for the next slot.
        bool behind = !failed && group.LastEvaluationMs > 0 && group.LastEvaluationMs < current;
        long wait = behind ? 0 : current + group.IntervalMs - now;
        lock (gate)
        {
            if (!stopped) timer.Change(TimeSpan.FromMilliseconds(wait), Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        TaskCompletionSource turn;
        lock (gate)
        {
            if (stopped || !running.IsCompleted) return;
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            running = turn.Task;
        }
        _ = RunAsync(turn);
    }

    private async Task RunAsync(TaskCompletionSource turn)
    {
        bool failed = false;
        try
        {
            await TurnAsync(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            failed = true;
            RulesLog.GroupFailed(logger, options.Tenant.Name, group.Key, e);
        }
        turn.SetResult();
        Arm(failed);
    }

    private async ValueTask TurnAsync(CancellationToken cancel)
    {
        long now = time.UnixMs();
        long current = group.SlotAtOrBefore(now);
        long last = group.LastEvaluationMs;
        // A timer that fires a moment early, or a clock that was set back: the slot is done already.
        if (last >= current) return;
        long next = last > 0 ? NextSlot(current) : current;
        long lookbackMs = (long)options.LookbackDelta.TotalMilliseconds;
        if (last > 0 && next < current)
        {
            long count = (current - next) / group.IntervalMs;
            RulesLog.MakesUp(logger, options.Tenant.Name, group.Key, count, UnixTime.FromMs(last));
        }
        if (last > 0 && current - last > Math.Max(lookbackMs, group.IntervalMs))
        {
            // Two rounds are left for senders to catch up before an absence counts again.
            blindAfterMs = last + lookbackMs;
            blindUntilMs = current + Math.Max(2 * group.IntervalMs, 60_000);
        }
        for (long slot = next; slot <= current; slot += group.IntervalMs)
        {
            long started = time.GetTimestamp();
            bool absenceCounts = slot <= blindAfterMs || slot >= blindUntilMs;
            await group.EvaluateAsync(slot, send: slot == current, absenceCounts, cancel);
            tooSlow = time.GetElapsedTime(started).TotalMilliseconds >= group.IntervalMs;
        }
        if (group.TakeChanged() || current - savedMs >= QuietSaveMs) Save();
    }

    /// <summary>The first slot to evaluate; those before it are lost and counted.</summary>
    private long NextSlot(long current)
    {
        long next = group.LastEvaluationMs + group.IntervalMs;
        // The grid may have moved with the interval.
        next = group.SlotAtOrBefore(next + group.IntervalMs - 1);
        if (next > current) return current;
        long missed = (current - next) / group.IntervalMs;
        if (missed == 0) return current;
        if (tooSlow)
        {
            metrics.Missed(group.Key, missed);
            RulesLog.Slow(logger, options.Tenant.Name, group.Key, missed);
            return current;
        }
        long toleranceMs = (long)options.OutageTolerance.TotalMilliseconds;
        if (current - next <= toleranceMs) return next;
        long from = group.SlotAtOrBefore(current - toleranceMs);
        metrics.Missed(group.Key, (from - next) / group.IntervalMs);
        group.ForgetPending();
        return from;
    }

    private void Save()
    {
        if (store is null) return;
        try
        {
            store.Save(group.Key, group.Stored());
            savedMs = group.LastEvaluationMs;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The rules go on; the next save tries again.
            RulesLog.StateNotStored(logger, options.Tenant.Name, group.Key, e.Message);
        }
    }
}
