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
        var found = LogArchive.Open(world.LogsFolder, null, default).Analyze([], 2, default);
        Assert.Equal((3, 12L, 510L), (found.Streams, found.Total.Entries, found.Total.RawBytes));
        Assert.Equal(["large", "many"], found.StreamsByBytes.Select(s => s.Stream["app"]));
        Assert.Equal(["many", "large"], found.StreamsByEntries.Select(s => s.Stream["app"]));
        Assert.Equal(("app=large", 500L), (found.PairsByBytes[0].Pair, found.PairsByBytes[0].Size.RawBytes));
        Assert.Equal(("app=many", 10L), (found.PairsByEntries[0].Pair, found.PairsByEntries[0].Size.Entries));
        Assert.Equal([("app", 3, 3)], found.ValuesByName);
        Assert.InRange(found.Codecs.Sum(c => c.Size.PackedBytes), 1, new FileInfo(Assert.Single(world.Parts)).Length);
        var some = LogArchive.Open(world.LogsFolder, null, default).Analyze([new Matcher(MatchOp.Equal, "app", "many")], 2, default);
        Assert.Equal((1, 10L), (some.Streams, some.Total.Entries));
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
