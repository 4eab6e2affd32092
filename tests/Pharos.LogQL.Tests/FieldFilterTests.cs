using System.Globalization;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>Blocks that no line of which passes the filters behind a parser are left out, and answers are the same as if they were not.</summary>
public sealed class FieldFilterTests
{
    private const int Streams = 12;
    private const int LinesEach = 80;

    private static readonly string[] Operators = ["==", "!=", ">", ">=", "<", "<="];
    private static readonly string[] Words = ["info", "warn", "error", "500", "", "12ms"];

    [Fact]
    public async Task Answers_are_the_same_whether_blocks_are_left_out_or_not()
    {
        long skipped = 0, read = 0;
        for (int seed = 1; seed <= 10; seed++)
        {
            await using var packed = await FillAsync(seed, flushed: true);
            // In memory nothing is known of a line.
            await using var open = await FillAsync(seed, flushed: false);
            var random = new Random(seed);
            for (int i = 0; i < 40; i++)
            {
                string filters = $"{{app=~\".+\"}} | {(random.Next(2) == 0 ? "json" : "logfmt")} | {RandomFilter(random, 2)}{(random.Next(3) == 0 ? " | " + RandomFilter(random, 1) : "")}";
                string query = random.Next(4) switch
                {
                    0 => $"sum by (app) (count_over_time({filters} [1m]))",
                    1 => $"sum by (app) (sum_over_time({filters} | unwrap wait | __error__=\"\" [1m]))",
                    2 => $"count_over_time({filters} [1m])",
                    _ => filters,
                };
                var (expected, none) = await open.AnswerAsync(query);
                var (given, statistics) = await packed.AnswerAsync(query);
                Assert.True(expected == given, $"seed {seed}: {query}\nexpected {expected}\ngiven    {given}");
                Assert.Equal(0, none.BlocksSkipped);
                skipped += statistics.BlocksSkipped;
                read += statistics.Blocks;
            }
        }
        Assert.True(skipped > 300, $"{skipped} blocks left out");
        Assert.True(read > 300, $"{read} blocks read");
    }

    [Theory]
    [InlineData("json", "status >= 600", 4), InlineData("json", "status >= 203", 3), InlineData("json", "status > 202", 3)]
    [InlineData("json", "wait > 3999.5", 4), InlineData("json", "wait > 3500", 3), InlineData("json", "wait < -1", 4)]
    [InlineData("json", "took > 4s", 4), InlineData("json", "took > 2500ms", 3), InlineData("json", "took > 2500ms or status == 200", 1)]
    [InlineData("json", "size >= 5MB", 4), InlineData("json", "took > 1h", 4)]
    [InlineData("json", "level=\"error\"", 4), InlineData("json", "level=~\"i.*\"", 0), InlineData("json", "level!=\"info\"", 4)]
    [InlineData("json", "absent > 1", 4), InlineData("json", "absent=\"\"", 0), InlineData("json", "absent!=\"\"", 4), InlineData("json", "wait=\"9999\"", 4), InlineData("json", "wait=\"96.25\"", 3), InlineData("json", "wait=\"100.25\"", 4), InlineData("json", "wait=\"x.25\"", 4), InlineData("json", "wait!=\"9999\"", 0)]
    // What cannot be read as a number stays with an error, lines of another form are parsed, and a stream's own label comes first.
    [InlineData("json", "took > 600", 0), InlineData("json", "level > 600", 0), InlineData("logfmt", "status >= 600", 0), InlineData("json", "app=\"z\"", 0)]
    [InlineData("json", "status_extracted >= 600", 0), InlineData("json", "__error__=\"x\"", 0), InlineData("json | logfmt", "status >= 600", 0)]
    public async Task Blocks_are_left_out_by_what_is_known_of_their_fields(string parser, string filter, long skipped)
    {
        await using var world = new LogWorld();
        for (int i = 0; i < 400; i++)
        {
            int block = i % 4;
            world.Add(
                $"{{app=\"a{block}\"}}", (i + 1) * 1_000_000L,
                $"{{\"status\":{200 + (i % 2) + (block == 3 ? 2 : 0)},\"level\":\"info\",\"wait\":{(block * 1000) + (i * 2)}.25,\"took\":\"{(block * 1000) + i}.5ms\",\"size\":\"{i}KB\"}}");
        }
        await world.SendAsync();
        await world.Store.FlushAsync(CancellationToken.None);
        string lines = $"{{app=~\".+\"}} | {parser} | {filter}";
        foreach (string query in new[] { lines, $"sum(count_over_time({lines} | __error__=\"\" [1m]))", $"max_over_time({lines} | __error__=\"\" | unwrap wait | __error__=\"\" [1m])" })
        {
            var (_, statistics) = await world.AnswerAsync(query);
            Assert.Equal((query, skipped, 4), (query, statistics.BlocksSkipped, statistics.BlocksSkipped + statistics.Blocks));
        }
    }

    private static async Task<LogWorld> FillAsync(int seed, bool flushed)
    {
        var world = new LogWorld();
        var random = new Random(seed);
        for (int stream = 0; stream < Streams; stream++)
        {
            int kind = random.Next(12), low = random.Next(-50, 1000), spread = random.Next(1, 300), digits = random.Next(4);
            bool json = random.Next(2) == 0;
            string selector = $"{{app=\"a{stream}\"{(kind == 0 ? ", status=\"700\"" : kind == 1 ? ", wait=\"x\"" : "")}}}";
            string unit = random.Next(4) switch { 0 => "ms", 1 => "s", 2 => "KB", _ => "" };
            for (int i = 0; i < LinesEach; i++)
            {
                long wide = random.Next(8) == 0 ? 90_071_992_547_409_93L : 1;
                (string Name, string Value)?[] fields =
                [
                    ("status", (random.Next(3) * 100 + Math.Abs(low)).ToString(CultureInfo.InvariantCulture)),
                    kind == 2 && random.Next(3) == 0 ? null : ("level", kind == 3 && random.Next(9) == 0 ? Words[random.Next(Words.Length)] : Words[stream % 3]),
                    kind == 4 && random.Next(5) == 0 ? null : ("wait", (low + (random.NextDouble() * spread)).ToString("F" + digits, CultureInfo.InvariantCulture)),
                    ("took", (low + random.Next(spread)).ToString(CultureInfo.InvariantCulture) + unit),
                    kind == 5 ? ("big", (wide + random.Next(spread)).ToString(CultureInfo.InvariantCulture) + "." + random.Next(10)) : null,
                ];
                var present = fields.OfType<(string Name, string Value)>().ToList();
                string line = json
                    ? "{" + string.Join(',', present.Select((f, at) => $"\"{f.Name}\":{(at == 1 || f.Name == "took" || at == 0 && kind == 6 ? $"\"{f.Value}\"" : f.Name == "level" ? $"\"{f.Value}\"" : f.Value)}")) + "}"
                    : string.Join(' ', present.Select(f => $"{f.Name}={(f.Value.Length == 0 ? "\"\"" : f.Value)}"));
                if (kind == 7 && i == 40) line = "not taken apart: {status=900";
                if (kind == 8 && i % 7 == 0) line = json ? "status=900 level=error" : "{\"status\":900,\"wait\":1000.5}";
                world.Add(selector, ((i * Streams) + stream + 1) * 1_000_000L, line, kind == 9 && i == 11 ? [KeyValuePair.Create("status", "800")] : kind == 10 ? [KeyValuePair.Create("trace", $"t{i}")] : null);
            }
        }
        await world.SendAsync();
        if (flushed) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    private static string RandomFilter(Random random, int depth)
    {
        if (depth > 0 && random.Next(3) == 0) return $"({RandomFilter(random, depth - 1)} {(random.Next(2) == 0 ? "and" : "or")} {RandomFilter(random, depth - 1)})";
        string comparison = Operators[random.Next(Operators.Length)];
        int number = random.Next(-60, 1300);
        return random.Next(9) switch
        {
            0 => $"level{(random.Next(2) == 0 ? "=" : "!=")}\"{Words[random.Next(Words.Length)]}\"",
            1 => $"level=~\"{Words[random.Next(Words.Length)]}|e.*\"",
            2 => $"status=\"{random.Next(1000)}\"",
            3 => $"took {comparison} {Math.Abs(number)}{(random.Next(2) == 0 ? "ms" : "s")}",
            4 => $"took {comparison} {Math.Abs(number)}{(random.Next(2) == 0 ? "KB" : "B")}",
            5 => $"took {comparison} {Math.Abs(number)}",
            6 => $"wait {comparison} {Math.Abs(number)}",
            7 => $"big {comparison} {(random.Next(2) == 0 ? "9007199254740993" : "1")}",
            _ => $"status {comparison} {Math.Abs(number)}",
        };
    }
}
