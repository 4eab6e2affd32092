using System.Collections.Concurrent;

namespace Pharos.PromQL.Running;

/// <summary>
/// Threads of its own for evaluations: however long they run, the pool that serves ingestion stays free.
/// Started when first needed; work beyond their number waits.
/// </summary>
internal sealed class QueryThreads(int threadsMax) : IDisposable
{
    private readonly BlockingCollection<Action> work = new(new ConcurrentQueue<Action>());
    private readonly Lock gate = new();
    private int started;
    private int idle;

    /// <summary>Runs work on a query thread. The task is cancelled where the token is before the work begins.</summary>
    public Task<T> RunAsync<T>(Func<T> run, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registration = cancel.Register(() => done.TrySetCanceled(cancel));
        work.Add(
            () =>
            {
                registration.Dispose();
                if (done.Task.IsCompleted) return;
                try
                {
                    done.TrySetResult(run());
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
            },
            CancellationToken.None);
        lock (gate)
        {
            if (idle == 0 && started < threadsMax)
            {
                started++;
                new Thread(Loop) { IsBackground = true, Name = $"promql-{started}", Priority = ThreadPriority.BelowNormal }.Start();
            }
        }
        return done.Task;
    }

    public void Dispose() => work.CompleteAdding();

    private void Loop()
    {
        while (true)
        {
            Interlocked.Increment(ref idle);
            Action? next;
            try
            {
                if (!work.TryTake(out next, Timeout.Infinite)) return;
            }
            finally
            {
                Interlocked.Decrement(ref idle);
            }
            next();
        }
    }
}
