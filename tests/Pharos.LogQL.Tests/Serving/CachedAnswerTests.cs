using Pharos.Core;

namespace Pharos.LogQL.Tests.Serving;

public sealed class CachedAnswerTests
{
    private const long SecondNs = ServedWorld.SecondNs, HourNs = ServedWorld.HourNs;

    private static readonly string[] Queries =
    [
        "{app=~\".+\"}", "{app=\"a\"} |= \"7\"", "{app=\"b\"} | logfmt | n > 50", "{app=~\".+\"} |= \"nothing has this\"", "{app=\"a\"} | line_format `{{.app}} {{__line__}}`",
        "sum by (app) (count_over_time({app=~\".+\"}[10m]))", "max by (app) (max_over_time({app=~\".+\"} | logfmt | unwrap n [3h]))", "rate({app=\"a\"}[1h] offset 90m)",
        "sum(sum_over_time({app=~\".+\"} | logfmt | unwrap n [20m])) or vector(7)", "absent_over_time({app=\"c\"}[30m])", "count_over_time({app=\"b\"}[5m] offset -2h)", "topk(1, count_over_time({app=~\".+\"}[2h]))",
        "sum(count_over_time({app=~\".+\"}[45m])) > 3", "{app=\"a\", pod=\"1\"}", "{app=~\".+\", app!=\"a\"}", "{pod=\"2\", app=~\"a|b\"} |= \"1\"", "{app=\"a\", zone=\"\"}",
        "sum by (pod) (count_over_time({app=\"a\"}[10m])) / on() group_left sum(count_over_time({pod=\"0\"}[10m] offset 1h))", "count_over_time({pod=\"1\"}[3h])",
    ];

    private static readonly long[] Steps = [60, 300, 3600, 7200];

    /// <summary>Late lines, deletions and their cancellation between queries of any range, limit and direction: what is kept never shows.</summary>
    [Fact]
    public async Task Cached_answers_equal_those_without_a_cache()
    {
        double fromCache = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            await using var served = new ServedWorld();
            for (int i = 0; i < 200; i++) Add(served.World, random);
            await served.World.SendAsync();
            var deletions = new List<string>();
            for (int step = 0; step < 150; step++)
            {
                switch (random.Next(10))
                {
                    case 0:
                        Add(served.World, random);
                        await served.World.SendAsync();
                        break;
                    case 1 when random.Next(4) == 0:
                        long from = random.Next(30) * HourNs;
                        deletions.Add(served.World.Store.Delete(LogWorld.Tenant, random.Next(2) == 0 ? "{app=\"a\"}" : "{app=~\".+\"} |= \"3\"", from, from + (random.Next(1, 200) * 60 * SecondNs)).Id);
                        break;
                    case 2 when deletions.Count > 0:
                        served.World.Store.CancelDeletion(LogWorld.Tenant, deletions[^1]);
                        deletions.RemoveAt(deletions.Count - 1);
                        break;
                    case 3 when random.Next(4) == 0:
                        await served.World.Store.FlushAsync(CancellationToken.None);
                        break;
                    default:
                        await CompareAsync(served, random, $"seed {seed} step {step}");
                        break;
                }
            }
            fromCache += served.Parts("cache");
        }
        Assert.True(fromCache > 2000, $"only {fromCache} parts came from the cache");
    }

    [Fact]
    public async Task Late_lines_make_the_hours_they_touch_be_read_again_and_no_others()
    {
        await using var served = new ServedWorld();
        for (int hour = 0; hour < 24; hour++) served.World.Add("{app=\"a\"}", (hour * HourNs) + SecondNs, "x");
        await served.World.SendAsync();
        var query = new LogQlRangeQuery { Text = "sum(count_over_time({app=\"a\"}[5m]))", StartNs = 0, EndNs = 24 * HourNs, StepNs = 60 * SecondNs };
        Assert.Equal((24, 0, 24), (await served.RangeAsync(query)).Statistics.Cache);
        var (again, other, late) = (await served.RangeAsync(query), await LateAsync("b"), await LateAsync("a"));
        Assert.Equal((24, 24, 0), again.Statistics.Cache);
        Assert.Equal((24, 24, 0), other.Statistics.Cache);
        // One line of 07:58: seen by the steps of two hours.
        Assert.Equal((24, 22, 2), late.Statistics.Cache);
        Assert.Equal((0, 3), (other.Statistics.Read.Lines, late.Statistics.Read.Lines));

        async Task<LogQlResult> LateAsync(string app)
        {
            await served.World.PushAsync($"{{app=\"{app}\"}}", (7 * HourNs) + (58 * 60 * SecondNs), "late");
            return await served.RangeAsync(query);
        }
    }

    [Fact]
    public async Task Hours_without_a_hit_are_not_scanned_twice()
    {
        await using var served = new ServedWorld();
        for (int hour = 0; hour < 500; hour++) served.World.Add("{app=\"a\"}", (hour * HourNs) + SecondNs, hour == 3 ? "needle" : $"line {hour}");
        await served.World.SendAsync();
        var query = new LogQlRangeQuery { Text = "{app=\"a\"} |= \"needle\"", StartNs = 0, EndNs = 500 * HourNs, Limit = 10 };
        var first = await served.RangeAsync(query);
        Assert.Equal(500, first.Statistics.Read.Lines);
        var second = await served.RangeAsync(query with { EndNs = 499 * HourNs, StartNs = HourNs });
        Assert.Equal(ServedWorld.Show(first), ServedWorld.Show(second));
        Assert.Equal((0, 498), (second.Statistics.Read.Lines, second.Statistics.Cache.Found));
        Assert.Equal((500, 0), ((await served.RangeAsync(query, useCache: false)).Statistics.Read.Lines, second.Statistics.Cache.Stored));
    }

    [Fact]
    public async Task The_first_page_of_weeks_reads_only_what_it_shows()
    {
        await using var served = new ServedWorld();
        for (int hour = 0; hour < 700; hour++)
        {
            for (int i = 0; i < 5; i++) served.World.Add("{app=\"a\"}", (hour * HourNs) + (i * SecondNs), $"line {i}");
        }
        await served.World.SendAsync();
        var page = await served.RangeAsync(new LogQlRangeQuery { Text = "{app=\"a\"}", StartNs = 0, EndNs = 700 * HourNs, Limit = 12 });
        Assert.Equal((12, 699 * HourNs), (page.Entries.Count, page.Entries[0].TimestampNs - (4 * SecondNs)));
        Assert.True(page.Statistics.Read.Lines <= 13, $"{page.Statistics.Read.Lines} lines were read for 12");
    }

    /// <summary>Of weeks in parts only the blocks that hold the page are opened, whichever way a client asks; a streamed line is out before the next block is opened.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task The_first_page_of_weeks_opens_only_the_blocks_that_hold_it(bool backward)
    {
        const int Days = 21, PerDay = 40;
        string[] apps = ["a", "b", "c"];
        await using var served = new ServedWorld();
        for (int day = 0; day < Days; day++)
        {
            for (int i = 0; i < PerDay; i++)
            {
                foreach (string app in apps) served.World.Add($"{{app=\"{app}\"}}", (day * 24 * HourNs) + (i * 60 * SecondNs), $"line {i}");
            }
            await served.World.SendAsync();
            Assert.True(await served.World.Store.FlushAsync(CancellationToken.None));
        }
        var query = new LogQlRangeQuery { Text = "{app=~\".+\"}", StartNs = 0, EndNs = Days * 24 * HourNs, Limit = 12, Backward = backward };
        var page = await served.RangeAsync(query);
        Assert.Equal((12, Days * apps.Length, apps.Length), (page.Entries.Count, page.Statistics.Read.Chunks, page.Statistics.Read.Blocks));
        var first = (await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, "", CancellationToken.None)).Result;
        Assert.Equal((12, apps.Length), (first.Entries.Count, first.Statistics.Read.Blocks));
        long lines = 0, readAtFirst = 0;
        var streamed = await served.Service.StreamAsync(LogWorld.Tenant, served.Limits, query with { Limit = int.MaxValue }, _ =>
        {
            if (lines++ == 0) readAtFirst = Assert.Single(served.Running.Active(LogWorld.Tenant)).Samples;
        }, CancellationToken.None);
        Assert.Equal((Days * apps.Length * PerDay, apps.Length * PerDay), (lines, readAtFirst));
        Assert.Equal(Days * apps.Length, streamed.Statistics.Read.Blocks);
    }

    private static async Task CompareAsync(ServedWorld served, Random random, string where)
    {
        string text = Queries[random.Next(Queries.Length)];
        long step = Steps[random.Next(Steps.Length)] * SecondNs;
        long start = random.Next(4) * 8 * HourNs, end = start + (random.Next(1, 4) * 8 * HourNs);
        if (random.Next(3) == 0) (start, end) = (start + (random.Next(3600) * SecondNs), end + (random.Next(3600) * SecondNs));
        if (LogQl.IsMetric(text)) (start, end) = (start - (start % step), end - (end % step) + step);
        var query = new LogQlRangeQuery { Text = text, StartNs = start, EndNs = end, StepNs = step, Limit = random.Next(1, 60), Backward = random.Next(2) == 0, IntervalNs = random.Next(8) == 0 ? 600 * SecondNs : 0 };
        string cached = ServedWorld.Show(await served.RangeAsync(query)), plain = ServedWorld.Show(await served.RangeAsync(query, useCache: false));
        Assert.True(cached == plain, $"{where}: {query}\nwith cache:\n{cached}\nwithout:\n{plain}");
    }

    private static void Add(LogWorld world, Random random)
    {
        long at = random.Next(40 * 3600) * SecondNs;
        world.Add($"{{app=\"{(random.Next(2) == 0 ? "a" : "b")}\"{(random.Next(2) == 0 ? "" : $",pod=\"{random.Next(3)}\"")}}}", at - (random.Next(3) == 0 ? at % HourNs : 0), $"n={random.Next(100)} id={random.Next()}");
    }
}
