namespace Pharos.Logs;

/// <summary>Many appends may be inside at once; a flush closes the gate, waits until all are out, and opens it again.</summary>
internal sealed class FlushGate
{
    private readonly Lock gate = new();
    private int inside;
    private TaskCompletionSource? closed;
    private TaskCompletionSource? empty;

    public ValueTask EnterAsync(CancellationToken cancel)
    {
        lock (gate)
        {
            if (closed is null)
            {
                inside++;
                return ValueTask.CompletedTask;
            }
        }
        return new ValueTask(EnterLaterAsync(cancel));
    }

    public void Exit()
    {
        lock (gate)
        {
            if (--inside == 0) empty?.TrySetResult();
        }
    }

    /// <summary>Closes the gate; completes when nobody is inside.</summary>
    public Task CloseAsync()
    {
        lock (gate)
        {
            closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (inside == 0) return Task.CompletedTask;
            empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return empty.Task;
        }
    }

    public void Open()
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            waiting = closed;
            closed = null;
            empty = null;
        }
        waiting?.TrySetResult();
    }

    private async Task EnterLaterAsync(CancellationToken cancel)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (closed is null)
                {
                    inside++;
                    return;
                }
                wait = closed.Task;
            }
            await wait.WaitAsync(cancel);
        }
    }
}
