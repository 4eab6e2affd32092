namespace Pharos.Cli.Demo;

/// <summary>
/// Counts work in flight, so that simulated time moves on only when everything that the last moment set off is done.
/// </summary>
internal sealed class BusyMeter
{
    private int inFlight;

    public int InFlight => Volatile.Read(ref inFlight);

    public IDisposable Enter()
    {
        Interlocked.Increment(ref inFlight);
        return new Work(this);
    }

    /// <summary>Waits until nothing is in flight and the thread pool has come to rest.</summary>
    public void WaitForRest()
    {
        int calm = 0;
        long seen = -1;
        while (calm < 2)
        {
            long done = ThreadPool.CompletedWorkItemCount;
            calm = InFlight == 0 && ThreadPool.PendingWorkItemCount == 0 && done == seen ? calm + 1 : 0;
            seen = done;
            // A real pause of the simulation's driver, not a timer of the stack.
            using var pause = new ManualResetEventSlim();
            pause.Wait(1);
        }
    }

    /// <summary>A handler that counts every request of the client it is given to.</summary>
    public HttpMessageHandler Counting(HttpMessageHandler inner) => new CountingHandler(this, inner);

    private sealed class Work(BusyMeter owner) : IDisposable
    {
        private int done;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref done, 1) == 0) Interlocked.Decrement(ref owner.inFlight);
        }
    }

    private sealed class CountingHandler(BusyMeter owner, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var work = owner.Enter();
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
