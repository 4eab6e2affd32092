using System.Text;
using Pharos.Core;
using Pharos.Logs.Tools;

namespace Pharos.Logs.Tests;

/// <summary>Parts read without a store, or beside one.</summary>
public sealed class LogArchiveTests
{
    private const long DayNs = 86_400 * StoreWorld.SecondNs;

    [Fact]
    public async Task Parts_are_listed_by_day_with_what_is_in_them()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", world.NowNs - DayNs, "plain"), ("a", world.NowNs, "plain"), ("b", world.NowNs + 5, "plain too"));
        await world.Store.FlushAsync(default);
        await world.PushAsync(("a", world.NowNs + 9, "in memory alone"));
        var archive = LogArchive.Open(world.LogsFolder, null, default);
        Assert.Empty(archive.Damaged);
        Assert.Equal(["2026-02-28", "2026-03-01"], archive.Parts.Select(p => p.Day));
        var today = archive.Parts[1];
        Assert.Equal(("anonymous", 2, 2L, 2L, 14L), (today.Tenant, today.Streams, today.Blocks, today.Entries, today.RawBytes));
        Assert.Equal((world.NowNs, world.NowNs + 5), (today.MinNs, today.MaxNs));
        Assert.Equal(new FileInfo(today.Path).Length, today.Bytes);
        Assert.Empty(LogArchive.Open(world.LogsFolder, "other", default).Parts);
    }

    [Fact]
    public async Task The_largest_streams_and_labels_come_first()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 10; i++) await world.PushAsync(("many", world.NowNs + i, $"{i}"));
        await world.PushAsync(("large", world.NowNs, new string('x', 500)), ("none", world.NowNs, ""));
        await world.Store.FlushAsync(default);
        var found = LogArchive.Open(world.LogsFolder, null, default).Analyze([], 2, null, default);
        Assert.Equal((3, 12L, 510L), (found.Streams, found.Total.Entries, found.Total.RawBytes));
        Assert.Equal(["large", "many"], found.StreamsByBytes.Select(s => s.Stream["app"]));
        Assert.Equal(["many", "large"], found.StreamsByEntries.Select(s => s.Stream["app"]));
        Assert.Equal(("app=large", 500L), (found.PairsByBytes[0].Pair, found.PairsByBytes[0].Size.RawBytes));
        Assert.Equal(("app=many", 10L), (found.PairsByEntries[0].Pair, found.PairsByEntries[0].Size.Entries));
        Assert.Equal([("app", 3, 3)], found.ValuesByName);
        Assert.InRange(found.Codecs.Sum(c => c.Size.PackedBytes), 1, new FileInfo(Assert.Single(world.Parts)).Length);
        var some = LogArchive.Open(world.LogsFolder, null, default).Analyze([new Matcher(MatchOp.Equal, "app", "many")], 2, null, default);
        Assert.Equal((1, 10L), (some.Streams, some.Total.Entries));
    }

    [Fact]
    public async Task Columns_of_fields_and_of_metadata_are_summed_up_by_name()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        using (var batch = new LogBatch())
        {
            for (int i = 0; i < 2000; i++)
            {
                Labels metadata = i % 4 == 0 ? Labels.Of(("trace", $"{i * 7919L:x16}"), ("user", $"u{i % 3}")) : Labels.Of(("user", $"u{i % 3}"));
                string line = i < 1000 ? $$"""{"took":{{i * 3}},"always":"the same"}""" : $"took={i * 3} path=/p/{i * i} msg=\"m {i}\"";
                batch.AddEntry(batch.AddStream(Labels.Of(("app", "a"))), world.NowNs + i, Encoding.UTF8.GetBytes(line), metadata.Encoded);
            }
            batch.AddEntry(batch.AddStream(Labels.Of(("app", "b"))), world.NowNs, """{"other":1}"""u8);
            Assert.False((await world.Store.AppendAsync(StoreWorld.Tenant, batch, default)).HasErrors);
        }
        await world.Store.FlushAsync(default);
        var archive = LogArchive.Open(world.LogsFolder, null, default);
        long done = 0, blocks = 0;
        var found = archive.Analyze([new Matcher(MatchOp.Equal, "app", "a")], 20, (now, all) => (done, blocks) = (now, all), default);
        Assert.Empty(found.Problems);
        Assert.Equal((2, 2), (done, blocks));
        var took = found.Fields.Single(c => c.Name == "took");
        Assert.Equal(2000, took.Size.Entries);
        Assert.Equal([("decimal", 1L)], took.Kinds);
        Assert.Equal(1000, found.Fields.Single(c => c.Name == "path").Size.Entries);
        Assert.Equal(1000, found.Fields.Single(c => c.Name == "always").Size.Entries);
        Assert.DoesNotContain(found.Fields, c => c.Name == "other");
        Assert.Equal(["trace", "user"], found.Metadata.Select(c => c.Name).Order(StringComparer.Ordinal));
        var trace = found.Metadata.Single(c => c.Name == "trace");
        Assert.Equal(500, trace.Size.Entries);
        Assert.Equal([("hex", 1L)], trace.Kinds);
        var user = found.Metadata.Single(c => c.Name == "user");
        Assert.Equal(2000, user.Size.Entries);
        Assert.Equal([("dictionary", 1L)], user.Kinds);
        foreach (var column in found.Fields.Concat(found.Metadata)) Assert.InRange(column.Size.PackedBytes, 1, found.Total.PackedBytes);
        Assert.True(trace.Size.RawBytes >= 500 * 8, $"{trace.Size.RawBytes}");
        Assert.Equal(found.Metadata.OrderByDescending(c => c.Size.PackedBytes), found.Metadata);
        Assert.Equal(found.Metadata[0].Name, Assert.Single(archive.Analyze([], 1, null, default).Metadata).Name);
    }

    [Fact]
    public async Task Damaged_columns_are_named_and_the_rest_is_summed_up()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 50; i++) await world.PushAsync(("a", world.NowNs + i, $"line {i}"), ("b", world.NowNs + i, $"line {i}"));
        await world.Store.FlushAsync(default);
        string path = Assert.Single(world.Parts);
        var first = LogArchive.Open(world.LogsFolder, null, default).Opened[0].Part.Index.Streams().First();
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[first.Blocks[0].Header.Offset] ^= 16;
        await File.WriteAllBytesAsync(path, bytes);
        var found = LogArchive.Open(world.LogsFolder, null, default).Analyze([], 20, null, default);
        var problem = Assert.Single(found.Problems);
        Assert.Equal((path, first.Blocks[0].Header.Offset), (problem.Path, problem.Offset));
        Assert.Equal($"columns of a block of stream {first.Labels}: the index frame's checksum does not match", problem.Problem);
        Assert.Equal(100, found.Total.Entries);
        int withMetadata = Enumerable.Range(0, 50).Count(i => !StoreWorld.MetadataOf($"line {i}").IsEmpty);
        Assert.Equal(withMetadata, found.Metadata.Single(c => c.Name == "trace").Size.Entries);
    }

    [Fact]
    public async Task A_merged_part_counts_once_and_nothing_is_changed()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 4; i++)
        {
            await world.PushAsync(("a", world.NowNs + i, $"entry {i}"));
            await world.Store.FlushAsync(default);
        }
        string[] small = world.Parts;
        await world.Store.CompactAsync(default);
        // What it was made from outlives a merge.
        Assert.Equal(5, world.Parts.Length);
        await File.WriteAllBytesAsync(Path.Combine(Path.GetDirectoryName(small[0])!, "cut-off.tmp"), [1]);
        string[] before = Directory.GetFiles(world.LogsFolder, "*", SearchOption.AllDirectories);
        var part = Assert.Single(LogArchive.Open(world.LogsFolder, null, default).Parts);
        Assert.DoesNotContain(part.Path, small);
        Assert.Equal(4, part.Entries);
        Assert.Equal(before.Order(), Directory.GetFiles(world.LogsFolder, "*", SearchOption.AllDirectories).Order());
    }

    [Fact]
    public async Task A_flush_that_never_finished_does_not_count()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", world.NowNs, "first"));
        await world.Store.FlushAsync(default);
        string mark = Path.Combine(world.LogsFolder, "flushed");
        byte[] first = await File.ReadAllBytesAsync(mark);
        await world.PushAsync(("a", world.NowNs + 1, "second"));
        await world.Store.FlushAsync(default);
        await File.WriteAllBytesAsync(mark, first);
        Assert.Equal(2, world.Parts.Length);
        Assert.Equal(world.NowNs, Assert.Single(LogArchive.Open(world.LogsFolder, null, default).Parts).MaxNs);
    }

    [Fact]
    public async Task A_damaged_part_is_named_and_the_others_are_read()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", world.NowNs - DayNs, "old"), ("a", world.NowNs, "new"));
        await world.Store.FlushAsync(default);
        string path = world.Parts.Order().First();
        byte[] bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, bytes[..^1]);
        var archive = LogArchive.Open(world.LogsFolder, null, default);
        Assert.Equal(path, Assert.Single(archive.Damaged).Path);
        Assert.Equal("2026-03-01", Assert.Single(archive.Parts).Day);
    }
}
