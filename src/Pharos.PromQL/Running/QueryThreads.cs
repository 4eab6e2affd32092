namespace Pharos.PromQL.Running;

/// <summary>
/// Threads of its own for evaluations: however long they run, the pool that serves ingestion stays free.
/// Started when first needed; work beyond their number waits in the order in which it came.
/// </summary>
internal sealed class QueryThreads(int threadsMax) : IDisposable
{
    /// <summary>Deep queries recurse deeply.</summary>
    private const int StackBytes = 16 << 20;

    private readonly object gate = new();
    private readonly Queue<Action> work = new();
    private int started;
    private int idle;
    private bool disposed;

    /// <summary>Runs work on a query thread. The task is cancelled where the token is before the work begins.</summary>
    public Task<T> RunAsync<T>(Func<T> run, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registration = cancel.Register(() => done.TrySetCanceled(cancel));
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            work.Enqueue(Step);
            // Every waiting piece of work needs a thread that waits for it, or a new one.
            if (work.Count > idle && started < threadsMax)
            {
                started++;
                new Thread(Loop, StackBytes) { IsBackground = true, Name = $"promql-{started}", Priority = ThreadPriority.BelowNormal }.Start();
            }
            else
            {
                Monitor.Pulse(gate);
            }
        }
        return done.Task;

        void Step()
        {
            if (done.Task.IsCompleted) return;
            try
            {
                var result = run();
                registration.Dispose();
                done.TrySetResult(result);
            }
            catch (OperationCanceledException e)
            {
                done.TrySetCanceled(e.CancellationToken);
            }
#pragma warning disable CA1031 // Whatever the work throws belongs to whoever waits for it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.TrySetException(e);
            }
        }
    }

    /// <summary>Ends the threads once they have done what waits.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            Monitor.PulseAll(gate);
        }
    }

    private void Loop()
    {
        while (true)
        {
            Action next;
            lock (gate)
            {
                idle++;
                while (work.Count == 0)
                {
                    if (disposed) return;
                    Monitor.Wait(gate);
                }
                idle--;
                next = work.Dequeue();
            }
            next();
        }
    }
}
