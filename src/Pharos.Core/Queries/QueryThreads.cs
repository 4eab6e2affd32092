namespace Pharos.Core;

/// <summary>
/// Threads of its own for evaluations: however long they run, the pool that serves ingestion stays free, and where both want the
/// processor ingestion goes first.
/// Started when first needed. Work beyond their number waits: tenants take turns, and within a tenant the first that came goes first.
/// </summary>
/// <param name="name">Of the threads, before their number.</param>
public sealed class QueryThreads(string name, int threadsMax) : IDisposable
{
    /// <summary>Deep queries recurse deeply.</summary>
    private const int StackBytes = 16 << 20;

    private readonly object gate = new();
    private readonly Dictionary<TenantId, Queue<Action>> waiting = [];

    /// <summary>Tenants with work that waits, in the order of their turns.</summary>
    private readonly Queue<TenantId> turns = new();

    private int started;
    private int idle;
    private int count;
    private bool disposed;

    /// <summary>How much work of a tenant waits for a thread.</summary>
    public int Waiting(TenantId tenant)
    {
        lock (gate) return waiting.TryGetValue(tenant, out var own) ? own.Count : 0;
    }

    /// <summary>Runs work on a query thread. The task is cancelled where the token is before the work begins.</summary>
    public Task<T> RunAsync<T>(TenantId tenant, Func<T> run, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registration = cancel.Register(() => done.TrySetCanceled(cancel));
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            Enqueue(tenant, Step);
            // Every waiting piece of work needs a thread that waits for it, or a new one.
            if (count > idle && started < threadsMax)
            {
                started++;
                new Thread(Loop, StackBytes) { IsBackground = true, Name = $"{name}-{started}", Priority = ThreadPriority.BelowNormal }.Start();
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

    private void Enqueue(TenantId tenant, Action work)
    {
        if (!waiting.TryGetValue(tenant, out var own))
        {
            waiting.Add(tenant, own = new Queue<Action>());
            turns.Enqueue(tenant);
        }
        own.Enqueue(work);
        count++;
    }

    private Action Dequeue()
    {
        var tenant = turns.Dequeue();
        var own = waiting[tenant];
        var next = own.Dequeue();
        if (own.Count > 0) turns.Enqueue(tenant);
        else waiting.Remove(tenant);
        count--;
        return next;
    }

    private void Loop()
    {
        ThreadNice.LowerCurrent();
        while (true)
        {
            Action next;
            lock (gate)
            {
                idle++;
                while (count == 0)
                {
                    if (disposed) return;
                    Monitor.Wait(gate);
                }
                idle--;
                next = Dequeue();
            }
            next();
        }
    }
}
