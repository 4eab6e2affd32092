using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Storage.WriteLog;

namespace Pharos.CrashHost;

/// <summary>
/// A metric store under load. A scrape is <see cref="SeriesPerSender"/> samples, its number as their value, a minute after the scrape before.
/// The clock is simulated and goes with the samples, so finished chunks are written into files, heads saved and cut, and blocks merged all the while.
/// A sender's count is its scrapes.
/// </summary>
internal static class MetricLoad
{
    private const int SeriesPerSender = 5, ScrapeMs = 60_000, ScrapesPerRound = 5;

    private static readonly long StartMs = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly TenantId Tenant = TenantId.Parse("shop");

    public static async Task RunAsync(string folder, int senders, Report report)
    {
        var clock = new SimulatedTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(StartMs));
        var instruments = new Instruments();
        await using var log = new FileWriteLog(
            new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os, SegmentBytesMax = 256 << 10 }, clock, instruments, NullLogger.Instance);
        await using var store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(folder, "metrics"), HeadChunkBytes = 500, HeadSaveSamples = 200 }, log, new FixedTenantLimits(), clock, instruments, NullLogger.Instance);
        store.Start();
        int[] have = [.. Enumerable.Range(0, senders).Select(sender => Count(store, sender))];
        report.Ready(have.Select(count => new[] { count }));
        clock.AdvanceTo(DateTimeOffset.FromUnixTimeMilliseconds(StartMs + (have.Max() * (long)ScrapeMs)));
        // Senders run side by side, but never far apart: a sample far ahead of the clock, or behind what was cut, would be refused.
        for (int target = have.Max() + ScrapesPerRound; ; target += ScrapesPerRound)
        {
            await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(() => SendAsync(sender, target))));
            clock.Advance(TimeSpan.FromMilliseconds(ScrapesPerRound * ScrapeMs));
        }

        async Task SendAsync(int sender, int target)
        {
            using var batch = new MetricBatch();
            for (; have[sender] < target; have[sender]++)
            {
                batch.Clear();
                for (int i = 0; i < SeriesPerSender; i++) batch.AddSample(batch.AddSeries(Series(sender, i)), StartMs + (have[sender] * (long)ScrapeMs), have[sender]);
                var result = await store.AppendAsync(Tenant, batch, CancellationToken.None);
                if (result.Errors.Count > 0) throw new InvalidDataException($"sender {sender}, scrape {have[sender]}: {result.Errors[0].Message}");
                report.Acknowledged(sender, have[sender] + 1);
            }
        }
    }

    private static int Count(MetricStore store, int sender)
    {
        var counts = new List<int>();
        using var columns = new SampleColumns();
        foreach (var series in store.Select(Tenant, [new Matcher(MatchOp.Equal, "sender", Text(sender))], TimeRange.All, SelectHints.None, CancellationToken.None))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            for (int i = 0; i < columns.Count; i++)
            {
                if (columns.Values[i] != i || columns.Timestamps[i] != StartMs + (i * (long)ScrapeMs))
                    throw new InvalidDataException($"{series.Labels}: sample {i} is {columns.Values[i]} at {columns.Timestamps[i]}");
            }
            counts.Add(columns.Count);
        }
        if (counts.Count is not (0 or SeriesPerSender) || counts.Distinct().Count() > 1) throw new InvalidDataException($"sender {sender}: series of {string.Join(", ", counts)} samples");
        return counts.FirstOrDefault();
    }

    private static Labels Series(int sender, int i) => Labels.Of(("__name__", $"crash_{i}_total"), ("sender", Text(sender)));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
