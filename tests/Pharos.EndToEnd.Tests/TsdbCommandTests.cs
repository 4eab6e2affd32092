using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary><c>pharos tsdb</c> as an operator runs it, beside promtool on the same folders.</summary>
public sealed class TsdbCommandTests
{
    [Fact]
    public async Task Text_goes_in_and_comes_out_as_promtool_sees_it_and_damage_is_named()
    {
        string promtool = Places.Program("promtool");
        using var folder = Places.NewFolder();
        string text = Path.Combine(folder, "in.om"), blocks = Path.Combine(folder, "blocks"), again = Path.Combine(folder, "again"), theirs = Path.Combine(folder, "theirs");
        await File.WriteAllTextAsync(text, Text());
        var (exit, output) = await TsdbAsync("import", "openmetrics", text, blocks);
        Assert.True(exit == 0, output);
        Assert.Contains("500 samples of 5 series in", output);

        // promtool takes a folder for a database only where it holds a write-ahead log.
        Directory.CreateDirectory(Path.Combine(blocks, "wal"));
        string dumped = await OkAsync(promtool, "tsdb", "dump", blocks);
        Assert.Equal(Lines(dumped), Lines(await OkAsync(PharosPrograms.Pharos, "tsdb", "dump", blocks)));
        await OkAsync(promtool, "tsdb", "create-blocks-from", "openmetrics", text, theirs);
        Assert.Equal(Lines(dumped), Lines(await OkAsync(PharosPrograms.Pharos, "tsdb", "dump", theirs)));

        string exported = Path.Combine(folder, "out.om");
        await OkAsync(PharosPrograms.Pharos, "tsdb", "export", blocks, "--output", exported);
        await OkAsync(promtool, "tsdb", "create-blocks-from", "openmetrics", exported, again);
        Directory.CreateDirectory(Path.Combine(again, "wal"));
        Assert.Equal(Lines(dumped), Lines(await OkAsync(promtool, "tsdb", "dump", again)));

        string part = await OkAsync(PharosPrograms.Pharos, "tsdb", "dump", blocks, "--match", "m{id=\"3\"}", "--min-time", "1700000000000", "--max-time", "2023-11-14T22:16:40Z");
        Assert.Equal(4, Lines(part).Count);

        string list = await OkAsync(PharosPrograms.Pharos, "tsdb", "list", "-r", blocks);
        string analysis = await OkAsync(PharosPrograms.Pharos, "tsdb", "analyze", blocks);
        foreach (string block in Directory.GetDirectories(blocks).Select(d => Path.GetFileName(d)).Where(n => n.Length == 26)) Assert.Contains(block, list);
        Assert.Contains("Total Series: 5", analysis);
        Assert.Contains("5 __name__=m", analysis);

        string tenant = Path.Combine(folder, "data", "metrics", "shop");
        Assert.Contains("imported", await OkAsync(PharosPrograms.Pharos, "tsdb", "import", "blocks", blocks, tenant));
        Assert.Contains(" 0 damaged", await OkAsync(PharosPrograms.Pharos, "tsdb", "verify", Path.Combine(folder, "data")));
        string index = Path.Combine(Directory.GetDirectories(tenant)[0], "index");
        byte[] bytes = await File.ReadAllBytesAsync(index);
        await File.WriteAllBytesAsync(index, bytes[..^7]);
        (exit, output) = await TsdbAsync("verify", Path.Combine(folder, "data"), "--tenant", "shop");
        Assert.Equal(1, exit);
        Assert.Contains($"error: {index}: ", output);
        (exit, output) = await TsdbAsync("list", tenant);
        Assert.Equal(1, exit);
        Assert.Contains("left out", output);
    }

    [Fact]
    public async Task Damage_in_any_file_of_a_server_is_named_with_its_place()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        string data = folder;
        using (http)
        await using (server)
        {
            using var batch = new MetricBatch();
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "m"))), TimeProvider.System.UnixMs(), 1);
            using var stored = await MetricsOverHttp.PushAsync(http, batch);
            Assert.Equal(HttpStatusCode.NoContent, stored.StatusCode);
            using var line = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "verify" }, values = new[] { new[] { $"{TimeProvider.System.UnixMs()}000000", "a line" } } } } });
            Assert.Equal(HttpStatusCode.NoContent, line.StatusCode);
            // While it runs, too.
            Assert.Contains(" 0 damaged", await OkAsync(PharosPrograms.Pharos, "tsdb", "verify", data));
            Assert.Equal(0, await server.TerminateAsync());
        }
        string whole = await OkAsync(PharosPrograms.Pharos, "tsdb", "verify", data);
        Assert.Contains("head of anonymous: OK", whole);
        Assert.Contains("write log, 1 segments, 2 records: OK", whole);
        string[] files =
        [
            Path.Combine(data, "metrics", "anonymous", "head-snapshot"), Path.Combine(data, "metrics", "head-snapshots"), Directory.GetFiles(Path.Combine(data, "write-log"), "*.log").Single(),
        ];
        foreach (string file in files)
        {
            byte[] bytes = await File.ReadAllBytesAsync(file);
            byte[] flipped = [.. bytes];
            flipped[bytes.Length * 2 / 3] ^= 16;
            await File.WriteAllBytesAsync(file, flipped);
            var (exit, output) = await TsdbAsync("verify", data);
            Assert.True(exit == 1, output);
            Assert.Contains($"error: {file}: ", output);
            await File.WriteAllBytesAsync(file, bytes);
        }
        string log = Path.Combine(data, "write-log");
        Directory.Move(log, log + ".away");
        var (code, said) = await TsdbAsync("verify", data);
        Assert.Equal(1, code);
        Assert.Contains($"error: {log}: is missing", said);
    }

    [Theory]
    [InlineData("list", "/no/such/folder")]
    [InlineData("dump", ".", "--match", "{job=")]
    [InlineData("export", ".", "--min-time", "soon")]
    [InlineData("verify")]
    [InlineData("import", "blocks", "/no/such/folder", "x")]
    public async Task A_wrong_command_line_exits_with_2(params string[] arguments)
    {
        var (exit, output) = await TsdbAsync(arguments);
        Assert.True(exit == 2, $"{exit}: {output}");
        Assert.NotEmpty(output);
    }

    private static string Text()
    {
        var text = new StringBuilder("# HELP m A test.\n# TYPE m gauge\n");
        for (int id = 0; id < 5; id++)
        {
            for (int i = 0; i < 100; i++)
                text.Append(CultureInfo.InvariantCulture, $"m{{id=\"{id}\",text=\"a\\\"b\\\\c\\nd é\"}} {(i % 9 == 0 ? "NaN" : i % 7 == 0 ? "+Inf" : (i * 1.1).ToString("R", CultureInfo.InvariantCulture))} {1_700_000_000 + (i * 60)}.5\n");
        }
        return text.Append("# EOF\n").ToString();
    }

    private static List<string> Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    private static Task<(int ExitCode, string Output)> TsdbAsync(params string[] arguments) => RunningProgram.RunAsync(PharosPrograms.Pharos, ["tsdb", .. arguments]);

    private static async Task<string> OkAsync(string program, params string[] arguments)
    {
        var (exit, output) = await RunningProgram.RunAsync(program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}: {exit}\n{output}");
        return output;
    }
}
