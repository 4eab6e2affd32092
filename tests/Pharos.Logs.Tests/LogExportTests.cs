using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Tools;

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

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_is_exported_comes_back_as_it_was(int seed)
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
        string text = Text(world, out var done);
        Assert.Equal(before.Count, done.Entries);
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
        Assert.Equal(text, Text(copy, out _));
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

    private static string Text(StoreWorld world, out LogExported done, string? app = null, long startNs = long.MinValue, long endNs = long.MaxValue, LogExportForm form = LogExportForm.Push)
    {
        using var output = new MemoryStream();
        var selection = new LogSelection { Matchers = app is null ? [] : [new Matcher(MatchOp.Equal, "app", app)], StartNs = startNs, EndNs = endNs };
        done = LogExport.Write(LogArchive.Open(world.LogsFolder, null, default), StoreWorld.Tenant, selection, form, new WordLanguage(), output, null, default);
        return Encoding.UTF8.GetString(output.ToArray());
    }
}
