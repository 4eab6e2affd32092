using System.Text;
using Pharos.Core;

namespace Pharos.Logs.Tests;

/// <summary>Streams that have been flushed are on the disk alone, and are found there as if they were in memory.</summary>
public sealed class ManyStreamsTests
{
    [Fact]
    public async Task Of_many_streams_only_those_that_are_asked_for_are_read()
    {
        const int streams = 20_000;
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { IndexCacheBytes = 1 << 20 });
        for (int from = 0; from < streams; from += 1000)
        {
            using var batch = new LogBatch();
            for (int i = from; i < from + 1000; i++) batch.AddEntry(batch.AddStream(Labels.Of(("app", $"app{i % 20}"), ("pod", $"pod{i}"))), i, Encoding.UTF8.GetBytes($"line of {i}"));
            Assert.Equal(1000, (await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None)).Entries);
        }
        Assert.Equal(streams, world.Metric("loki_ingester_memory_streams"));
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.Equal(0, world.Metric("loki_ingester_memory_streams"));
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
        for (int start = 0; start < 2; start++)
        {
            // One page of label pairs and one of streams, some 300 of which there are.
            double before = world.Metric("pharos_logs_index_pages_read_total");
            Assert.Equal(["app7 1234567 x"], await PushOneAsync(world, start, "pod1234"));
            Assert.InRange(world.Metric("pharos_logs_index_pages_read_total") - before, 0, 4);
            before = world.Metric("pharos_logs_index_pages_read_total");
            Assert.Equal(streams / 20, world.Store.Streams(StoreWorld.Tenant, [[new Matcher(MatchOp.Equal, "app", "app3")]], 0, streams, CancellationToken.None).Count);
            Assert.InRange(world.Metric("pharos_logs_index_pages_read_total") - before, 1, 400);
            before = world.Metric("pharos_logs_index_pages_read_total");
            Assert.Equal(20, world.Store.LabelValues(StoreWorld.Tenant, "app", [], 0, long.MaxValue, CancellationToken.None).Count);
            Assert.Equal(["app", "pod"], world.Store.LabelNames(StoreWorld.Tenant, [], 0, long.MaxValue, CancellationToken.None));
            Assert.InRange(world.Metric("pharos_logs_index_pages_read_total") - before, 0, 30);
            Assert.Equal(streams, world.Store.LabelValues(StoreWorld.Tenant, "pod", [], 0, streams, CancellationToken.None).Count);
            await world.RestartAsync();
        }
    }

    /// <summary>Selectors over parts, memory and what is set aside give the streams that looking at each of them gives; in order, cut into ranges.</summary>
    [Fact]
    public async Task Selectors_find_what_looking_at_each_stream_finds()
    {
        for (int seed = 1; seed <= 6; seed++)
        {
            var random = new Random(seed);
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { StreamsAtOnceMax = 30 + (seed % 7 * 40), IndexCacheBytes = 2_000_000 });
            var entries = new List<(Labels Stream, long Ns, string Line)>();
            for (int step = 0; step < 8; step++)
            {
                using var batch = new LogBatch();
                for (int i = 0; i < 150; i++)
                {
                    var labels = Labels.Of(("app", $"a{random.Next(4)}"), ("pod", random.Next(3) == 0 ? "" : $"p{random.Next(60)}"), ("zone", $"z{random.Next(2)}"));
                    long ns = random.NextInt64(0, 3 * 86_400) * StoreWorld.SecondNs;
                    string line = $"{seed} {step} {i}";
                    batch.AddEntry(batch.AddStream(labels), ns, Encoding.UTF8.GetBytes(line));
                    entries.Add((labels, ns, line));
                }
                await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None);
                if (step < 7 && random.Next(3) > 0) await world.Store.FlushAsync(CancellationToken.None);
                if (random.Next(6) == 0) await world.Store.CompactAsync(CancellationToken.None);
                if (random.Next(6) == 0) await world.RestartAsync();
            }
            for (int query = 0; query < 25; query++)
            {
                var matchers = Enumerable.Range(0, random.Next(3)).Select(_ => RandomMatcher(random)).ToList();
                long start = random.NextInt64(0, 3 * 86_400) * StoreWorld.SecondNs, end = start + (random.NextInt64(1, 86_400) * StoreWorld.SecondNs);
                if (query % 4 == 0) (start, end) = (0, long.MaxValue);
                string context = $"seed {seed}, query {query}: {string.Join(',', matchers)} {start} {end}";
                var wanted = entries.Where(e => e.Ns >= start && e.Ns < end && Matcher.All(matchers, e.Stream)).ToList();
                foreach (bool backward in new[] { false, true })
                {
                    using var cursor = world.Store.Open(StoreWorld.Tenant, new LogSelection { Matchers = matchers, StartNs = start, EndNs = end, Backward = backward }, CancellationToken.None);
                    var read = new List<(Labels, long, string)>();
                    while (cursor.MoveNext()) read.Add((cursor.Stream, cursor.TimestampNs, Encoding.UTF8.GetString(cursor.Line)));
                    Assert.True(wanted.ToHashSet().SetEquals(read) && read.Count == wanted.Count, context);
                    var times = read.ConvertAll(r => r.Item2);
                    Assert.True(times.SequenceEqual(backward ? times.OrderDescending() : times.Order()), context);
                }
                if (end < long.MaxValue)
                {
                    long step = Math.Max(1, (end - start) / (1 + random.Next(12)));
                    var steps = new List<(Labels, int, long)>();
                    for (int i = 0; start + (i * step) < end; i++)
                    {
                        foreach (var (stream, volume) in world.Store.Volumes(StoreWorld.Tenant, matchers, start + (i * step), Math.Min(end, start + ((i + 1) * step)), CancellationToken.None))
                            steps.Add((stream, i, volume.Bytes));
                    }
                    var at = world.Store.VolumesBySteps(StoreWorld.Tenant, matchers, start, end, step, CancellationToken.None).SelectMany(v => v.Steps.Select(s => (v.Stream, s.Step, s.Bytes)));
                    Assert.Equal(steps.OrderBy(s => s.Item1).ThenBy(s => s.Item2), at);
                }
                var streams = world.Store.Streams(StoreWorld.Tenant, [matchers], 0, long.MaxValue, CancellationToken.None);
                Assert.Equal(entries.Select(e => e.Stream).Where(s => Matcher.All(matchers, s)).Distinct().Order(), streams);
                foreach (string name in new[] { "app", "pod", "none" })
                {
                    Assert.Equal(
                        streams.Select(s => s[name]).Where(v => v.Length > 0).Distinct().Order(StringComparer.Ordinal),
                        world.Store.LabelValues(StoreWorld.Tenant, name, matchers, 0, long.MaxValue, CancellationToken.None));
                }
            }
        }
    }

    /// <summary>Counts from headers are the counts of entries, also where blocks overlap, entries are there twice, and lines come late.</summary>
    [Fact]
    public async Task Counting_is_the_same_with_headers_and_without()
    {
        long fromHeaders = 0;
        for (int seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            bool repeats = seed % 3 == 0;
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 4000 });
            var sent = new HashSet<(string, long, string)>();
            long now = 0;
            for (int step = 0; step < 60; step++)
            {
                if (random.Next(8) == 0) await world.Store.FlushAsync(CancellationToken.None);
                if (random.Next(20) == 0) await world.Store.CompactAsync(CancellationToken.None);
                if (random.Next(20) == 0) await world.RestartAsync();
                now += 40;
                var entries = Enumerable.Range(0, 30).Select(_ => ($"s{random.Next(2)}", now + random.Next(-60, 20), $"line {random.Next(repeats ? 5 : 1_000_000)}")).ToArray();
                await world.PushAsync(entries);
                sent.UnionWith(entries);
            }
            if (random.Next(2) == 0) await world.Store.FlushAsync(CancellationToken.None);
            foreach (long step in new long[] { 10_000, 500, 100 })
            {
                var windows = new StepWindows(new Steps(step, step, (int)(10_000 / step)), step);
                var selection = new LogSelection
                {
                    Matchers = [new Matcher(MatchOp.Regex, "app", ".+")], StartNs = 1, EndNs = 10_001, Ordered = false, LinesUnread = true,
                    MetadataNames = new HashSet<string> { "app" }, Counting = windows,
                };
                var counts = new Dictionary<(string, long), long>();
                foreach (var cursor in world.Store.OpenSplit(StoreWorld.Tenant, selection, 3, CancellationToken.None))
                {
                    using (cursor)
                    {
                        while (cursor.MoveNext())
                        {
                            var key = (cursor.Stream["app"], windows.First(cursor.TimestampNs));
                            counts[key] = counts.GetValueOrDefault(key) + cursor.Count;
                            if (cursor.Count > 1) fromHeaders += cursor.Count;
                        }
                    }
                }
                var expected = sent.Where(e => e.Item2 is > 0 and < 10_001).GroupBy(e => (e.Item1, windows.First(e.Item2))).ToDictionary(g => g.Key, g => (long)g.Count());
                Assert.True(expected.Count == counts.Count && expected.All(e => counts.GetValueOrDefault(e.Key) == e.Value), $"seed {seed}, step {step}");
            }
        }
        Assert.True(fromHeaders > 5000, $"only {fromHeaders} entries were counted by headers");
    }

    private static Matcher RandomMatcher(Random random) => random.Next(9) switch
    {
        0 => new(MatchOp.Equal, "app", $"a{random.Next(5)}"),
        1 => new(MatchOp.Equal, "pod", $"p{random.Next(60)}"),
        2 => new(MatchOp.Regex, "pod", $"p{random.Next(7)}.*"),
        3 => new(MatchOp.Regex, "pod", $"p{random.Next(60)}|p{random.Next(60)}"),
        4 => new(MatchOp.NotEqual, "pod", random.Next(2) == 0 ? "" : $"p{random.Next(60)}"),
        5 => new(MatchOp.NotRegex, "app", "a[01]"),
        6 => new(MatchOp.Equal, "pod", ""),
        7 => new(MatchOp.Regex, "app", ".+"),
        _ => new(MatchOp.Regex, "zone", ".*1"),
    };

    private static async Task<List<string>> PushOneAsync(StoreWorld world, int start, string pod)
    {
        using var batch = new LogBatch();
        long ns = 1_234_567;
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "app7"), ("pod", $"new{start}"))), ns, "x"u8);
        await world.Store.AppendAsync(StoreWorld.Tenant, batch, CancellationToken.None);
        Assert.Equal([$"app14 {1234} line of 1234"], world.Read(new LogSelection { Matchers = [new Matcher(MatchOp.Equal, "pod", pod)], StartNs = 0, EndNs = long.MaxValue }, out _));
        return world.Read(new LogSelection { Matchers = [new Matcher(MatchOp.Equal, "pod", $"new{start}")], StartNs = 0, EndNs = long.MaxValue }, out _);
    }
}
