using System.Globalization;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>Lines of packed blocks are passed over by columns of their fields before they are looked at; answers are those of lines that are looked at one by one.</summary>
public sealed class NarrowedLinesTests
{
    private const int Streams = 8;
    private const int LinesEach = 90;
    private const long DayNs = 86_400_000_000_000;

    private static readonly string[] Fields = ["status", "took", "size", "wait", "level", "path", "trace", "app", "absent", "ip"];
    private static readonly string[] Operators = ["==", "!=", ">", ">=", "<", "<="];
    private static readonly string[] Texts = ["info", "warn", "error", "200", "203", "", "t1", "/a/7", "a3", "1.5ms", "12", "10.0.0.7"];
    private static readonly string[] Patterns = ["e.*", ".*", "", "2..", "/a/[0-3].*", "info|warn", "t.", ".+s"];
    private static readonly string[] Quantities = ["0", "1", "202", "1.5", "203.25", "1ms", "1.5ms", "40ms", "2s", "1KB", "12B", "3MiB", "0.7KB"];

    [Fact]
    public async Task Answers_are_those_of_lines_that_are_looked_at_one_by_one()
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            await using var packed = await FillAsync(seed, flushed: true);
            // In memory nothing is known of a line.
            await using var open = await FillAsync(seed, flushed: false);
            var random = new Random(seed);
            for (int i = 0; i < 60; i++)
            {
                string query = RandomQuery(random);
                bool backward = random.Next(2) == 0;
                string expected = await AnswerAsync(open, query, backward), given = await AnswerAsync(packed, query, backward);
                Assert.True(expected == given, $"seed {seed}: {query}\nexpected {expected}\ngiven    {given}");
            }
        }
    }

    [Theory]
    // Bounds are met exactly, however a number is written, and what cannot be read as a quantity stays with an error.
    [InlineData("wait >= 10.1", 5), InlineData("wait > 10.1", 4), InlineData("wait == 10.1", 1), InlineData("wait != 10.1", 9), InlineData("wait < 10.1", 5), InlineData("wait <= 10.1", 6)]
    [InlineData("wait > 10.05 and wait < 10.25", 2), InlineData("wait < 10.05 or wait > 10.45", 6), InlineData("wait == 10", 1), InlineData("wait == 10.0", 1), InlineData("wait > 99", 0)]
    [InlineData("took >= 3ms", 7), InlineData("took > 3000us", 6), InlineData("took == 0.003s", 1), InlineData("took >= 2.001ms", 7), InlineData("took != 9ms", 9)]
    [InlineData("size >= 3KB", 7), InlineData("size > 3000B", 6), InlineData("size == 3kB", 1), InlineData("size >= 2001B", 7), InlineData("big >= 9007199254740993", 10), InlineData("big == 9007199254740992", 10)]
    [InlineData("mixed > 5", 8), InlineData("mixed > 5 | __error__=\"\"", 3), InlineData("level > 5", 10), InlineData("absent > 5", 0), InlineData("absent != 5", 0), InlineData("absent=\"\"", 10)]
    public async Task A_filter_keeps_the_lines_that_it_means(string filter, int lines)
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 10; i++)
        {
            string wait = i == 4 ? "10" : i < 4 ? $"{i}.{i}0" : $"10.{i - 4}";
            world.Add("{app=\"a\"}", i + 1, $"{{\"wait\":{wait},\"took\":\"{i}ms\",\"size\":\"{i}KB\",\"level\":\"info\",\"mixed\":\"{(i % 2 == 0 ? "x" : "")}{i + (i == 1 || i == 3 ? 0 : 4)}\",\"big\":900719925474099{2 + (i % 2)}}}");
        }
        await world.SendAsync();
        await world.Store.FlushAsync(CancellationToken.None);
        var query = new LogQlRangeQuery { Text = $"{{app=\"a\"}} | json | {filter}", StartNs = 0, EndNs = 1000, Limit = 100 };
        var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, query, CancellationToken.None);
        Assert.Equal(lines, result.Entries.Count);
    }

    private static async Task<LogWorld> FillAsync(int seed, bool flushed)
    {
        var world = new LogWorld();
        var random = new Random(seed);
        for (int stream = 0; stream < Streams; stream++)
        {
            int kind = random.Next(9);
            bool json = random.Next(3) > 0;
            string selector = $"{{app=\"a{stream}\"{(kind == 0 ? ", status=\"202\"" : kind == 1 ? ", took=\"3ms\", took_extracted=\"x\"" : "")}}}";
            for (int i = 0; i < LinesEach; i++)
            {
                string line = Line(random, json ^ (kind == 2 && random.Next(4) == 0), kind);
                // Three days, so that there are several blocks and parts.
                long at = (i % 3 * DayNs) + (((i * Streams) + stream + 1) * 1_000_000L);
                world.Add(selector, at, line, kind == 3 && i % 4 == 0 ? [KeyValuePair.Create("status", "203")] : i % 5 == 0 ? [KeyValuePair.Create("trace", $"t{i % 3}")] : null);
            }
        }
        await world.SendAsync();
        if (flushed) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    private static string Line(Random random, bool json, int kind)
    {
        if (random.Next(20) == 0) return random.Next(3) switch { 0 => "{\"status\":204,", 1 => "status=\"20", _ => "nothing of both" };
        string number = random.Next(4) switch
        {
            0 => random.Next(5).ToString(CultureInfo.InvariantCulture), 1 => (random.Next(400) / 100.0).ToString("0.00", CultureInfo.InvariantCulture),
            2 => "-" + (1 + random.Next(9)), _ => (random.NextDouble() * 1000).ToString("0.000", CultureInfo.InvariantCulture),
        };
        (string Name, string Value, bool Quoted)?[] fields =
        [
            ("status", kind == 4 && random.Next(9) == 0 ? "oops" : $"{200 + random.Next(5)}", kind == 4),
            ("took", $"{random.Next(90) / 2.0}{(kind == 5 ? random.Next(3) switch { 0 => "s", 1 => "us", _ => "weeks" } : "ms")}".Replace(",", ".", StringComparison.Ordinal), true),
            random.Next(3) == 0 ? null : ("size", $"{random.Next(3000)}{(kind == 6 ? "QB" : "B")}", true),
            ("wait", number, false),
            random.Next(9) == 0 ? null : ("level", Texts[random.Next(3)], true),
            ("path", $"/a/{random.Next(2000)}{(kind == 7 ? "?q=ü" : "")}", true),
            kind == 8 ? ("app", "inner", true) : null,
            random.Next(6) == 0 ? ("trace", "t1", true) : null,
            ("ip", $"10.0.0.{random.Next(12)}", true),
        ];
        var present = fields.OfType<(string Name, string Value, bool Quoted)>();
        return json
            ? "{" + string.Join(',', present.Select(f => $"\"{f.Name}\":{(f.Quoted ? $"\"{f.Value}\"" : f.Value)}")) + "}"
            : string.Join(' ', present.Select(f => $"{f.Name}={f.Value}"));
    }

    private static string RandomQuery(Random random)
    {
        string parser = random.Next(5) switch { 0 or 1 => "json", 2 => "logfmt", 3 => "logfmt --strict", _ => "json | logfmt" };
        string filters = string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => " | " + RandomFilter(random, 2)));
        string before = random.Next(4) switch { 0 => " |= `20`", 1 => " != `error`", 2 => " |~ `a/[12]`", _ => "" };
        string lines = $"{{app=~\".+\"}}{before}{(random.Next(6) == 0 ? " | trace=\"t1\"" : "")} | {parser}{filters}";
        string more = random.Next(5) switch
        {
            0 => " | label_format status=level, other=`{{.status}}`", 1 => " | drop level, __error__", 2 => " | line_format `{{.level}} {{.status}}` | status >= 202", _ => "",
        };
        string noErrors = random.Next(3) > 0 ? " | __error__=\"\"" : "";
        return random.Next(7) switch
        {
            0 => $"sum by (status, level) (count_over_time({lines}{more} [1d]))",
            1 => $"count_over_time({lines}{more} [12h])",
            2 => $"avg by (app) (avg_over_time({lines} | unwrap wait{noErrors} [1d]))",
            3 => $"quantile_over_time(0.7, {lines} | unwrap duration(took){noErrors} [2d]) by (level)",
            4 => $"sum without (path, ip, wait) (sum_over_time({lines}{more} | unwrap bytes(size){noErrors} [1d]))",
            5 => $"max_over_time({lines} | unwrap status{noErrors} [1d]) by (trace, app)",
            _ => lines + more,
        };
    }

    private static string RandomFilter(Random random, int depth)
    {
        if (depth > 0 && random.Next(3) == 0) return $"({RandomFilter(random, depth - 1)} {(random.Next(2) == 0 ? "and" : "or")} {RandomFilter(random, depth - 1)})";
        string field = Fields[random.Next(Fields.Length)] + (random.Next(12) == 0 ? "_extracted" : "");
        return random.Next(9) switch
        {
            0 => $"{field}=\"{Texts[random.Next(Texts.Length)]}\"",
            1 => $"{field}!=\"{Texts[random.Next(Texts.Length)]}\"",
            2 => $"{field}=~\"{Patterns[random.Next(Patterns.Length)]}\"",
            3 => $"{field}!~\"{Patterns[random.Next(Patterns.Length)]}\"",
            4 => $"ip {(random.Next(2) == 0 ? "=" : "!=")} ip(\"10.0.0.{random.Next(12)}/30\")",
            5 => $"__error__{(random.Next(2) == 0 ? "=" : "!=")}\"\"",
            6 => $"status {Operators[random.Next(Operators.Length)]} {random.Next(199, 206)}",
            _ => $"{field} {Operators[random.Next(Operators.Length)]} {Quantities[random.Next(Quantities.Length)]}",
        };
    }

    /// <summary>What the query answers over three days, as text that can be compared, or its error.</summary>
    private static async Task<string> AnswerAsync(LogWorld world, string query, bool backward)
    {
        try
        {
            var range = new LogQlRangeQuery { Text = query, StartNs = DayNs / 4, EndNs = 4 * DayNs, StepNs = DayNs / 4, Limit = 5000, Backward = backward };
            var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, query.StartsWith('{') ? range with { StartNs = 0 } : range, CancellationToken.None);
            return string.Concat(result.Series.Select(s => $"{s.Labels} {string.Join(' ', s.Points.Select(p => $"{p.TimestampMs}:{p.Value:r}"))}\n"))
                + string.Concat(result.Entries.Select(e => $"{e.TimestampNs} {System.Text.Encoding.UTF8.GetString(e.Line)} {e.Stream} {e.Metadata} {e.Parsed}\n"));
        }
        catch (QueryException e)
        {
            return e.Message;
        }
    }
}
