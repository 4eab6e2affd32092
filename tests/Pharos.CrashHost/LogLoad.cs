using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs;
using Pharos.Logs.Tests;
using Pharos.Storage.WriteLog;

namespace Pharos.CrashHost;

/// <summary>
/// A log store under load. A push is <see cref="LinesPerPush"/> lines with the push's number, a minute after the push before; after each ten pushes
/// the sender deletes the first lines of these ten; one more line of each push is of a stream that is kept for two hours. Beside the pushes, flushes,
/// merges, snapshots, retention and the deletions' work on the disk go on. A sender's counts are its pushes and its deletions.
/// </summary>
internal static class LogLoad
{
    private const int LinesPerPush = 5, PushesPerRound = 5, PushesPerDeletion = 10;
    private const long PushNs = 60_000_000_000;

    // Two hours before midnight: the parts of a second day come soon.
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 22, 0, 0, TimeSpan.Zero);
    private static readonly long StartNs = Start.ToUnixTimeMilliseconds() * 1_000_000;
    private static readonly TimeSpan ShortPeriod = TimeSpan.FromHours(2);
    private static readonly TenantId Tenant = TenantId.Parse("shop");

    private static readonly TenantLimits Limits = new() { LogStreamRetention = [new("{kind=\"short\"}", [new Matcher(MatchOp.Equal, "kind", "short")], 1, ShortPeriod)] };

    public static async Task RunAsync(string folder, int senders, Report report)
    {
        var clock = new SimulatedTimeProvider(Start);
        await CheckSnapshotsAsync(Path.Combine(folder, "logs-snapshots"), senders);
        await using var log = LogIn(folder, clock);
        await using var store = StoreIn(folder, log, clock);
        store.Start();
        var have = Enumerable.Range(0, senders).Select(sender => Count(store, sender)).ToArray();
        report.Ready(have.Select(h => new[] { h.Pushes, h.Deletions }));
        int most = have.Max(h => h.Pushes);
        clock.AdvanceTo(Start + (most * TimeSpan.FromMinutes(1)));
        var upkeep = Task.CompletedTask;
        // Senders run side by side, but never far apart: a line far ahead of the clock would be refused.
        for (int target = most + PushesPerRound; ; target += PushesPerRound)
        {
            await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(() => SendAsync(sender, target))));
            clock.Advance(TimeSpan.FromMinutes(PushesPerRound));
            await upkeep;
            upkeep = Task.Run(async () =>
            {
                await store.FlushAsync(CancellationToken.None);
                store.ApplyRetention();
                await store.CompactAsync(CancellationToken.None);
                string[] old = Snapshots(Path.Combine(folder, "logs-snapshots"));
                await store.SnapshotAsync(Tenant, CancellationToken.None);
                foreach (string snapshot in old)
                {
                    // Out of sight at once: a kill half-way through the files must not leave half a snapshot under its name.
                    Directory.Move(snapshot, snapshot + ".tmp");
                    Directory.Delete(snapshot + ".tmp", recursive: true);
                }
            });
        }

        async Task SendAsync(int sender, int target)
        {
            using var batch = new LogBatch();
            for (; have[sender].Pushes < target; have[sender].Pushes++)
            {
                int push = have[sender].Pushes;
                for (; have[sender].Deletions < push / PushesPerDeletion; have[sender].Deletions++)
                {
                    store.Delete(Tenant, $"s{sender} drop-{have[sender].Deletions}-", StartNs, StartNs + (push * PushNs));
                    report.Acknowledged(sender, push, have[sender].Deletions + 1);
                }
                batch.Clear();
                batch.AddEntry(batch.AddStream(Short(sender)), TimeOf(push), Encoding.UTF8.GetBytes($"push {push} of {sender}"));
                for (int i = 0; i < LinesPerPush; i++) batch.AddEntry(batch.AddStream(Stream(sender)), TimeOf(push) + i, Encoding.UTF8.GetBytes(Line(sender, push, i)));
                var result = await store.AppendAsync(Tenant, batch, CancellationToken.None);
                if (result.Errors.Count > 0) throw new InvalidDataException($"sender {sender}, push {push}: {result.Errors[0].Message}");
                report.Acknowledged(sender, push + 1, have[sender].Deletions);
            }
        }
    }

    private static FileWriteLog LogIn(string folder, TimeProvider clock) => new(
        new WriteLogOptions { Folder = Path.Combine(folder, "write-log"), Sync = SyncPolicy.Os, SegmentBytesMax = 16 << 10 }, clock, new Instruments(), NullLogger.Instance);

    private static LogStore StoreIn(string folder, FileWriteLog log, TimeProvider clock) => new(
        new LogStoreOptions
        {
            Folder = Path.Combine(folder, "logs"),
            BlockBytes = 4000,
            FilterLanguage = new WordLanguage(),
            DeletionDelay = TimeSpan.FromMinutes(15),
            RejectOldEntries = false,
            ServiceNameLabels = [],
        },
        log, new FixedTenantLimits(Limits), clock, new Instruments(), NullLogger.Instance);

    /// <summary>A snapshot is a data folder with all that was there at one moment, or not there.</summary>
    private static async Task CheckSnapshotsAsync(string folder, int senders)
    {
        foreach (string snapshot in Snapshots(folder))
        {
            var clock = new SimulatedTimeProvider(Start);
            await using var log = LogIn(snapshot, clock);
            await using var store = StoreIn(snapshot, log, clock);
            store.Start();
            for (int sender = 0; sender < senders; sender++)
            {
                if (Count(store, sender).Pushes == 0) throw new InvalidDataException($"{snapshot} has nothing of sender {sender}");
            }
        }
    }

    private static string[] Snapshots(string folder) =>
        Directory.Exists(folder) ? [.. Directory.GetDirectories(folder).Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal))] : [];

    /// <summary>Pushes and deletions of a sender that are there; an error where a line is missing, twice, out of order, changed or back from deletion.</summary>
    private static (int Pushes, int Deletions) Count(LogStore store, int sender)
    {
        var found = Read(store, Stream(sender), ordered: true);
        if (!found.SequenceEqual(Read(store, Stream(sender), ordered: false).Order())) throw new InvalidDataException($"sender {sender}: lines differ with and without an order");
        if (found.Count == 0) return (0, 0);
        int pushes = (int)((found[^1].AtNs - StartNs) / PushNs) + 1;
        var first = found.Where(f => f.AtNs == TimeOf(f.AtNs)).Select(f => (int)((f.AtNs - StartNs) / PushNs / PushesPerDeletion));
        int deletions = Math.Min(first.DefaultIfEmpty(int.MaxValue).Min(), pushes / PushesPerDeletion);
        var expected = new List<(long AtNs, string Line)>();
        for (int push = 0; push < pushes; push++)
        {
            for (int i = push / PushesPerDeletion < deletions ? 1 : 0; i < LinesPerPush; i++) expected.Add((TimeOf(push) + i, Line(sender, push, i)));
        }
        if (!found.SequenceEqual(expected))
        {
            throw new InvalidDataException($"sender {sender}: with {pushes} pushes and {deletions} deletions there should be {expected.Count} lines and are {found.Count}; "
                + $"missing: {string.Join(" | ", expected.Except(found).Take(5))}; too many: {string.Join(" | ", found.Except(expected).Take(5))}");
        }
        // What retention may have taken is there or not; the rest is there, once.
        var kept = Read(store, Short(sender), ordered: true);
        var all = Enumerable.Range(0, pushes).Select(push => (TimeOf(push), $"push {push} of {sender}")).ToList();
        var must = all.Where(e => e.Item1 > TimeOf(pushes) - (ShortPeriod.Ticks * 100) + (PushesPerRound * PushNs));
        if (kept.Distinct().Count() != kept.Count || kept.Except(all).Any() || must.Except(kept).Any())
            throw new InvalidDataException($"sender {sender}: of {all.Count} lines that are kept for {ShortPeriod} there are {kept.Count}; missing: {string.Join(" | ", must.Except(kept).Take(5))}; too many: {string.Join(" | ", kept.Except(all).Take(5))}");
        return (pushes, deletions);
    }

    private static List<(long AtNs, string Line)> Read(LogStore store, Labels stream, bool ordered)
    {
        var lines = new List<(long, string)>();
        var matchers = new List<Matcher>();
        foreach (var (name, value) in stream) matchers.Add(new Matcher(MatchOp.Equal, name, value));
        var selection = new LogSelection { Matchers = matchers, StartNs = 0, EndNs = long.MaxValue, Ordered = ordered };
        using var cursor = store.Open(Tenant, selection, CancellationToken.None);
        while (cursor.MoveNext()) lines.Add((cursor.TimestampNs, Encoding.UTF8.GetString(cursor.Line)));
        return lines;
    }

    private static long TimeOf(int push) => StartNs + (push * PushNs);

    /// <summary>When the push began that a line belongs to.</summary>
    private static long TimeOf(long atNs) => atNs - ((atNs - StartNs) % PushNs);

    private static Labels Stream(int sender) => Labels.Of(("app", $"s{sender}"));

    private static Labels Short(int sender) => Labels.Of(("kind", "short"), ("of", $"s{sender}"));

    /// <summary>Some with fields, some without, so that blocks hold columns and plain lines.</summary>
    private static string Line(int sender, int push, int i)
    {
        string what = i == 0 ? $"drop-{push / PushesPerDeletion}-" : "stays";
        return i == 1
            ? $"sender {sender} push {push} line {i} {what}"
            : $"{{\"sender\":{sender},\"push\":{push},\"line\":{i},\"what\":\"{what}\",\"level\":\"info\"}}";
    }
}
