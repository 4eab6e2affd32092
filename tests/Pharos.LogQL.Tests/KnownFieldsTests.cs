using System.Text;
using Pharos.Core;
using Pharos.Logs.Tests;

namespace Pharos.LogQL.Tests;

/// <summary>Answers from fields that the store found are those that parsing gives, whatever the lines are.</summary>
public sealed class KnownFieldsTests
{
    private const long StepNs = 1_000_000;

    private static readonly string[] Queries =
    [
        "sum by (status) (count_over_time({app=~\".+\"} | json | __error__=\"\" [1s]))",
        "sum by (status, level) (count_over_time({app=~\".+\"} | json [1s]))",
        "sum by (status) (count_over_time({app=~\".+\"} | logfmt [1s]))",
        "sum by (level) (count_over_time({app=~\".+\"} | json | status >= 205 [1s]))",
        "sum by (level) (count_over_time({app=~\".+\"} | logfmt | status >= 205 | duration > 300ms [1s]))",
        "count_over_time({app=~\".+\"} | json | ip=\"10.0.7.1\" [1s])",
        "sum by (app) (count_over_time({app=~\".+\"} | json | ip=~\"10\\\\.0\\\\..*\" [1s]))",
        "sum by (x_extracted, app_extracted) (count_over_time({app=~\".+\"} | json [1s]))",
        "sum by (a_b, nested, nested_status, _9lives) (count_over_time({app=~\".+\"} | json [1s]))",
        "sum by (a_b, nested, id, time) (count_over_time({app=~\".+\"} | logfmt [1s]))",
        "sum by (level) (count_over_time({app=~\".+\"} | json | logfmt [1s]))",
        "sum by (status) (count_over_time({app=~\".+\"} | json | line_format \"{{.level}}\" | logfmt [1s]))",
        "sum by (app) (sum_over_time({app=~\".+\"} | json | unwrap duration | __error__=\"\" [1s]))",
        "quantile_over_time(0.9, {app=~\".+\"} | logfmt | unwrap duration(duration) | __error__=\"\" [1s]) by (app)",
        "first_over_time({app=~\".+\"} | json | unwrap status | __error__=\"\" [1s]) by (level)",
    ];

    private static readonly string[] LineQueries =
    [
        "{app=~\".+\"} | json | status >= 205", "{app=~\".+\"} | logfmt | status=\"203\" | level=\"info\"", "{app=~\".+\"} |= `info` | json | duration < 3",
        "{app=~\".+\"} | json | nested_status=\"200\" or level=~\"2.*\"",
    ];

    private static readonly string[] Compared = ["status", "duration", "nested_status", "x_extracted", "app", "trace", "absent"];
    private static readonly string[] Operators = ["==", "!=", ">", ">=", "<", "<="];

    [Fact]
    public async Task Answers_from_known_fields_are_those_of_parsing()
    {
        for (int seed = 1; seed <= 25; seed++)
        {
            await using var known = await FillAsync(seed, flushed: true);
            // In memory nothing is known of a line.
            await using var parsed = await FillAsync(seed, flushed: false);
            Assert.True(KnownLines(known) > 200, $"seed {seed}: fields of {KnownLines(known)} lines are known");
            Assert.Equal(0, KnownLines(parsed));
            foreach (string query in Queries) Assert.Equal(await MetricAsync(parsed, query), await MetricAsync(known, query));
            var random = new Random(seed);
            for (int i = 0; i < 10; i++)
            {
                string query = $"{{app=~\".+\"}} | {(i % 2 == 0 ? "json" : "logfmt")} | {Compared[random.Next(Compared.Length)]} {Operators[random.Next(Operators.Length)]} {random.Next(190, 220)}";
                Assert.Equal(await LinesAsync(parsed, query), await LinesAsync(known, query));
            }
            foreach (string query in LineQueries) Assert.Equal(await LinesAsync(parsed, query), await LinesAsync(known, query));
        }
    }

    private static int KnownLines(LogWorld world)
    {
        using var cursor = world.Store.Open(LogWorld.Tenant, new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue, Ordered = false }, CancellationToken.None);
        int lines = 0;
        while (cursor.MoveNext())
        {
            if (cursor.Fields is { } fields && fields.FormatOf(cursor.FieldRow) != LogFieldFormat.None) lines++;
        }
        return lines;
    }

    private static async Task<LogWorld> FillAsync(int seed, bool flushed)
    {
        var world = new LogWorld();
        var lines = new RandomLines(seed);
        for (int i = 0; i < 600; i++)
        {
            world.AddBytes($"{{app=\"{(i % 3 == 0 ? "a" : "b")}\"}}", (i + 1) * StepNs, lines.Next(), i % 5 == 0 ? [KeyValuePair.Create("trace", "t1")] : null);
        }
        await world.SendAsync();
        if (flushed) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    private static async Task<string> MetricAsync(LogWorld world, string query)
    {
        try
        {
            var range = new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 2_000_000_000, StepNs = 100_000_000 };
            var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, range, CancellationToken.None);
            return query + "\n" + string.Join("\n", result.Series.Select(s => $"{s.Labels} {string.Join(' ', s.Points.Select(p => $"{p.TimestampMs}:{p.Value:r}"))}"));
        }
        catch (QueryException e)
        {
            return e.Message;
        }
    }

    private static async Task<string> LinesAsync(LogWorld world, string query)
    {
        var result = await world.Engine.QueryRangeAsync(
            LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 2_000_000_000, Limit = 5000 }, CancellationToken.None);
        return query + "\n" + string.Join("\n", result.Entries.Select(e => $"{e.TimestampNs} {Encoding.Latin1.GetString(e.Line)} {e.Stream} {e.Metadata} {e.Parsed}"));
    }
}
