using Microsoft.Extensions.Logging;
using Pharos.Collector;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The discoveries of one job or Alertmanager group: puts what all of them find together and hands it on when it changes.</summary>
internal sealed class TargetSources(Discoveries discoveries, HttpHandlerFactory http, TimeProvider time, ILogger logger, Func<IReadOnlyList<Labels>, Task> changed) : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Dictionary<int, IReadOnlyList<Labels>> found = [];
    private readonly List<Task> running = [];

    public async Task StartAsync()
    {
        found[-1] = [.. discoveries.Static.SelectMany(g => g)];
        await changed(All());
        int source = 0;
        foreach (var (next, refresh) in DiscoveryLoops.Of(discoveries, http, time, logger))
        {
            int index = source++;
            running.Add(RunAsync(index, next, refresh));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running);
        stopping.Dispose();
    }

    private async Task RunAsync(int index, Func<CancellationToken, Task<IReadOnlyList<Labels>?>> next, TimeSpan refresh)
    {
        try
        {
            while (true)
            {
                // Null: it failed, has said so, and the targets found before stay.
                if (await next(stopping.Token) is { } targets)
                {
                    IReadOnlyList<Labels>? all = null;
                    lock (gate)
                    {
                        if (!found.TryGetValue(index, out var before) || !before.SequenceEqual(targets))
                        {
                            found[index] = targets;
                            all = All();
                        }
                    }
                    if (all is not null) await changed(all);
                }
                await Task.Delay(refresh, time, stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private List<Labels> All()
    {
        lock (gate) return [.. found.OrderBy(f => f.Key).SelectMany(f => f.Value)];
    }
}
