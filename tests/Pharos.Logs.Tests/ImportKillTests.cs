using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Tools;

namespace Pharos.Logs.Tests;

/// <summary>kill -9 of an import into a data folder, again and again: what is there is sound at any time, and an import that comes to its end leaves every line there once.</summary>
public sealed class ImportKillTests
{
    private const int Bodies = 60;
    private const long DayNs = 86_400_000_000_000;

    [Theory]
    [InlineData(20260301, true), InlineData(20260302, false)]
    public async Task However_often_an_import_is_killed_the_folder_is_sound_and_a_repeat_of_it_leaves_every_line_there_once(int seed, bool overLogs)
    {
        int kills = CrashHostRun.Kills(12);
        var random = new Random(seed);
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 1000, FilterLanguage = new WordLanguage(), CheckInterval = Timeout.InfiniteTimeSpan });
        string context = $"seed {seed}";
        var lines = Lines(random);
        // What shows in the end: what a deletion of before hides is left out.
        HashSet<string> expected = [.. lines.Where(l => !overLogs || !(l.App == "a0" && l.Line.Contains("drop", StringComparison.Ordinal))).Select(l => StoreWorld.Shown(l.App, l.Ns, l.Line))];
        if (overLogs)
        {
            // Some of what is imported is there already, in parts and in the write log, and more that stays.
            await world.PushAsync([.. lines.Take(80)]);
            await world.PushAsync(("other", 5, "was there before"));
            world.Store.Delete(StoreWorld.Tenant, "a0 drop", 0, long.MaxValue);
            Assert.True(await world.Store.FlushAsync(default));
            await world.PushAsync([.. lines.Skip(60).Take(80)]);
            expected.Add("other 5 was there before");
        }
        await world.StopAsync();
        string input = Path.Combine(world.DataFolder, "input.ndjson"), data = Path.Combine(world.DataFolder, "data");
        Directory.CreateDirectory(data);
        if (overLogs)
        {
            Directory.Move(world.LogsFolder, Path.Combine(data, "logs"));
            Directory.Move(Path.Combine(world.DataFolder, "write-log"), Path.Combine(data, "write-log"));
        }
        await File.WriteAllTextAsync(input, Input(lines, random));
        for (int kill = 1; kill <= kills; kill++)
        {
            // About the first flush of a new folder, anywhere in an import, or in a repeat of it.
            int bodies = random.Next(4) == 0 ? 2 * Bodies : Bodies;
            if (!overLogs && random.Next(2) == 0)
            {
                Directory.Delete(data, recursive: true);
                Directory.CreateDirectory(data);
                bodies = 8;
            }
            await CrashHostRun.OfAsync("import", world.DataFolder, 1, random.Next(bodies));
            string logs = Path.Combine(data, "logs");
            if (!Directory.Exists(logs)) continue;
            var found = LogVerifier.Verify(logs, null, null, default);
            Assert.True(found.Problems.Count == 0, $"{context}, kill {kill}: {string.Join(" | ", found.Problems)}");
            var there = Export(logs);
            Assert.True(there.Count == there.Distinct().Count() && there.All(expected.Contains), $"{context}, kill {kill}: {string.Join(" | ", there.Where(l => !expected.Contains(l)).Concat(Twice(there)).Take(5))}");
        }
        await using (var whole = File.OpenRead(input))
        {
            var done = await new LogImport(data, new WordLanguage(), TimeProvider.System, NullLogger.Instance, flushBytes: 10_000).RunAsync(StoreWorld.Tenant, whole, null, default);
            Assert.Equal((lines.Count, 0), ((int)done.Entries, done.Problems.Count));
        }
        Same(Export(Path.Combine(data, "logs")), "in the parts");
        // A server on that folder.
        foreach (string folder in (string[])["logs", "write-log"])
        {
            if (Directory.Exists(Path.Combine(world.DataFolder, folder))) Directory.Delete(Path.Combine(world.DataFolder, folder), recursive: true);
            Directory.Move(Path.Combine(data, folder), Path.Combine(world.DataFolder, folder));
        }
        await world.RestartAsync();
        CheckStore("at a start");
        world.Time.Advance(TimeSpan.FromDays(2));
        await world.Store.CompactAsync(default);
        CheckStore("when parts were merged and deletions carried out");
        await world.RestartAsync();
        CheckStore("at the start after that");
        Assert.Empty(LogVerifier.Verify(world.LogsFolder, null, null, default).Problems);

        void CheckStore(string when)
        {
            Same(world.Read(), when);
            Same(world.Read(ordered: false), when + ", without an order");
            long counted = world.Store.Volumes(StoreWorld.Tenant, [], 0, long.MaxValue, default).Sum(v => v.Volume.Entries);
            // Headers count copies that lie in blocks of one time twice, until a merge drops them.
            Assert.True(counted >= expected.Count, $"{context}, {when}: {counted} entries by their blocks' headers");
        }

        void Same(List<string> read, string when) => Assert.True(
            read.Count == expected.Count && expected.SetEquals(read),
            $"{context}, {when}: {expected.Count} lines expected, {read.Count} found; missing {string.Join(" | ", expected.Except(read).Take(5))}; too many {string.Join(" | ", read.Except(expected).Concat(Twice(read)).Take(5))}");
    }

    private static IEnumerable<string> Twice(List<string> read) => read.GroupBy(l => l).Where(g => g.Count() > 1).Select(g => $"{g.Count()} times {g.Key}");

    /// <summary>Of some streams and three days, early and late ones mixed.</summary>
    private static List<(string App, long Ns, string Line)> Lines(Random random)
    {
        var lines = new List<(string App, long Ns, string Line)>();
        for (int i = 0; i < Bodies * 10; i++)
        {
            string app = $"a{i / 10 % 4}";
            lines.Add((app, (random.Next(3) * DayNs) + random.NextInt64(DayNs), $"line {i} {(random.Next(5) == 0 ? "drop" : "stay")} {new string('x', random.Next(40))}"));
        }
        return lines;
    }

    /// <summary>Ten lines of one stream after another, as bodies of the push API or as single entries.</summary>
    private static string Input(List<(string App, long Ns, string Line)> lines, Random random)
    {
        var text = new StringBuilder();
        foreach (var ten in lines.Chunk(10))
        {
            var stream = new { app = ten[0].App };
            if (random.Next(2) == 0)
            {
                text.Append(JsonSerializer.Serialize(new { streams = new[] { new { stream, values = ten.Select(l => new object[] { $"{l.Ns}", l.Line, MetadataOf(l.Line) }) } } })).Append('\n');
                continue;
            }
            foreach (var (_, ns, line) in ten) text.Append(JsonSerializer.Serialize(new { ts = $"{ns}", line, stream, structuredMetadata = MetadataOf(line) })).Append('\n');
        }
        return text.ToString();
    }

    private static Dictionary<string, string> MetadataOf(string line)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var (name, value) in StoreWorld.MetadataOf(line)) pairs[name] = value;
        return pairs;
    }

    /// <summary>What `pharos logs export` shows.</summary>
    private static List<string> Export(string logs)
    {
        using var output = new MemoryStream();
        var archive = LogArchive.Open(logs, null, default);
        Assert.Empty(archive.Damaged);
        var done = LogExport.Write(archive, StoreWorld.Tenant, new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue }, LogExportForm.Entries, new WordLanguage(), output, null, default);
        Assert.Empty(done.Problems);
        var shown = new List<string>();
        foreach (string line in Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            shown.Add(StoreWorld.Shown(
                json.RootElement.GetProperty("stream").GetProperty("app").GetString()!, long.Parse(json.RootElement.GetProperty("ts").GetString()!), json.RootElement.GetProperty("line").GetString()!));
        }
        return shown;
    }
}
