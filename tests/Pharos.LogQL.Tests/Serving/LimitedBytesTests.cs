using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Tests.Serving;

/// <summary>Log queries that may read only so many bytes read side by side all the same.</summary>
public sealed class LimitedBytesTests
{
    private const long SecondNs = ServedWorld.SecondNs;

    [Theory, InlineData(true, true), InlineData(true, false), InlineData(false, true)]
    public async Task The_lines_are_the_first_ones_and_the_same_each_time(bool flushed, bool backward)
    {
        await using var served = await FillAsync(flushed);
        foreach (string stages in new[] { "", " |= `7`", " | logfmt | n > 500", " != `line`" })
        {
            var query = new LogQlRangeQuery { Text = "{app=\"a\"}" + stages, StartNs = 0, EndNs = 4000 * SecondNs, Limit = 10_000, Backward = backward };
            served.Limits = served.Limits with { Logs = new LogLimits() };
            var all = await LinesAsync(served, query);
            foreach (long bytes in new[] { 1000L, 20_000, 60_000, 200_000 })
            {
                served.Limits = served.Limits with { Logs = new LogLimits { QueryBytesMax = bytes } };
                var result = await served.RangeAsync(query, useCache: false);
                var lines = Show(result);
                Assert.Equal(all.Take(lines.Count), lines);
                Assert.True(lines.Count == all.Count || result.Warnings.Count == 1, $"{stages}, {bytes} bytes: {lines.Count} of {all.Count} lines, {result.Warnings.Count} warnings");
                // What is over the limit is a block of each stream that has lines at that time.
                Assert.True(result.Statistics.Read.Bytes <= bytes + 40_000, $"{stages}, {bytes} bytes: {result.Statistics.Read.Bytes} read");
                for (int i = 0; i < 5; i++)
                {
                    var again = await served.RangeAsync(query, useCache: false);
                    Assert.Equal(lines, Show(again));
                    Assert.Equal(result.Statistics.Read.Bytes, again.Statistics.Read.Bytes);
                }
            }
        }
    }

    [Theory, InlineData(" | logfmt | n > 100", true), InlineData("", true), InlineData(" |= `3`", false)]
    public async Task Pages_go_on_where_the_bytes_ended(string stages, bool backward)
    {
        await using var served = await FillAsync(flushed: true);
        var query = new LogQlRangeQuery { Text = "{app=\"a\"}" + stages, StartNs = 0, EndNs = 4000 * SecondNs, Limit = 10_000, Backward = backward };
        var all = await LinesAsync(served, query);
        served.Limits = served.Limits with { Logs = new LogLimits { QueryBytesMax = 50_000 } };
        var lines = new List<string>();
        string? cursor = "";
        while (cursor is not null)
        {
            var page = await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, cursor, CancellationToken.None);
            Assert.NotEqual(cursor, page.NextCursor);
            lines.AddRange(Show(page.Result));
            cursor = page.NextCursor;
        }
        Assert.Equal(all, lines);
    }

    private static async Task<ServedWorld> FillAsync(bool flushed)
    {
        var served = new ServedWorld();
        for (int i = 0; i < 4000; i++) served.World.Add($"{{app=\"a\", pod=\"p{(i / 400 * 4) + (i % 4)}\"}}", i * SecondNs, $"level=info n={i * 37 % 1000} line=\"{i:0000} {new string('x', 40)}\"");
        await served.World.SendAsync();
        if (flushed) await served.World.Store.FlushAsync(CancellationToken.None);
        return served;
    }

    private static async Task<List<string>> LinesAsync(ServedWorld served, LogQlRangeQuery query) => Show(await served.RangeAsync(query, useCache: false));

    private static List<string> Show(LogQlResult result) => [.. result.Entries.Select(e => $"{e.TimestampNs} {e.Stream} {Encoding.UTF8.GetString(e.Line)}")];
}
