using Pharos.Collector.Discovery;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The discoveries of one job or Alertmanager group: puts what all of them find together and hands it on when it changes.</summary>
/// <param name="kind">What they are for, in metrics: <c>scrape</c> or <c>notify</c>.</param>
/// <param name="name">Of the job or group, in metrics.</param>
internal sealed class TargetSources(
    Discoveries discoveries, string kind, string name, DiscoveryContext context, Func<IReadOnlyList<Labels>, Task> changed) : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Dictionary<int, IReadOnlyList<Labels>> found = [];
    private readonly List<Task> running = [];
    private readonly Gauge discovered = context.Instruments.Gauge("prometheus_sd_discovered_targets", "Current number of discovered targets.", "name", "config");
    private readonly Counter updates = context.Instruments.Counter("prometheus_sd_updates_total", "Total number of update events sent to the SD consumers.", "name");
    private readonly Counter received = context.Instruments.Counter("prometheus_sd_received_updates_total", "Total number of update events received from the SD providers.", "name");

    public async Task StartAsync()
    {
        found[-1] = [.. discoveries.Static.SelectMany(g => g)];
        await TellAsync(All());
        for (int i = 0; i < discoveries.Dynamic.Count; i++)
        {
            int index = i;
            running.Add(new DiscoveryLoop(discoveries.Dynamic[i], context).RunAsync(targets => TakeAsync(index, targets), stopping.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (stopping.IsCancellationRequested) return;
        await stopping.CancelAsync();
        await Task.WhenAll(running);
        stopping.Dispose();
        discovered.Remove(kind, name);
    }

    private async Task TakeAsync(int index, IReadOnlyList<Labels> targets)
    {
        received.With(kind).Add(1);
        lock (gate)
        {
            if (found.TryGetValue(index, out var before) && before.SequenceEqual(targets)) return;
            found[index] = targets;
        }
        await TellAsync(All());
    }

    private async Task TellAsync(List<Labels> all)
    {
        discovered.With(kind, name).Set(all.Count);
        updates.With(kind).Add(1);
        await changed(all);
    }

    private List<Labels> All()
    {
        lock (gate) return [.. found.OrderBy(f => f.Key).SelectMany(f => f.Value)];
    }
}
