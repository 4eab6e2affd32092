using Pharos.Core;
using Pharos.Metrics.Tools;

namespace Pharos.Metrics.Tests;

/// <summary>Files of each kind, missing, cut off and with flipped bits: named by verify, the rest served, nothing invented.</summary>
public sealed class DamageTests
{
    private const int Series = 30;

    public static TheoryData<string> Files => ["meta.json", "index", "tombstones", Path.Combine("chunks", "000001")];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_missing_or_cut_off_file_is_named_and_costs_only_its_block(string file)
    {
        await using var at = new StoreFixture();
        var (damaged, whole) = await FillAsync(at);
        string path = Path.Combine(damaged, file);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        var all = Everything(at);
        foreach (int length in (int[])[-1, 0, 1, bytes.Length / 2, bytes.Length - 1])
        {
            await CloseAsync(at);
            if (length < 0) File.Delete(path);
            else await File.WriteAllBytesAsync(path, bytes[..length]);
            var problems = BlockVerifier.Verify(damaged, null, default);
            Assert.Contains(problems, p => path.StartsWith(p.Path, StringComparison.Ordinal));
            Assert.Empty(BlockVerifier.Verify(whole, null, default));
            at.Open();
            AssertServed(all, Everything(at), at);
            await at.Store.MaintainAsync(default);
            AssertServed(all, Everything(at), at);
            Assert.True(Directory.Exists(damaged));
        }
        await CloseAsync(at);
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Empty(BlockVerifier.Verify(damaged, null, default));
        at.Open();
        Assert.Equal(all, Everything(at));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_flipped_bit_is_named_or_harmless_and_never_invents_a_sample(string file)
    {
        await using var at = new StoreFixture();
        var (damaged, _) = await FillAsync(at);
        string path = Path.Combine(damaged, file);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        var all = Everything(at);
        int named = 0, flips = 0;
        for (int position = 0; position < bytes.Length; position += Math.Max(1, bytes.Length / 40), flips++)
        {
            await CloseAsync(at);
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            await File.WriteAllBytesAsync(path, flipped);
            var problems = BlockVerifier.Verify(damaged, null, default);
            at.Open();
            var read = Everything(at);
            AssertServed(all, read, at);
            if (problems.Count > 0) named++;
            // Padding and hints may change without harm; everything else has a checksum or is checked against the rest.
            else Assert.True(all.SetEquals(read), $"a flip at byte {position} of {file} lost samples and was not named");
        }
        Assert.InRange(named, flips / 3, flips);
        await CloseAsync(at);
        await File.WriteAllBytesAsync(path, bytes);
        at.Open();
    }

    [Fact]
    public async Task A_missing_chunk_file_between_others_does_not_shift_them()
    {
        await using var at = new StoreFixture();
        var (damaged, _) = await FillAsync(at);
        await CloseAsync(at);
        string chunks = Path.Combine(damaged, "chunks");
        File.Move(Path.Combine(chunks, "000001"), Path.Combine(chunks, "000002"));
        Assert.Contains(BlockVerifier.Verify(damaged, null, default), p => p.Problem.Contains("000001 is missing", StringComparison.Ordinal));
        at.Open();
        Assert.Single(at.Store.BlockList(StoreFixture.Tenant));
        Assert.Equal(1, at.Metric("pharos_tsdb_blocks_damaged_total"));
    }

    [Fact]
    public async Task A_block_with_a_damaged_chunk_is_not_merged_so_that_nothing_is_lost_silently()
    {
        await using var at = new StoreFixture();
        var (damaged, _) = await FillAsync(at);
        await CloseAsync(at);
        string path = Path.Combine(damaged, "chunks", "000001");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[20] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        at.Open();
        at.Time.Advance(TimeSpan.FromDays(2));
        await at.AppendAsync(Labels.Of(("__name__", "later")), at.Now, 1);
        await at.Store.FlushAsync(default);
        await at.Store.MaintainAsync(default);
        await at.Store.MaintainAsync(default);
        Assert.Equal(1, at.Metric("prometheus_tsdb_compactions_failed_total"));
        Assert.True(Directory.Exists(damaged));
        Assert.NotEmpty(Everything(at));
    }

    /// <summary>Every sample but deleted ones, in blocks: a block to damage, with tombstones, and one to leave whole.</summary>
    private static async Task<(string Damaged, string Whole)> FillAsync(StoreFixture at)
    {
        for (int part = 0; part < 2; part++)
        {
            for (int i = 0; i < 40; i++)
            {
                using var batch = new MetricBatch();
                for (int s = 0; s < Series; s++)
                    batch.AddSample(batch.AddSeries(Labels.Of(("__name__", $"m{s % 3}"), ("id", $"{s}"))), at.Now - ((40 - i) * 15_000), s + (i * 0.3));
                batch.AddHistogram(batch.AddSeries(Labels.Of(("__name__", "native"))), at.Now - ((40 - i) * 15_000), Histograms.Exponential(i));
                Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
            }
            await at.Store.FlushAsync(default);
            at.Time.Advance(TimeSpan.FromHours(4));
        }
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        Assert.Equal(2, blocks.Count);
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "id", "7")]], new TimeRange(blocks[0].MinTimeMs, blocks[0].MinTimeMs + 7_000_000), default);
        return (blocks[0].Folder, blocks[1].Folder);
    }

    /// <summary>What was read is a part of what there was, and all of the whole block.</summary>
    private static void AssertServed(HashSet<string> all, HashSet<string> read, StoreFixture at)
    {
        Assert.Subset(all, read);
        long wholeFrom = at.Now - 14_400_000 - 600_000;
        Assert.Equal((Series + 1) * 40, read.Count(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..]) >= wholeFrom));
    }

    private static HashSet<string> Everything(StoreFixture at)
    {
        var lines = new HashSet<string>(StringComparer.Ordinal);
        using var columns = new SampleColumns();
        foreach (var series in at.Select(TimeRange.All))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            for (int i = 0; i < columns.Count; i++)
            {
                string value = columns.HasHistograms && columns.Histograms[i] is { } h ? $"{h.Count} {h.Sum} {string.Join(',', h.PositiveBuckets)}" : $"{columns.Values[i]:R}";
                lines.Add($"{series.Labels} {value} {columns.Timestamps[i]}");
            }
        }
        return lines;
    }

    private static async Task CloseAsync(StoreFixture at)
    {
        await at.Store.DisposeAsync();
        await at.Log.DisposeAsync();
    }
}
