using Pharos.Collector.RemoteWrite;
using Pharos.Core;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Rules;

/// <summary>One tenant's queue: opened when something is recorded, closed once, its clients exchanged meanwhile. Safe for several threads.</summary>
/// <param name="endpointsOf">The clients of a target, as a queue takes them.</param>
internal sealed class TenantRecording(
    Func<RulerRemoteWrite, IReadOnlyList<RemoteWriteEndpointOptions>> endpointsOf, Func<IReadOnlyList<RemoteWriteEndpointOptions>, RemoteWriteQueue> open) : IAsyncDisposable
{
    /// <summary>Held while the queue is opened, closed or written to; never while a receiver is waited for, but at the end.</summary>
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Held while clients are exchanged.</summary>
    private readonly SemaphoreSlim exchange = new(1, 1);

    private RemoteWriteQueue? queue;
    private RulerRemoteWrite? used;
    private string usedText = "";
    private bool closed;

    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Open(RulerRemoteWrite target)
    {
        if (queue is not null) return;
        var endpoints = endpointsOf(target);
        queue = open(endpoints);
        (used, usedText) = (target, ConfigText.Of(endpoints));
    }

    /// <summary>False where the queue was closed: nothing was written.</summary>
    /// <exception cref="IOException">Nothing was written: the folder or the disk cannot be.</exception>
    public async ValueTask<bool> AppendAsync(RulerRemoteWrite target, MetricBatch batch, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            if (closed) return false;
            Open(target);
            await queue!.AppendAsync(batch, cancel);
            return true;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Sends to these clients from now on. Samples are taken meanwhile.</summary>
    public async Task UseAsync(RulerRemoteWrite target)
    {
        await exchange.WaitAsync();
        try
        {
            if (queue is null || closed || ReferenceEquals(used, target)) return;
            var endpoints = endpointsOf(target);
            string text = ConfigText.Of(endpoints);
            if (text != usedText) await queue.UseAsync(endpoints);
            (used, usedText) = (target, text);
        }
        finally
        {
            exchange.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await exchange.WaitAsync();
        await turn.WaitAsync();
        try
        {
            if (closed) return;
            closed = true;
            if (queue is not null) await queue.DisposeAsync();
        }
        finally
        {
            turn.Release();
            exchange.Release();
        }
    }
}
