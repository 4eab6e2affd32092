namespace Pharos.Alerting;

/// <summary>
/// Counts the work that is under way, so that simulated time can wait until all that an instant set off is done.
/// Work that sleeps on a timer or waits for other work does not count.
/// </summary>
internal sealed class WorkTracker
{
    private readonly Lock gate = new();
    private int busy;
    private TaskCompletionSource? idle;

    public void Enter()
    {
        lock (gate) busy++;
    }

    public void Leave()
    {
        TaskCompletionSource? reached = null;
        lock (gate)
        {
            if (--busy == 0) (reached, idle) = (idle, null);
        }
        reached?.SetResult();
    }

    /// <summary>Done when no work is under way.</summary>
    public Task IdleAsync()
    {
        lock (gate)
        {
            if (busy == 0) return Task.CompletedTask;
            return (idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Sleeps, not counting meanwhile; counts again before the timer's callback returns.</summary>
    public async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancel)
    {
        var woken = new TaskCompletionSource();
        int done = 0;
        void Wake(bool cancelled)
        {
            if (Interlocked.Exchange(ref done, 1) != 0) return;
            Enter();
            if (cancelled) woken.SetCanceled(cancel);
            else woken.SetResult();
        }
        await using var timer = time.CreateTimer(_ => Wake(false), null, delay, Timeout.InfiniteTimeSpan);
        await using var registration = cancel.Register(() => Wake(true));
        Leave();
        await woken.Task;
    }

    /// <summary>Waits for other work, not counting meanwhile.</summary>
    public async Task WaitForAsync(Task other)
    {
        if (other.IsCompleted) return;
        Leave();
        try
        {
            await other;
        }
        finally
        {
            Enter();
        }
    }
}
