using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tests;

public sealed class CompactionTests
{
    private static readonly long[] Widths = CompactionPlan.Widths(20, 540);

    [Fact]
    public void Widths_are_three_times_the_one_before() => Assert.Equal([20, 60, 180, 540], Widths);

    [Theory]
    [InlineData("0-20", "")]
    [InlineData("0-20 20-40 40-60", "")]
    [InlineData("0-20 20-40 40-60 60-80", "0-20 20-40 40-60")]
    [InlineData("0-20 40-60 60-80", "0-20 40-60")]
    [InlineData("20-40 40-60 60-80 80-100", "20-40 40-60")]
    [InlineData("20-40 60-80 80-100", "")]
    [InlineData("0-60 60-120 120-180 180-200", "0-60 60-120 120-180")]
    [InlineData("0-60 60-80 80-100 100-120 120-140", "60-80 80-100 100-120")]
    [InlineData("0-20 10-40 60-80", "0-20 10-40")]
    [InlineData("0-60 20-40 30-90 100-120", "0-60 20-40 30-90")]
    public void The_plan_merges_whole_ranges_and_overlaps(string blocks, string expected)
    {
        var plan = CompactionPlan.Next(Blocks(blocks), Widths);
        Assert.Equal(expected, string.Join(' ', plan.Select(b => $"{b.MinMs}-{b.EndMs}")));
    }

    [Fact]
    public void Failed_blocks_are_left_alone()
    {
        var blocks = Blocks("0-20 20-40 40-60 60-80");
        blocks[1] = blocks[1] with { Failed = true };
        Assert.Equal("0-20 40-60", string.Join(' ', CompactionPlan.Next(blocks, Widths).Select(b => $"{b.MinMs}-{b.EndMs}")));
    }

    [Fact]
    public async Task A_day_becomes_few_blocks_and_every_sample_stays()
    {
        await using var at = new StoreFixture();
        var labels = Labels.Of(("__name__", "m"));
        long start = at.Now;
        for (int i = 0; i < 4000; i++)
        {
            at.Time.Advance(TimeSpan.FromMinutes(1));
            await at.AppendAsync(labels, at.Now, i);
            if (i % 60 == 0) await at.Store.MaintainAsync(default);
        }
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        Assert.Contains(blocks, b => b.Level >= 3);
        Assert.InRange(blocks.Count, 3, 8);
        for (int i = 1; i < blocks.Count; i++) Assert.True(blocks[i - 1].EndTimeMs <= blocks[i].MinTimeMs);
        var expected = Enumerable.Range(0, 4000).Select(i => (start + ((i + 1) * 60_000L), (double)i)).ToList();
        Assert.Equal(expected, at.Read(labels));
        // Folders of merged blocks are gone.
        Assert.Equal(blocks.Count, Directory.GetDirectories(at.TenantFolder).Count(d => Ulid.IsUlid(Path.GetFileName(d))));
    }

    [Fact]
    public async Task A_block_that_is_put_into_the_folder_is_taken_in_while_running()
    {
        await using var from = new StoreFixture();
        var labels = Labels.Of(("__name__", "m"));
        await from.AppendAsync(labels, from.Now, 7);
        await from.Store.FlushAsync(default);
        await using var to = new StoreFixture();
        await to.AppendAsync(labels, to.Now + 5, 8);
        string block = from.Store.BlockList(StoreFixture.Tenant).Single().Folder;
        FolderCopy.Link(FileDisk.Instance, block, Path.Combine(to.TenantFolder, Path.GetFileName(block)));
        await to.Store.MaintainAsync(default);
        Assert.Equal([(from.Now, 7.0), (to.Now + 5, 8.0)], to.Read(labels));
    }

    private static List<BlockMeta> Blocks(string text) => [.. text.Split(' ').Select((t, i) => new BlockMeta
    {
        Id = $"{i}",
        MinMs = long.Parse(t.Split('-')[0]),
        EndMs = long.Parse(t.Split('-')[1]),
    })];
}
