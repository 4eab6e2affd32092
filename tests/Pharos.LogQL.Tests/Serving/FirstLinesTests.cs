using Pharos.Core;

namespace Pharos.LogQL.Tests.Serving;

/// <summary>Queries over weeks have their first lines before they have read the others.</summary>
public sealed class FirstLinesTests
{
    private const int Days = 30, LinesOfADay = 1000, Streams = 4;
    private const long DayNs = 24 * ServedWorld.HourNs;

    [Theory, InlineData(true, ""), InlineData(false, ""), InlineData(true, " |= `line`"), InlineData(false, " | logfmt | n > -1")]
    public async Task A_page_of_a_query_over_weeks_reads_its_own_days_alone(bool backward, string stages)
    {
        await using var served = await FillAsync();
        var query = Query(backward, stages) with { Limit = 100 };
        foreach (var result in (LogQlResult[])[(await served.Service.PageAsync(LogWorld.Tenant, served.Limits, query, "", CancellationToken.None)).Result, await served.RangeAsync(query, useCache: false)])
        {
            Assert.Equal(100, result.Entries.Count);
            Assert.All(result.Entries, e => Assert.Equal(backward ? Days - 1 : 0, e.TimestampNs / DayNs));
            Assert.InRange(result.Statistics.Read.Lines, 100, 2 * LinesOfADay);
        }
    }

    [Theory, InlineData(true, ""), InlineData(false, ""), InlineData(true, " |= `line`"), InlineData(false, " | logfmt | n > -1")]
    public async Task The_first_line_of_a_stream_comes_when_little_was_read(bool backward, string stages)
    {
        await using var served = await FillAsync();
        var query = Query(backward, stages) with { Limit = int.MaxValue };
        long atFirst = -1, lines = 0;
        var result = await served.Service.StreamAsync(LogWorld.Tenant, served.Limits, query, _ =>
        {
            // The query goes on only when this returns.
            if (lines++ == 0) atFirst = Assert.Single(served.Running.Active(LogWorld.Tenant)).Samples;
        }, CancellationToken.None);
        Assert.Equal(Days * LinesOfADay, lines);
        Assert.Equal(Days * LinesOfADay, result.Statistics.Read.Lines);
        Assert.InRange(atFirst, 1, 2 * LinesOfADay);
    }

    private static LogQlRangeQuery Query(bool backward, string stages) => new() { Text = "{app=~\"a.*\"}" + stages, StartNs = 0, EndNs = Days * DayNs, Backward = backward };

    /// <summary>A part for each day, with a block of each stream.</summary>
    private static async Task<ServedWorld> FillAsync()
    {
        var served = new ServedWorld();
        for (int day = 0; day < Days; day++)
        {
            for (int i = 0; i < LinesOfADay; i++) served.World.Add($"{{app=\"a{i % Streams}\"}}", (day * DayNs) + (i * ServedWorld.SecondNs), $"n={i} line of day {day}");
            await served.World.SendAsync();
            Assert.True(await served.World.Store.FlushAsync(CancellationToken.None));
        }
        return served;
    }
}
