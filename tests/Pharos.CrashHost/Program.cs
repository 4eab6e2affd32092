using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Storage.WriteLog;

// A metric store under load in a process of its own, to be killed: pharos-crash-host FOLDER SENDERS.
// First it prints "have SENDER COUNT" for what it finds of each sender, then "ready"; then each sender appends its next scrape for ever,
// and each acknowledged one is printed as "SENDER COUNT" with the scrapes of the sender that are acknowledged.
// A scrape is SeriesPerSender samples, its number as their value, a minute after the scrape before. The clock is simulated and goes with the samples,
// so finished chunks are written into files, heads saved and cut, and blocks merged all the while.
const int seriesPerSender = 5, scrapeMs = 60_000, scrapesPerRound = 5;
long startMs = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
string folder = args[0];
int senders = int.Parse(args[1], CultureInfo.InvariantCulture);
var tenant = TenantId.Parse("shop");
var clock = new SimulatedTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(startMs));
var instruments = new Instruments();
await using var log = new FileWriteLog(
    new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os, SegmentBytesMax = 256 << 10 }, clock, instruments, NullLogger.Instance);
await using var store = new MetricStore(
    new MetricStoreOptions { Folder = Path.Combine(folder, "metrics"), HeadChunkBytes = 500, HeadSaveSamples = 200 }, log, new FixedTenantLimits(), clock, instruments, NullLogger.Instance);
store.Start();
var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 1) { AutoFlush = true };
var gate = new Lock();
var have = new int[senders];
for (int sender = 0; sender < senders; sender++) Print($"have {sender} {have[sender] = Count(sender)}");
clock.AdvanceTo(DateTimeOffset.FromUnixTimeMilliseconds(startMs + (have.Max() * (long)scrapeMs)));
Print("ready");
// Senders run side by side, but never far apart: a sample far ahead of the clock, or behind what was cut, would be refused.
for (int target = have.Max() + scrapesPerRound; ; target += scrapesPerRound)
{
    await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(() => SendAsync(sender, target))));
    clock.Advance(TimeSpan.FromMilliseconds(scrapesPerRound * scrapeMs));
}

async Task SendAsync(int sender, int target)
{
    using var batch = new MetricBatch();
    for (; have[sender] < target; have[sender]++)
    {
        batch.Clear();
        for (int i = 0; i < seriesPerSender; i++) batch.AddSample(batch.AddSeries(Series(sender, i)), startMs + (have[sender] * (long)scrapeMs), have[sender]);
        var result = await store.AppendAsync(tenant, batch, CancellationToken.None);
        if (result.Errors.Count > 0) throw new InvalidDataException($"sender {sender}, scrape {have[sender]}: {result.Errors[0].Message}");
        Print($"{sender} {have[sender] + 1}");
    }
}

int Count(int sender)
{
    var counts = new List<int>();
    using var columns = new SampleColumns();
    foreach (var series in store.Select(tenant, [new Matcher(MatchOp.Equal, "sender", Text(sender))], TimeRange.All, SelectHints.None, CancellationToken.None))
    {
        columns.Clear();
        series.Read(TimeRange.All, columns);
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns.Values[i] != i || columns.Timestamps[i] != startMs + (i * (long)scrapeMs))
                throw new InvalidDataException($"{series.Labels}: sample {i} is {columns.Values[i]} at {columns.Timestamps[i]}");
        }
        counts.Add(columns.Count);
    }
    if (counts.Count is not (0 or seriesPerSender) || counts.Distinct().Count() > 1) throw new InvalidDataException($"sender {sender}: series of {string.Join(", ", counts)} samples");
    return counts.FirstOrDefault();
}

void Print(string line)
{
    lock (gate) output.WriteLine(line);
}

static Labels Series(int sender, int i) => Labels.Of(("__name__", $"crash_{i}_total"), ("sender", Text(sender)));

static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
