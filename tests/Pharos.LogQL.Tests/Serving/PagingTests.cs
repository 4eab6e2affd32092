using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Tests.Serving;

public sealed class PagingTests
{
    private const long SecondNs = ServedWorld.SecondNs;

    /// <summary>Many lines share their time, stages make different lines look the same, and lines come in between the pages.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Pages_by_cursor_give_each_line_once(bool backward)
    {
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            await using var served = new ServedWorld();
            var there = new List<string>();
            for (int i = 0; i < 300; i++) Add(i);
            await served.World.SendAsync();
            var query = new LogQlRangeQuery
            {
                Text = random.Next(2) == 0 ? "{app=~\".+\"}" : "{app=~\".+\"} | line_format `{{ regexReplaceAll \"[0-9]\" __line__ \"\" }}`",
                StartNs = 0, EndNs = 100 * SecondNs, Limit = random.Next(1, 40), Backward = backward,
            };
            bool formatted = query.Text.Contains("regex", StringComparison.Ordinal);
            var given = new List<LogQlEntry>();
            string? cursor = "";
            int pages = 0;
            while (cursor is not null)
            {
                var page = await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, cursor, CancellationToken.None);
                Assert.True(page.NextCursor is null || page.Result.Entries.Count == query.Limit, $"seed {seed}: a page of {page.Result.Entries.Count} is not full");
                given.AddRange(page.Result.Entries);
                cursor = page.NextCursor;
                Assert.True(++pages < 1000, $"seed {seed}: no end");
                // Where the pages have been already: these lines are not shown any more, and push nothing out of its place.
                long passed = backward ? given[^1].TimestampNs + SecondNs : given[^1].TimestampNs - SecondNs;
                if (passed is >= 0 and < 100 * SecondNs) await served.World.PushAsync("{app=\"new\"}", passed, $"new {random.Next()}");
            }
            Assert.Equal(300, given.Count);
            var expected = there.Select(l => Formatted(l, formatted)).Order(StringComparer.Ordinal);
            Assert.Equal(expected, given.Select(e => $"{e.TimestampNs}|{e.Stream["app"]}|{Encoding.UTF8.GetString(e.Line)}").Order(StringComparer.Ordinal));
            var times = given.Select(e => e.TimestampNs).ToList();
            Assert.Equal(backward ? times.OrderDescending() : times.Order(), times);

            void Add(int i)
            {
                string app = random.Next(2) == 0 ? "a" : "b";
                long at = (random.Next(3) == 0 ? 50 : random.Next(100)) * SecondNs;
                there.Add($"{at}|{app}|line {i}");
                served.World.Add($"{{app=\"{app}\"}}", at, $"line {i}");
            }
        }

        static string Formatted(string line, bool formatted)
        {
            if (!formatted) return line;
            var parts = line.Split('|');
            return $"{parts[0]}|{parts[1]}|{new string([.. parts[2].Where(c => !char.IsAsciiDigit(c))])}";
        }
    }

    /// <summary>Some thousands of lines share each time, a part of them is flushed again and again, and streams are many more than fit on a page.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Pages_through_many_lines_give_each_once_and_read_each_little_more_than_once(bool backward)
    {
        const int Lines = 120_000, Page = 5000;
        await using var served = new ServedWorld();
        for (int i = 0; i < Lines; i++)
        {
            served.World.Add($"{{app=\"a{i % 50}\"}}", i / 3000 * SecondNs, $"line {i}");
            if (i % 10_000 < 9_999) continue;
            await served.World.SendAsync();
            if (i < Lines / 2) await served.World.Store.FlushAsync(CancellationToken.None);
        }
        var query = new LogQlRangeQuery { Text = "{app=~\".+\"}", StartNs = 0, EndNs = 1000 * SecondNs, Limit = Page, Backward = backward };
        var seen = new bool[Lines];
        int pages = 0;
        long read = 0, last = backward ? long.MaxValue : long.MinValue;
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var page = await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, cursor, CancellationToken.None);
            foreach (var entry in page.Result.Entries)
            {
                int number = int.Parse(Encoding.UTF8.GetString(entry.Line.AsSpan("line ".Length)), System.Globalization.CultureInfo.InvariantCulture);
                Assert.False(seen[number], $"line {number} came twice");
                seen[number] = true;
                Assert.Equal(number / 3000 * SecondNs, entry.TimestampNs);
                Assert.True(backward ? entry.TimestampNs <= last : entry.TimestampNs >= last);
                last = entry.TimestampNs;
            }
            read += page.Result.Statistics.Read.Passed;
            cursor = page.NextCursor;
        }
        Assert.DoesNotContain(false, seen);
        Assert.InRange(pages, Lines / Page, (Lines / Page) + 1);
        // A page passes over what was given of its first time, and looks at all of its last one.
        Assert.InRange(read, Lines, Lines + (pages * (6000L + 1)));
    }

    /// <summary>How logcli pages: the next page begins at the last time given, and what it has of that time already is dropped.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Pages_by_time_lose_nothing_where_times_are_equal(bool backward)
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            await using var served = new ServedWorld();
            for (int i = 0; i < 200; i++) served.World.Add($"{{app=\"{(char)('a' + random.Next(4))}\"}}", random.Next(60) * SecondNs, $"line {i}");
            await served.World.SendAsync();
            if (seed % 2 == 0) await served.World.Store.FlushAsync(CancellationToken.None);
            var given = new List<string>();
            var lastOnes = new HashSet<string>();
            var query = new LogQlRangeQuery { Text = "{app=~\".+\"}", StartNs = 0, EndNs = 60 * SecondNs, Limit = 30, Backward = backward };
            while (true)
            {
                var page = await served.RangeAsync(query);
                var fresh = page.Entries.Where(e => !lastOnes.Contains(Show(e))).ToList();
                given.AddRange(fresh.Select(Show));
                if (page.Entries.Count < query.Limit || fresh.Count == 0) break;
                long last = page.Entries[^1].TimestampNs;
                lastOnes = [.. page.Entries.Where(e => e.TimestampNs == last).Select(Show)];
                query = backward ? query with { EndNs = last + 1 } : query with { StartNs = last };
            }
            Assert.True(given.Count == 200 && given.Distinct().Count() == 200, $"seed {seed}: {given.Count} lines, {given.Distinct().Count()} different");
        }

        static string Show(LogQlEntry entry) => $"{entry.TimestampNs} {entry.Stream} {Encoding.UTF8.GetString(entry.Line)}";
    }

    [Fact]
    public async Task Wrong_cursors_are_refused()
    {
        await using var served = new ServedWorld();
        for (int i = 0; i < 5; i++) served.World.Add("{app=\"a\"}", i * SecondNs, $"line {i}");
        await served.World.SendAsync();
        var query = new LogQlRangeQuery { Text = "{app=\"a\"}", StartNs = 0, EndNs = 60 * SecondNs, Limit = 2 };
        var page = await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, "", CancellationToken.None);
        foreach (string wrong in (string[])["x", new string('A', 43), new string('A', 9000), page.NextCursor![..^1], "ä"])
            Assert.Equal(QueryErrorKind.BadData, (await Assert.ThrowsAsync<QueryException>(() => served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, wrong, CancellationToken.None))).Kind);
        var other = await Assert.ThrowsAsync<QueryException>(() => served.Service.PageAsync(LogWorld.Tenant, served.Limits, query with { Backward = false }, page.NextCursor!, CancellationToken.None));
        Assert.Equal("the cursor belongs to another query or direction: begin with an empty cursor", other.Message);
    }

    /// <summary>A block counts as a whole once it is unpacked: then a page ends at the first look at its bytes, after 64 lines.</summary>
    [Theory, InlineData(false, 12), InlineData(true, 32)]
    public async Task A_page_that_has_read_its_bytes_ends_and_the_next_goes_on(bool flushed, int pagesMax)
    {
        await using var served = new ServedWorld();
        for (int i = 0; i < 2000; i++) served.World.Add("{app=\"a\"}", i * SecondNs, $"line {i:0000} " + new string('x', 90));
        await served.World.SendAsync();
        if (flushed) await served.World.Store.FlushAsync(CancellationToken.None);
        served.Limits = served.Limits with { Logs = new LogLimits { QueryBytesMax = 30_000 } };
        var query = new LogQlRangeQuery { Text = "{app=\"a\"}", StartNs = 0, EndNs = 2000 * SecondNs, Limit = 1000, Backward = false };
        var lines = new List<string>();
        string? cursor = "";
        int pages = 0;
        for (; cursor is not null; pages++)
        {
            var page = await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, cursor, CancellationToken.None);
            lines.AddRange(page.Result.Entries.Select(e => Encoding.UTF8.GetString(e.Line)[..9]));
            cursor = page.NextCursor;
        }
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"line {i:0000}"), lines);
        Assert.InRange(pages, 5, pagesMax);
        var partial = await served.RangeAsync(query);
        Assert.StartsWith("the query read all 30000 bytes that it may (max_query_bytes_read): lines may be missing", Assert.Single(partial.Warnings));
        var metric = await Assert.ThrowsAsync<QueryException>(() => served.RangeAsync(query with { Text = "count_over_time({app=\"a\"}[1h])", StepNs = 60 * SecondNs }));
        Assert.StartsWith("the query would read too many bytes (query: ", metric.Message);
    }
}
