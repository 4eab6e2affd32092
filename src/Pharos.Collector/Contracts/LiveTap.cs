using System.Text;
using System.Threading.Channels;
using Pharos.Core;

namespace Pharos.Collector;

/// <summary>
/// Shows people what a component sends on while it does so. Costs nothing while nobody watches. Safe for several threads.
/// </summary>
public sealed class LiveTap
{
    private const int ItemsMax = 1000;

    private readonly Lock gate = new();
    private volatile Channel<string>[] watchers = [];

    /// <summary>
    /// Items from now on, one text for each sample (<c>{labels} value @timestamp in ms</c>) or log line (<c>{labels} line</c>).
    /// A reader that is slow loses the oldest. Ends when the token is cancelled.
    /// </summary>
    public async IAsyncEnumerable<string> WatchAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var channel = Channel.CreateBounded<string>(new BoundedChannelOptions(ItemsMax) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (gate) watchers = [.. watchers, channel];
        try
        {
            await foreach (string item in channel.Reader.ReadAllAsync(cancel).ConfigureAwait(false)) yield return item;
        }
        finally
        {
            lock (gate) watchers = [.. watchers.Where(w => w != channel)];
        }
    }

    internal void Show(MetricBatch batch)
    {
        var now = watchers;
        if (now.Length == 0) return;
        foreach (ref readonly var sample in batch.Samples)
            Show(now, $"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {GoFloat.Format(sample.Value)} @{sample.TimestampMs}");
        foreach (var histogram in batch.Histograms)
            Show(now, $"{Labels.FromEncoded(batch.LabelsOf(histogram.Series))} {{count:{GoFloat.Format(histogram.Histogram.Count)}, sum:{GoFloat.Format(histogram.Histogram.Sum)}}} @{histogram.TimestampMs}");
    }

    internal void Show(LogBatch batch)
    {
        var now = watchers;
        if (now.Length == 0) return;
        foreach (var entry in batch.Entries)
            Show(now, $"{Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {Encoding.UTF8.GetString(batch.LineOf(entry))}");
    }

    private static void Show(Channel<string>[] to, string item)
    {
        foreach (var watcher in to) watcher.Writer.TryWrite(item);
    }
}
