using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Watches that run beside the looks of a discoverer. They change its state and say so; the next look waits for that. A watch that
/// fails says so too, through the look, and is tried again.
/// </summary>
internal sealed class Watches(TimeProvider time, TimeSpan retry) : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim changes = new(0, 1);
    private readonly Lock gate = new();
    private readonly List<Task> running = [];
    private string? failure;

    /// <summary>Repeats a step until the watches end or <paramref name="end"/> is cancelled.</summary>
    public void Start(Func<CancellationToken, Task> step, CancellationTokenSource? end = null)
    {
        lock (gate)
        {
            running.RemoveAll(r => r.IsCompleted);
            running.Add(RunAsync(step, end?.Token ?? CancellationToken.None));
        }
    }

    public void Changed()
    {
        lock (gate)
        {
            if (changes.CurrentCount == 0) changes.Release();
        }
    }

    /// <summary>Until something changed since the last time.</summary>
    /// <exception cref="DiscoveryException">A watch failed.</exception>
    public async Task WaitAsync(CancellationToken cancel)
    {
        await changes.WaitAsync(cancel);
        if (Interlocked.Exchange(ref failure, null) is { } message) throw new DiscoveryException(message);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        Task[] all;
        lock (gate) all = [.. running];
        await Task.WhenAll(all);
        stopping.Dispose();
        changes.Dispose();
    }

    private async Task RunAsync(Func<CancellationToken, Task> step, CancellationToken end)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, end);
        try
        {
            while (true)
            {
                try
                {
                    await step(both.Token);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or KeyNotFoundException or FormatException
                    || (e is OperationCanceledException && !both.IsCancellationRequested))
                {
                    Volatile.Write(ref failure, e is OperationCanceledException ? "no answer in time" : e.Message);
                    Changed();
                    await Task.Delay(retry, time, both.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
