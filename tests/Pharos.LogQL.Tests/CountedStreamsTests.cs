using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>Many streams are counted from the indexes of parts, page by page; the numbers are those of streams that are read one after another.</summary>
public sealed class CountedStreamsTests
{
    private const long DayNs = 86_400_000_000_000;
    private const long MinuteNs = 60_000_000_000;

    private static readonly TenantLimits ManySeries = new() { LogQuerySeriesMax = 0 };

    private static readonly string[] Selectors =
        ["{app=~\".+\"}", "{app=~\"a[0-3]\"}", "{app!=\"a1\", pod=~\".+\"}", "{pod=~\"pod-1.*\"}", "{app=\"a2\", zone=\"\"}", "{zone=~\".*\", app=~\".+\"}", "{detected_level=\"own\"}", "{app=~\"a1|a4|none\"}"];

    private static readonly string[] Groupings =
        [" by (app)", "", " by (detected_level)", " by (app, detected_level)", " by (pod)", " by (zone)", " by (trace)", " by (app_extracted, app)", " without (pod)", " by (absent)"];

    [Fact]
    public async Task Numbers_are_those_of_streams_one_after_another()
    {
        long streams = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            await using var world = await FillAsync(seed);
            using var plain = new LogQlEngine(new OneByOne(world.Store), new FixedTenantLimits(ManySeries), world.Time);
            var random = new Random(seed);
            for (int i = 0; i < 60; i++)
            {
                string function = random.Next(4) switch { 0 => "bytes_over_time", 1 => "rate", 2 => "bytes_rate", _ => "count_over_time" };
                string range = random.Next(5) switch { 0 => "3d", 1 => "90m", 2 => "1d", 3 => "7m", _ => "10d" };
                string offset = random.Next(5) == 0 ? " offset 5h" : "";
                string query = $"sum{Groupings[random.Next(Groupings.Length)]} ({function}({Selectors[random.Next(Selectors.Length)]}[{range}]{offset}))";
                bool instant = random.Next(3) > 0;
                long end = random.Next(3) == 0 ? (random.Next(72) * 60 * MinuteNs) + random.Next() : 4 * DayNs;
                var expected = await AnswerAsync(plain, query, instant, end);
                var given = await AnswerAsync(world.Engine, query, instant, end);
                Assert.True(expected.Answer == given.Answer, $"seed {seed}: {query} at {end}, instant: {instant}\nexpected {expected.Answer}\ngiven    {given.Answer}");
                streams += given.Read.Streams - expected.Read.Streams;
                Assert.Equal(expected.Read.Duplicates, given.Read.Duplicates);
                Assert.Equal(expected.Read.Passed, given.Read.Passed);
                Assert.Equal(expected.Read.Chunks, given.Read.Chunks);
            }
        }
        // A stream counts for each part that holds it, where parts are counted by themselves.
        Assert.True(streams > 50_000, $"{streams} streams more");
    }

    private static async Task<LogWorld> FillAsync(int seed)
    {
        var world = new LogWorld(ManySeries, with: o => o with { DiscoverLevels = true, BlockBytes = 3000 });
        var random = new Random(seed);
        for (int flush = 0; flush < 4; flush++)
        {
            for (int stream = random.Next(3); stream < 1800; stream += 1 + random.Next(2))
            {
                string selector = $"{{app=\"a{stream % 6}\", pod=\"pod-{stream}\"{(stream % 5 == 0 ? ", zone=\"z\"" : "")}{(stream % 97 == 0 ? ", detected_level=\"own\"" : "")}}}";
                for (int i = random.Next(3); i >= 0; i--)
                {
                    // Some of these lines come in several flushes, at the same times.
                    long at = (stream % 3 * DayNs) + (stream * 7 % 1440 * MinuteNs) + (random.Next(4) * MinuteNs) + (stream % 40 == 0 ? 0 : flush * 10_000_000L);
                    string line = $"level={(random.Next(3) == 0 ? "error" : "info")} {new string('x', stream % 211 == 0 ? 2000 : random.Next(3))}";
                    world.Add(selector, at, line, stream % 50 == 0 ? [KeyValuePair.Create("trace", "t")] : stream % 61 == 0 ? [KeyValuePair.Create("app", "inner")] : null);
                }
            }
            await world.SendAsync();
            // The last lines stay in memory.
            if (flush == 3) break;
            await world.Store.FlushAsync(CancellationToken.None);
            if (seed % 2 == 0 && flush == 1) await world.Store.CompactAsync(CancellationToken.None);
        }
        if (seed == 3) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    private static async Task<(string Answer, LogReadStatistics Read)> AnswerAsync(LogQlEngine engine, string query, bool instant, long end)
    {
        var result = instant
            ? await engine.InstantAsync(LogWorld.Tenant, query, end, CancellationToken.None)
            : await engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = end - (2 * DayNs), EndNs = end, StepNs = 7 * 60 * MinuteNs }, CancellationToken.None);
        return (string.Join('\n', result.Series.Select(s => $"{s.Labels} {string.Join(' ', s.Points.Select(p => $"{p.TimestampMs}:{p.Value:r}"))}")), result.Statistics.Read);
    }

    private sealed class OneByOne(ILogQueryable store) : ILogQueryable
    {
        public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel) => store.Open(tenant, selection with { Counting = null }, cancel);

        public IReadOnlyList<ILogCursor> OpenSplit(TenantId tenant, LogSelection selection, int cursorsMax, CancellationToken cancel) => [Open(tenant, selection, cancel)];

        public IReadOnlyList<Labels> Streams(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
            store.Streams(tenant, matcherSets, startNs, endNs, cancel);

        public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
            store.Volumes(tenant, matchers, startNs, endNs, cancel);
    }
}
