using System.Runtime.ExceptionServices;

namespace Pharos.Core;

/// <summary>
/// Threads that help a query's own thread with its series. All queries share them: whoever is free joins the work that waits longest
/// for help, and a query that gets none does everything itself. They step back for ingestion as the queries' threads do.
/// </summary>
/// <param name="name">Of the threads.</param>
/// <param name="helpersMax">Threads besides those of the queries; started when first needed.</param>
public sealed class WorkCrew(string name, int helpersMax) : IDisposable
{
    private readonly object gate = new();
    private readonly LinkedList<Job> open = new();
    private int started;
    private bool disposed;

    /// <summary>
    /// Runs work on the calling thread and on up to <paramref name="workers"/> - 1 helpers; returns once all have returned. Each gets a
    /// number of its own, from 0. The work must share itself out: helpers may come late or never. The first exception is thrown on.
    /// </summary>
    public void Run(int workers, Action<int> work)
    {
        if (workers <= 1 || helpersMax == 0)
        {
            work(0);
            return;
        }
        var job = new Job(work, workers);
        lock (gate)
        {
            job.Place = open.AddLast(job);
            while (started < helpersMax && started < workers - 1)
            {
                started++;
                new Thread(Help) { IsBackground = true, Name = $"{name}-{started}", Priority = ThreadPriority.BelowNormal }.Start();
            }
            Monitor.PulseAll(gate);
        }
        try
        {
            work(0);
        }
#pragma warning disable CA1031 // Thrown on below, once nobody works on it any more.
        catch (Exception e)
#pragma warning restore CA1031
        {
            job.Failed(e);
        }
        lock (gate)
        {
            if (job.Place is not null) open.Remove(job.Place);
            while (job.Helping > 0) Monitor.Wait(gate);
        }
        job.Failure?.Throw();
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            Monitor.PulseAll(gate);
        }
    }

    private void Help()
    {
        ThreadNice.LowerCurrent();
        while (true)
        {
            Job job;
            int number;
            lock (gate)
            {
                while (open.First is null)
                {
                    if (disposed) return;
                    Monitor.Wait(gate);
                }
                job = open.First.Value;
                open.RemoveFirst();
                number = ++job.Helpers;
                job.Helping++;
                // Others may wait for help too: it goes behind them.
                job.Place = job.Helpers < job.Workers - 1 ? open.AddLast(job) : null;
            }
            try
            {
                job.Work(number);
            }
#pragma warning disable CA1031 // Belongs to whoever waits for the work.
            catch (Exception e)
#pragma warning restore CA1031
            {
                job.Failed(e);
            }
            lock (gate)
            {
                job.Helping--;
                Monitor.PulseAll(gate);
            }
        }
    }

    private sealed class Job(Action<int> work, int workers)
    {
        private ExceptionDispatchInfo? failure;

        public Action<int> Work { get; } = work;
        public int Workers { get; } = workers;

        /// <summary>Where it waits for more helpers; null where it wants none.</summary>
        public LinkedListNode<Job>? Place { get; set; }

        /// <summary>Helpers that joined so far, and those at work.</summary>
        public int Helpers { get; set; }
        public int Helping { get; set; }

        public ExceptionDispatchInfo? Failure => failure;

        public void Failed(Exception e) => Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
    }
}
