using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Metrics.Tests;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tests;

/// <summary>Entries out of parts and into another folder.</summary>
public sealed class LogExportTests
{
    [Fact]
    public async Task Lines_are_bodies_of_the_push_api()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 20, "line \"x\"\té"), ("a", 10, "first"), ("b", 5, "other"));
        await world.Store.FlushAsync(default);
        Assert.Equal(
            "{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"10\",\"first\"],[\"20\",\"line \\\"x\\\"\\té\","
            + $"{{\"span\":\"{StoreWorld.MetadataOf("line \"x\"\té")["span"]}\",\"trace\":\"{StoreWorld.MetadataOf("line \"x\"\té")["trace"]}\"}}]]}}]}}\n"
            + "{\"streams\":[{\"stream\":{\"app\":\"b\"},\"values\":[[\"5\",\"other\"]]}]}\n", Text(world, out var done));
        Assert.Equal((2L, 3L, 0L, 0), (done.Streams, done.Entries, done.Altered, done.Problems.Count));
        Assert.Equal("{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"10\",\"first\"]]}]}\n", Text(world, out _, "a", 10, 20));
    }

    [Fact]
    public async Task Each_line_may_be_one_entry()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 20, "line \"x\"\té"), ("a", 10, "first"), ("b", 5, "other"));
        await world.Store.FlushAsync(default);
        var metadata = StoreWorld.MetadataOf("line \"x\"\té");
        Assert.Equal(
            "{\"ts\":\"10\",\"line\":\"first\",\"stream\":{\"app\":\"a\"}}\n"
            + $"{{\"ts\":\"20\",\"line\":\"line \\\"x\\\"\\té\",\"stream\":{{\"app\":\"a\"}},\"structuredMetadata\":{{\"span\":\"{metadata["span"]}\",\"trace\":\"{metadata["trace"]}\"}}}}\n"
            + "{\"ts\":\"5\",\"line\":\"other\",\"stream\":{\"app\":\"b\"}}\n", Text(world, out var done, form: LogExportForm.Entries));
        Assert.Equal((2L, 3L, 0L), (done.Streams, done.Entries, done.Altered));
    }

    [Fact]
    public async Task An_import_that_cannot_write_parts_says_so_and_loses_nothing()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.StopAsync();
        string data = Path.GetDirectoryName(world.LogsFolder)!, inTheWay = Path.Combine(world.LogsFolder, "anonymous");
        if (Directory.Exists(inTheWay)) Directory.Delete(inTheWay, recursive: true);
        await File.WriteAllTextAsync(inTheWay, "");
        using var input = new MemoryStream("{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"7\",\"line\"]]}]}\n"u8.ToArray());
        var failed = await Assert.ThrowsAsync<IOException>(() => new LogImport(data, new WordLanguage(), world.Time, NullLogger.Instance).RunAsync(StoreWorld.Tenant, input, null, default));
        Assert.Contains($"entries cannot be written to parts in {world.LogsFolder}", failed.Message);
        Assert.Contains("the 1 entries taken so far are in the write log", failed.Message);
        File.Delete(inTheWay);
        await world.RestartAsync();
        Assert.Single(world.Read());
    }

    /// <summary>The nth call to the disk fails, for every n.</summary>
    [Fact]
    public async Task An_import_that_fails_at_any_disk_call_is_told_and_can_be_repeated()
    {
        byte[] input = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 12).Select(i => $"{{\"streams\":[{{\"stream\":{{\"app\":\"a\"}},\"values\":[[\"{i}\",\"number {i}\"]]}}]}}\n")));
        string[] all = [.. Enumerable.Range(0, 12).Select(i => $"a {i} number {i}")];
        int failing = 1;
        for (; ; failing++)
        {
            await using var world = new StoreWorld(with: StoreWorld.Plain);
            await world.StopAsync();
            var disk = new NthCallDisk(failing, failures: failing % 2 == 0 ? 1 : int.MaxValue);
            var told = await Record.ExceptionAsync(() => ImportAsync(world, disk));
            Assert.True(told is null or IOException or StoreUnavailableException, $"call {failing}: {told}");
            await world.RestartAsync();
            var read = world.Read();
            Assert.True(read.SequenceEqual(all.Take(read.Count)) && (told is not null || read.Count == all.Length), $"call {failing}: {read.Count} lines after {told?.Message}");
            await world.StopAsync();
            await ImportAsync(world, FileDisk.Instance);
            await world.RestartAsync();
            Assert.Equal(all, world.Read());
            if (!disk.Fired) break;
        }
        Assert.InRange(failing, 30, 300);

        async Task ImportAsync(StoreWorld world, IDisk disk)
        {
            using var stream = new MemoryStream(input);
            await new LogImport(world.DataFolder, new WordLanguage(), world.Time, NullLogger.Instance, disk, flushBytes: 40).RunAsync(StoreWorld.Tenant, stream, null, default);
        }
    }

    [Theory]
    [InlineData(1, LogExportForm.Push)]
    [InlineData(2, LogExportForm.Push)]
    [InlineData(3, LogExportForm.Entries)]
    [InlineData(4, LogExportForm.Entries)]
    public async Task What_is_exported_comes_back_as_it_was(int seed, LogExportForm form)
    {
        var random = new Random(seed);
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 3000 });
        for (int flush = 0; flush < 4; flush++)
        {
            // Late lines, in any order, and some that were there before; some so large that a stream takes several lines.
            for (int i = 0; i < 200; i++) await world.PushAsync(($"app{i % 3}", random.Next(1, 3000) * 60 * StoreWorld.SecondNs, $"line {random.Next(60)}"));
            for (int i = 0; i < 2; i++) await world.PushAsync(("app1", flush, new string('x', 200_000 + i)));
            await world.Store.FlushAsync(default);
        }
        var before = world.Read();
        string text = Text(world, out var done, form: form);
        Assert.Equal(before.Count, done.Entries);
        if (form == LogExportForm.Entries) Assert.Equal(before.Count, text.Count(c => c == '\n'));
        Assert.True(text.Count(c => c == '\n') > done.Streams);
        await using var copy = new StoreWorld(with: StoreWorld.Plain);
        await copy.RestartAsync();
        await copy.StopAsync();
        string data = Path.GetDirectoryName(copy.LogsFolder)!;
        for (int again = 0; again < 2; again++)
        {
            using var input = new MemoryStream(Encoding.UTF8.GetBytes(text));
            var taken = await new LogImport(data, new WordLanguage(), copy.Time, NullLogger.Instance).RunAsync(StoreWorld.Tenant, input, null, default);
            Assert.Equal((done.Entries, 0), (taken.Entries, taken.Problems.Count));
        }
        await copy.RestartAsync();
        Assert.Equal(before.Order(), copy.Read().Order());
        Assert.Equal(Hash(text), Hash(Text(copy, out _, form: form)));
    }

    [Fact]
    public async Task Lines_of_a_query_and_push_bodies_may_stand_in_one_input_and_its_end_is_no_entry()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.StopAsync();
        Assert.Equal((6, 5), await ImportAsync(
            """
            {"ts":"1","line":"one","stream":{"app":"a"},"structuredMetadata":{"trace":"t\"1"},"parsed":{"level":"info"}}
            {"stream":{"app":"a"},"line":"two \u00e9","ts":"2"}

            {"streams":[{"stream":{"app":"b"},"values":[["3","three"]]}]}
            {"ts":"4","line":"four","stream":{"app":"b"}}
            {"ts":"5","line":"five","stream":{"app":"a"}}
            {"status":"success","lines":4}
            """));
        await world.RestartAsync();
        Assert.Equal(["a 1 one {trace=\"t\\\"1\"}", "a 2 two é", "b 3 three", "b 4 four", "a 5 five"], world.Read());
        await world.StopAsync();
        Assert.StartsWith("line 2: the input ends with the error of the query that it comes from: timed out",
            (await Assert.ThrowsAsync<InvalidDataException>(() => ImportAsync("{\"ts\":\"6\",\"line\":\"six\",\"stream\":{\"app\":\"a\"}}\n{\"status\":\"error\",\"error\":\"timed out\"}"))).Message);
        Assert.StartsWith("lines 1 to 2: ",
            (await Assert.ThrowsAsync<InvalidDataException>(() => ImportAsync("{\"ts\":\"7\",\"line\":\"x\",\"stream\":{\"app\":\"a\"}}\n{\"ts\":true,\"line\":\"x\",\"stream\":{\"app\":\"a\"}}"))).Message);
        await world.RestartAsync();

        async Task<(long Lines, long Entries)> ImportAsync(string text)
        {
            using var input = new MemoryStream(Encoding.UTF8.GetBytes(text));
            var done = await new LogImport(Path.GetDirectoryName(world.LogsFolder)!, new WordLanguage(), world.Time, NullLogger.Instance).RunAsync(StoreWorld.Tenant, input, null, default);
            return (done.Lines, done.Entries);
        }
    }

    [Fact]
    public async Task What_a_deletion_hides_is_left_out_and_unreadable_deletions_stop_the_export()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage() });
        await world.PushAsync(("a", 10, "secret"), ("a", 11, "plain"));
        await world.Store.FlushAsync(default);
        world.Store.Delete(StoreWorld.Tenant, "a secret", 0, 100);
        Assert.Equal("{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"11\",\"plain\"]]}]}\n", Text(world, out _));
        string path = Path.Combine(world.LogsFolder, "anonymous", "deletions");
        await File.WriteAllTextAsync(path, "cut off");
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => Text(world, out _)).Message);
    }

    [Fact]
    public async Task A_damaged_block_is_named_and_the_others_are_written()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 10, "first"), ("b", 11, "second"));
        await world.Store.FlushAsync(default);
        string part = Assert.Single(world.Parts);
        byte[] bytes = await File.ReadAllBytesAsync(part);
        bytes[20] ^= 4;
        await File.WriteAllBytesAsync(part, bytes);
        Assert.Equal("{\"streams\":[{\"stream\":{\"app\":\"b\"},\"values\":[[\"11\",\"second\"]]}]}\n", Text(world, out var done));
        Assert.Equal(part, Assert.Single(done.Problems).Path);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_counted()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        using var batch = new LogBatch();
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "a"))), 10, [65, 0xff, 66], default);
        await world.Store.AppendAsync(StoreWorld.Tenant, batch, default);
        await world.Store.FlushAsync(default);
        Assert.Contains("\"A\uFFFDB\"", Text(world, out var done).Replace("\\uFFFD", "\uFFFD", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(1, done.Altered);
    }

    private static string Hash(string text) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Text(StoreWorld world, out LogExported done, string? app = null, long startNs = long.MinValue, long endNs = long.MaxValue, LogExportForm form = LogExportForm.Push)
    {
        using var output = new MemoryStream();
        var selection = new LogSelection { Matchers = app is null ? [] : [new Matcher(MatchOp.Equal, "app", app)], StartNs = startNs, EndNs = endNs };
        done = LogExport.Write(LogArchive.Open(world.LogsFolder, null, default), StoreWorld.Tenant, selection, form, new WordLanguage(), output, null, default);
        return Encoding.UTF8.GetString(output.ToArray());
    }
}
