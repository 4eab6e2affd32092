using System.Net;
using System.Net.Http.Json;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary><c>pharos logs</c> as an operator runs it, beside a running server and without one.</summary>
public sealed class LogsCommandTests
{
    [Fact]
    public async Task Parts_are_listed_and_analysed_beside_a_server_and_damage_is_named()
    {
        using var folder = Places.NewFolder();
        string data = folder;
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        using (http)
        await using (server)
        {
            await PushAsync(http, 100);
            string list = await OkAsync("list", data);
            Assert.Contains(" 100 ", list);
            Assert.Contains(Path.Combine(data, "logs", "anonymous"), list);
            string analysis = await OkAsync("analyze", data);
            Assert.Contains("Entries: 100", analysis);
            Assert.Contains("100 job=shop", analysis);
            Assert.Contains("1 job (in 1 streams)", analysis);
            Assert.Matches(@"Structured metadata with the most packed bytes:\n(.+\n)*\d+ trace \(\d+ raw, 100 entries; 1 dictionary\)\n", analysis);
            Assert.Matches(@"Fields of lines with the most packed bytes:\n\d+ \(tokens of text\) \(\d+ raw, 100 entries; 1 decimal\)\n", analysis);
            Assert.Contains("Entries: 0", await OkAsync("analyze", data, "--match", "{job=\"other\"}"));
            Assert.Contains("1 parts checked, 0 problems", await OkAsync("verify", data, "--tenant", "anonymous"));
            Assert.Equal(0, await server.TerminateAsync());
        }
        string part = Directory.GetFiles(Path.Combine(data, "logs"), "*.part", SearchOption.AllDirectories).Single();
        byte[] bytes = await File.ReadAllBytesAsync(part);
        byte[] flipped = [.. bytes];
        flipped[40] ^= 16;
        await File.WriteAllBytesAsync(part, flipped);
        var (exit, output) = await LogsAsync("verify", data);
        Assert.Equal(1, exit);
        Assert.Contains($"error: {part}: ", output);
        (exit, output) = await LogsAsync("analyze", data);
        Assert.Equal(1, exit);
        Assert.Contains($"left out {part}: at offset ", output);
        await File.WriteAllBytesAsync(part, bytes[..^1]);
        (exit, output) = await LogsAsync("list", data);
        Assert.Equal(1, exit);
        Assert.Contains($"left out {part}", output);
    }

    [Fact]
    public async Task Entries_move_from_a_server_to_a_folder_and_on_to_another_server()
    {
        using TemporaryFolder first = Places.NewFolder(), second = Places.NewFolder(), work = Places.NewFolder();
        string file = Path.Combine(work, "out.ndjson"), again = Path.Combine(work, "again.ndjson"), pushed = Path.Combine(work, "pushed.ndjson"), copy = Path.Combine(work, "copy");
        var (server, http) = await PharosPrograms.StartServerAsync(first);
        using (http)
        await using (server)
        {
            await PushAsync(http, 100);
            Assert.Contains("100 entries of 1 streams", await OkAsync("export", first, "--output", file));
            // The folder is the server's.
            var (held, output) = await LogsAsync("import", file, first);
            Assert.Equal(1, held);
            Assert.Contains("is held by another process", output);
            Assert.Equal(0, await server.TerminateAsync());
        }
        Assert.Contains("100 entries imported", await OkAsync("import", file, copy, "--tenant", "shop"));
        Assert.Contains("0 problems", await OkAsync("verify", copy));
        await OkAsync("export", copy, "--tenant", "shop", "--output", again);
        Assert.Equal(await File.ReadAllTextAsync(file), await File.ReadAllTextAsync(again));
        string single = Path.Combine(work, "single.ndjson"), third = Path.Combine(work, "third");
        await OkAsync("export", copy, "--tenant", "shop", "--format", "ndjson", "--output", single);
        Assert.Equal(100, (await File.ReadAllLinesAsync(single)).Count(l => l.StartsWith("{\"ts\":\"", StringComparison.Ordinal)));
        Assert.Contains("100 entries imported", await OkAsync("import", single, third));
        await OkAsync("export", third, "--output", again);
        Assert.Equal(await File.ReadAllTextAsync(file), await File.ReadAllTextAsync(again));
        // A file where the tenant's folder would be: no part can be written.
        string broken = Path.Combine(work, "broken");
        Directory.CreateDirectory(Path.Combine(broken, "logs"));
        await File.WriteAllTextAsync(Path.Combine(broken, "logs", "anonymous"), "");
        var (failed, reason) = await LogsAsync("import", file, broken);
        Assert.Equal(1, failed);
        Assert.Contains("entries cannot be written to parts in ", reason);
        (server, http) = await PharosPrograms.StartServerAsync(second);
        using (http)
        await using (server)
        {
            await OkAsync("import", file, "--url", http.BaseAddress!.AbsoluteUri);
            using var flushed = await http.PostAsync("/flush", null);
            await OkAsync("export", second, "--output", pushed);
            Assert.Equal(await File.ReadAllTextAsync(file), await File.ReadAllTextAsync(pushed));
            await File.WriteAllTextAsync(again, "{\"streams\":[{\"stream\":{\"job\":\"old\"},\"values\":[[\"1\",\"too old\"]]}]}\nno JSON\n");
            var (refused, said) = await LogsAsync("import", again, "--url", http.BaseAddress!.AbsoluteUri);
            Assert.Equal(1, refused);
            Assert.Contains("line 1: ", said);
            Assert.Contains("too old", said);
            Assert.Contains("line 2: ", said);
            Assert.Equal(0, await server.TerminateAsync());
        }
        // Into a folder, an old entry may go.
        var (wrong, why) = await LogsAsync("import", again, second);
        Assert.Equal(1, wrong);
        Assert.Contains("line 2: ", why);
        Assert.Contains("1 entries of 1 streams", await OkAsync("export", second, "--match", "{job=\"old\"}", "--output", again));
    }

    [Fact]
    public async Task An_export_that_is_killed_leaves_no_file_that_looks_whole_and_none_is_lost_that_was_there()
    {
        using var folder = Places.NewFolder();
        string input = Path.Combine(folder, "in.ndjson"), data = Path.Combine(folder, "data"), whole = Path.Combine(folder, "whole.ndjson"), file = Path.Combine(folder, "out.ndjson"), temporary = file + ".tmp";
        await using (var lines = new StreamWriter(input))
        {
            for (int i = 0; i < 60_000; i++) await lines.WriteLineAsync($$$"""{"ts":"{{{1772366400000000000 + i}}}","line":"line {{{i}}} {{{new string((char)('a' + (i % 26)), 300)}}}","stream":{"job":"shop"}}""");
        }
        await OkAsync("import", input, data);
        await OkAsync("export", data, "--output", whole);
        byte[] expected = await File.ReadAllBytesAsync(whole), before = "what an earlier export left"u8.ToArray();
        int cut = 0;
        for (int kill = 0; kill < 5; kill++)
        {
            File.Delete(temporary);
            await File.WriteAllBytesAsync(file, before);
            await using var export = RunningProgram.Start(PharosPrograms.Pharos, "logs", "export", data, "--output", file);
            while (!export.HasExited && !(File.Exists(temporary) && new FileInfo(temporary).Length >= expected.Length / 10 * kill)) await Task.Yield();
            await export.KillAsync();
            if (!File.Exists(temporary)) continue;
            cut++;
            Assert.Equal(before, await File.ReadAllBytesAsync(file));
        }
        Assert.True(cut > 0);
        await OkAsync("export", data, "--output", file);
        Assert.Equal(expected, await File.ReadAllBytesAsync(file));
        Assert.False(File.Exists(temporary));
        // What cannot be replaced is written as it is.
        Assert.Contains("60000 entries of 1 streams", await OkAsync("export", data, "--output", "/dev/null"));
    }

    [Theory]
    [InlineData("list", "/no/such/folder")]
    [InlineData("analyze", ".", "--match", "{job=")]
    [InlineData("analyze", ".", "--limit", "0")]
    [InlineData("verify")]
    [InlineData("export", ".", "--start", "soon")]
    [InlineData("export", ".", "--format", "csv")]
    [InlineData("export", ".", "--start", "5", "--end", "5")]
    [InlineData("import", "/no/such/file", "x")]
    [InlineData("import", "-")]
    [InlineData("import", "-", "--url", "127.0.0.1")]
    [InlineData("import", "-", "x", "--url", "http://127.0.0.1:1")]
    public async Task A_wrong_command_line_exits_with_2(params string[] arguments)
    {
        var (exit, output) = await LogsAsync(arguments);
        Assert.True(exit == 2, $"{exit}: {output}");
        Assert.NotEmpty(output);
    }

    /// <summary>Pushes entries of one stream and has them written to parts.</summary>
    private static async Task PushAsync(HttpClient http, int entries)
    {
        long ns = TimeProvider.System.UnixMs() / 86_400_000 * 86_400_000 * 1_000_000;
        var values = Enumerable.Range(0, entries).Select(i => new object[] { $"{ns + i}", $"line \"{i}\" é", new { trace = $"t{i % 3}" } });
        using var pushed = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "shop" }, values } } });
        Assert.Equal(HttpStatusCode.NoContent, pushed.StatusCode);
        using var flushed = await http.PostAsync("/flush", null);
        Assert.Equal(HttpStatusCode.NoContent, flushed.StatusCode);
    }

    private static Task<(int ExitCode, string Output)> LogsAsync(params string[] arguments) => RunningProgram.RunAsync(PharosPrograms.Pharos, ["logs", .. arguments]);

    private static async Task<string> OkAsync(params string[] arguments)
    {
        var (exit, output) = await LogsAsync(arguments);
        Assert.True(exit == 0, $"logs {string.Join(' ', arguments)}: {exit}\n{output}");
        return output;
    }
}
