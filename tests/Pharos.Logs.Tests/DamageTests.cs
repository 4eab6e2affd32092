using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Tests;

/// <summary>A bit flipped in each kind of bytes that the log store keeps: what is damaged is left out and counted, and of the rest every line is there.</summary>
public sealed class DamageTests
{
    [Theory]
    [InlineData("magic number"), InlineData("version"), InlineData("index"), InlineData("footer")]
    public async Task A_part_that_cannot_be_opened_is_set_aside_and_the_others_are_served_whole(string where)
    {
        await using var world = new StoreWorld(with: Small);
        var lines = await FillAsync(world);
        string victim = world.Parts.Order(StringComparer.Ordinal).ElementAt(1);
        long end = new FileInfo(victim).Length, footer = end - PartFormat.FooterBytes;
        var blocks = Blocks(victim);
        long at = where switch { "magic number" => 3, "version" => 8, "index" => blocks.Max(b => b.Header.Offset + b.Header.PackedBytes) + 5, _ => footer + 20 };
        await world.RestartAsync(() => Flip(victim, at));
        Assert.Equal(lines.Where(l => l.Part != 1).Select(l => l.Shown), world.Read());
        Assert.Equal(1, world.Metric("loki_ingester_wal_corruptions_total"));
        Assert.False(File.Exists(victim));
        Assert.True(File.Exists(victim + ".damaged"));
        await world.Store.CompactAsync(CancellationToken.None);
        await world.RestartAsync();
        Assert.Equal(lines.Where(l => l.Part != 1).Select(l => l.Shown), world.Read());
    }

    [Theory]
    [InlineData("index"), InlineData("shapes"), InlineData("columns"), InlineData("lines")]
    public async Task A_damaged_block_is_left_out_and_every_other_line_is_there(string where)
    {
        await using var world = new StoreWorld(with: Small);
        var lines = await FillAsync(world);
        string victim = world.Parts.Order(StringComparer.Ordinal).ElementAt(1);
        var blocks = Blocks(victim);
        Assert.True(blocks.Count > 3);
        byte[] whole = await File.ReadAllBytesAsync(victim);
        foreach (var (app, header) in blocks)
        {
            var (at, length) = where switch
            {
                "index" => (header.Offset, header.IndexPacked),
                "shapes" => (header.ShapesAt, header.ShapesPacked),
                "columns" => (header.ShapesAt + header.ShapesPacked, header.ColumnsPacked),
                _ => (header.LinesAt, header.LinesPacked),
            };
            Assert.True(length > 0);
            await world.RestartAsync(() =>
            {
                File.WriteAllBytes(victim, whole);
                Flip(victim, at + (length / 2));
            });
            var left = lines.Where(l => l.Part != 1 || l.App != app || l.Ns < header.MinNs || l.Ns > header.MaxNs).Select(l => l.Shown).ToList();
            Assert.Equal(lines.Count - header.Entries, left.Count);
            Assert.Equal(left, world.Read());
            Assert.Equal(1, world.Metric("loki_ingester_wal_corruptions_total"));
            Assert.Equal(left.AsEnumerable().Reverse(), world.Read(backward: true));
            Assert.Equal(left.Order(StringComparer.Ordinal), world.Read(ordered: false).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_damaged_filter_is_named_once_and_costs_no_line()
    {
        await using var world = new StoreWorld(with: Small);
        var lines = await FillAsync(world);
        string victim = world.Parts.Order(StringComparer.Ordinal).ElementAt(1);
        var (_, header) = Blocks(victim)[1];
        await world.RestartAsync(() => Flip(victim, header.FilterAt + (header.FilterLength / 2)));
        Assert.Equal(lines.Select(l => l.Shown), world.Read());
        Assert.Equal(0, world.Metric("loki_ingester_wal_corruptions_total"));
        for (int times = 0; times < 2; times++) Assert.Equal(lines.Select(l => l.Shown), world.Read(literals: "number"));
        Assert.Equal(1, world.Metric("loki_ingester_wal_corruptions_total"));
    }

    [Fact]
    public async Task Without_one_part_the_others_are_served_whole()
    {
        await using var world = new StoreWorld(with: Small);
        var lines = await FillAsync(world);
        await world.RestartAsync(() => File.Delete(world.Parts.Order(StringComparer.Ordinal).ElementAt(1)));
        Assert.Equal(lines.Where(l => l.Part != 1).Select(l => l.Shown), world.Read());
    }

    [Fact]
    public async Task A_damaged_mark_costs_no_line_and_doubles_none()
    {
        await using var world = new StoreWorld(with: Small);
        var lines = await FillAsync(world);
        string path = Path.Combine(world.LogsFolder, "flushed");
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (bool cut in new[] { false, true })
            {
                await world.RestartAsync(() =>
                {
                    File.WriteAllBytes(path, cut ? whole[..at] : whole);
                    if (!cut) Flip(path, at);
                });
                Assert.Equal(lines.Select(l => l.Shown), world.Read());
            }
        }
    }

    [Fact]
    public async Task Damaged_deletions_are_set_aside_and_the_lines_they_hid_are_shown()
    {
        await using var world = new StoreWorld(with: o => Small(o) with { FilterLanguage = new WordLanguage() });
        var lines = await FillAsync(world);
        world.Store.Delete(StoreWorld.Tenant, "app0", 0, long.MaxValue);
        Assert.Equal(lines.Where(l => l.App != "app0").Select(l => l.Shown), world.Read());
        string path = Path.Combine(world.LogsFolder, "anonymous", "deletions");
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (int at = 0; at < whole.Length; at += 3)
        {
            foreach (bool cut in new[] { false, true })
            {
                byte[] damaged = cut ? whole[..at] : [.. whole];
                if (!cut) damaged[at] ^= 1;
                await world.RestartAsync(() => File.WriteAllBytes(path, damaged));
                Assert.Equal(lines.Select(l => l.Shown), world.Read());
                Assert.Equal(1, world.Metric("loki_ingester_wal_corruptions_total"));
                Assert.False(File.Exists(path));
                Assert.Equal(damaged, await File.ReadAllBytesAsync(path + ".damaged"));
            }
        }
    }

    private static LogStoreOptions Small(LogStoreOptions options) => StoreWorld.Plain(options) with { BlockBytes = 8000 };

    /// <summary>Three parts of two streams; lines with fields and without. Returns all lines in the order of time.</summary>
    private static async Task<List<(int Part, string App, long Ns, string Shown)>> FillAsync(StoreWorld world)
    {
        var lines = new List<(int, string, long, string)>();
        long ns = 0;
        for (int part = 0; part < 3; part++)
        {
            for (int i = 0; i < 800; i++)
            {
                string app = $"app{i % 2}", line = i % 8 < 2 ? $"plain number {i} of part {part}" : $"{{\"number\":{i},\"part\":\"{part}\",\"text\":\"something\"}}";
                await world.PushAsync((app, ++ns, line));
                lines.Add((part, app, ns, StoreWorld.Shown(app, ns, line)));
            }
            await world.Store.FlushAsync(CancellationToken.None);
        }
        Assert.Equal(3, world.Parts.Length);
        Assert.Equal(lines.Select(l => l.Item4), world.Read());
        return lines;
    }

    private static List<(string App, BlockHeader Header)> Blocks(string part) =>
        [.. PartReader.Open(part, new IndexCache(1 << 20)).Index.Streams().SelectMany(s => s.Blocks.Select(b => (s.Labels["app"]!, b.Header)))];

    private static void Flip(string path, long at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
