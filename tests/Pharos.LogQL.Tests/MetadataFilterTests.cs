using System.Globalization;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>Label filters over structured metadata ask columns of blocks, and answers are the same as if each entry were looked at.</summary>
public sealed class MetadataFilterTests
{
    private const int Streams = 8;
    private const int LinesEach = 120;

    private static readonly string[] Names = ["level", "user", "took", "trace", "status", "pod", "absent"];
    private static readonly string[] Words = ["info", "warn", "error", "", "404", "a1"];

    [Fact]
    public async Task Answers_are_the_same_whether_columns_are_asked_or_not()
    {
        long skipped = 0, lines = 0, linesOpen = 0;
        for (int seed = 1; seed <= 10; seed++)
        {
            await using var packed = await FillAsync(seed, flushed: true);
            // In memory entries have no columns.
            await using var open = await FillAsync(seed, flushed: false);
            var random = new Random(seed);
            for (int i = 0; i < 60; i++)
            {
                string stages = $"{(random.Next(3) == 0 ? " |= \"1\"" : "")} | {RandomFilter(random, 2)}{(random.Next(3) == 0 ? " | " + RandomFilter(random, 1) : "")}{(random.Next(4) == 0 ? " | json | code=\"5\"" : "")}";
                string filters = "{app=~\".+\"}" + stages;
                string query = random.Next(6) switch
                {
                    0 => $"sum by (app, {Names[random.Next(Names.Length)]}) (count_over_time({filters} | __error__=\"\" [1m]))",
                    1 => $"sum by (pod_extracted, level) (count_over_time({{app=~\".+\"}} |= \"1\" [1m]))",
                    2 => $"sum by ({Names[random.Next(Names.Length)]}) (bytes_over_time({{app=~\".+\"}} [1m]))",
                    3 => $"sum by (app) (sum_over_time({filters} | unwrap user | __error__=\"\" [1m]))",
                    4 => $"count_over_time({filters} [1m])",
                    _ => filters,
                };
                var (expected, none) = await open.AnswerAsync(query);
                var (given, statistics) = await packed.AnswerAsync(query);
                Assert.True(expected == given, $"seed {seed}: {query}\nexpected {expected}\ngiven    {given}");
                Assert.Equal(0, none.BlocksSkipped);
                skipped += statistics.BlocksSkipped;
                lines += statistics.Lines;
                linesOpen += none.Lines;
            }
        }
        Assert.True(skipped > 500, $"{skipped} blocks left out");
        Assert.True(lines < linesOpen * 2 / 3, $"{lines} lines looked at, {linesOpen} without columns");
    }

    [Theory]
    // Identifiers are in the skip filter: the block is not even opened.
    [InlineData("trace_id=\"{0}\"", 3, 1), InlineData("trace_id=\"00000000000000000000000000000000\"", 4, 0)]
    [InlineData("trace_id=\"{0}\" and level=\"info\"", 3, 1), InlineData("(trace_id=\"{0}\")", 3, 1)]
    [InlineData("level=\"level3\"", 3, 100), InlineData("level=~\"level[12]\"", 2, 200), InlineData("level!~\"level.*\"", 4, 0)]
    [InlineData("user > 3000", 3, 100), InlineData("user >= 1000 and user < 2000", 3, 99), InlineData("user == 77", 3, 1)]
    [InlineData("absent=\"\"", 0, 400), InlineData("absent!=\"\"", 4, 0), InlineData("absent > 1", 4, 0), InlineData("app=\"a2\"", 3, 100), InlineData("app=\"z\"", 4, 0)]
    [InlineData("level=\"level3\" or user == 77", 2, 101)]
    public async Task Blocks_are_left_out_by_what_is_known_of_metadata(string filter, long skipped, int found)
    {
        await using var world = new LogWorld();
        string trace = "";
        for (int i = 0; i < 400; i++)
        {
            int block = i % 4;
            string id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(i))[..16]);
            if (i == 77) trace = id;
            world.Add($"{{app=\"a{block}\"}}", (i + 1) * 1_000_000L, "a line",
            [
                KeyValuePair.Create("level", filter.Contains("info", StringComparison.Ordinal) ? "info" : $"level{block}"), KeyValuePair.Create("trace_id", id),
                KeyValuePair.Create("user", i == 77 ? "77" : $"{(block * 1000) + 100 + (i / 4)}"),
            ]);
        }
        await world.SendAsync();
        await world.Store.FlushAsync(CancellationToken.None);
        string query = "{app=~\".+\"} | " + string.Format(CultureInfo.InvariantCulture, filter, trace);
        var (answer, statistics) = await world.AnswerAsync(query);
        Assert.Equal((found, skipped, 4), (answer.Count(c => c == '\n'), statistics.BlocksSkipped, statistics.BlocksSkipped + statistics.Blocks));
    }

    private static async Task<LogWorld> FillAsync(int seed, bool flushed)
    {
        var world = new LogWorld();
        var random = new Random(seed);
        for (int stream = 0; stream < Streams; stream++)
        {
            int kind = random.Next(8), low = random.Next(1000);
            string selector = $"{{app=\"a{stream}\"{(kind == 0 ? ", pod=\"p\"" : "")}}}";
            for (int i = 0; i < LinesEach; i++)
            {
                (string Name, string Value)?[] pairs =
                [
                    kind == 1 ? null : ("level", kind == 2 ? Words[random.Next(Words.Length)] : Words[stream % 3]),
                    ("user", kind == 3 && i == 30 ? "nobody" : $"{low + random.Next(300)}"),
                    random.Next(4) == 0 ? null : ("took", $"{low + random.Next(90)}{(kind == 4 ? "s" : "ms")}"),
                    ("trace", Convert.ToHexStringLower(BitConverter.GetBytes(random.NextInt64() >> (kind == 5 ? 60 : 0)))),
                    kind == 6 ? ("status", $"{random.Next(100)}.{random.Next(10)}") : null,
                    kind is 0 or 7 ? ("pod", random.Next(2) == 0 ? "p" : "q\uFFFD") : null,
                ];
                List<KeyValuePair<string, string>> present = [.. pairs.OfType<(string Name, string Value)>().Select(p => KeyValuePair.Create(p.Name, p.Value))];
                world.Add(selector, ((i * Streams) + stream + 1) * 1_000_000L, i % 3 == 0 ? $"{{\"code\":\"{i % 7}\",\"level\":\"x\"}}" : $"line {i}", i % 17 == 0 ? null : present);
            }
        }
        await world.SendAsync();
        if (flushed) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    private static string RandomFilter(Random random, int depth)
    {
        if (depth > 0 && random.Next(3) == 0) return $"({RandomFilter(random, depth - 1)} {(random.Next(2) == 0 ? "and" : "or")} {RandomFilter(random, depth - 1)})";
        string name = Names[random.Next(Names.Length)];
        int number = random.Next(1300);
        return random.Next(8) switch
        {
            0 => $"{name}{(random.Next(2) == 0 ? "=" : "!=")}\"{Words[random.Next(Words.Length)]}\"",
            1 => $"{name}=~\"{Words[random.Next(Words.Length)]}|e.*\"",
            2 => $"{name}!~\"[0-9].*\"",
            3 => $"user {new[] { "==", ">", "<", "!=" }[random.Next(4)]} {number}",
            4 => $"took {new[] { ">=", "<=" }[random.Next(2)]} {number}{(random.Next(3) == 0 ? "s" : "ms")}",
            5 => $"status > {random.Next(120)}",
            6 => $"pod=\"{(random.Next(2) == 0 ? "q\uFFFD" : "p")}\"",
            _ => $"trace=~\"{random.Next(10)}.*\"",
        };
    }
}
