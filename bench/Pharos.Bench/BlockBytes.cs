using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Metrics.Tools;

namespace Pharos.Bench;

/// <summary>What blocks weigh once a program has merged them by itself.</summary>
internal sealed record BlockBytes(int Blocks, long Samples, long Bytes)
{
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    /// <summary>Bytes of index and chunks for each sample.</summary>
    public double PerSample => Bytes / (double)Samples;

    /// <summary>Waits until the blocks of a folder have not changed for longer than a round of maintenance takes, and weighs them.</summary>
    public static async Task<BlockBytes> OnceSettledAsync(string folder)
    {
        long started = TimeProvider.System.GetTimestamp(), changed = started;
        string last = "";
        while (TimeProvider.System.GetElapsedTime(started) < Longest)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);
            string now = Directory.Exists(folder) ? string.Join(' ', BlockArchive.FoldersIn(folder)) : "";
            if (now != last) changed = TimeProvider.System.GetTimestamp();
            else if (now.Length > 0 && TimeProvider.System.GetElapsedTime(changed) > Settled) break;
            last = now;
        }
        var blocks = BlockArchive.Open(folder, NullLogger.Instance).Blocks;
        return new BlockBytes(blocks.Count, blocks.Sum(b => b.Samples), blocks.Sum(b => b.Bytes));
    }
}
