using System.Collections.Concurrent;

namespace Pharos.Metrics.Head;

/// <summary>
/// The threads that put replayed samples into their series, while another reads the write log. Each has series of its own, so the samples of
/// one series stay in order. Started when first needed; what waits for them is bounded.
/// </summary>
internal sealed class ReplayWorkers(int count) : IDisposable
{
    private const int WaitingMax = 8;

    private readonly ConcurrentBag<ReplayBatch> spare = [];
    private readonly BlockingCollection<ReplayBatch>[] queues = [.. Enumerable.Range(0, count).Select(_ => new BlockingCollection<ReplayBatch>(WaitingMax))];
    private readonly Thread?[] threads = new Thread?[count];
    private readonly CountdownEvent underWay = new(1);
    private Exception? failure;

    public int Count => count;

    /// <summary>The worker to which a series belongs. Neighbours have the same one for a while.</summary>
    public int Of(int series) => (series >> 6) % count;

    /// <summary>An empty batch for a worker.</summary>
    public ReplayBatch Rent(ReplayLane lane)
    {
        if (!spare.TryTake(out var batch)) batch = new ReplayBatch();
        batch.Lane = lane;
        return batch;
    }

    public void Send(int worker, ReplayBatch batch)
    {
        underWay.AddCount();
        if (threads[worker] is null)
        {
            threads[worker] = new Thread(() => Work(queues[worker])) { IsBackground = true, Name = $"replay-{worker}" };
            threads[worker]!.Start();
        }
        queues[worker].Add(batch);
    }

    /// <summary>Waits until all that was sent is in its series.</summary>
    /// <exception cref="InvalidOperationException">A worker failed.</exception>
    public void Wait()
    {
        underWay.Signal();
        underWay.Wait();
        underWay.Reset();
        if (failure is not null) throw new InvalidOperationException("the write log could not be replayed", failure);
    }

    public void Dispose()
    {
        foreach (var queue in queues) queue.CompleteAdding();
        foreach (var thread in threads) thread?.Join();
        foreach (var queue in queues) queue.Dispose();
        underWay.Dispose();
    }

    private void Work(BlockingCollection<ReplayBatch> queue)
    {
        foreach (var batch in queue.GetConsumingEnumerable())
        {
            try
            {
                batch.Lane!.Put(batch.Samples);
            }
#pragma warning disable CA1031 // Whatever it is, the thread that waits reports it.
            catch (Exception wrong)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, wrong, null);
            }
            batch.Clear();
            spare.Add(batch);
            underWay.Signal();
        }
    }
}
