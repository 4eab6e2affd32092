using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>What a store keeps beside its blocks, missing, cut off and with flipped bits: named, and the samples come from the write log.</summary>
public sealed class HeadVerifierTests
{
    private static readonly Labels Up = Labels.Of(("__name__", "up"), ("job", "api"));

    [Fact]
    public async Task Whole_files_have_no_problem_and_say_how_far_the_log_goes()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        var head = HeadVerifier.Verify(at.TenantFolder);
        var list = HeadVerifier.VerifyList(Path.Combine(at.Folder, "metrics"));
        Assert.Empty(head.Problems);
        Assert.Empty(list.Problems);
        Assert.True(head.LogReaches > new WriteLogPosition(1, 40) && head.LogReaches <= at.Log.End);
        Assert.True(list.LogReaches > new WriteLogPosition(1, 40) && list.LogReaches <= at.Log.End);
        var log = WriteLogVerifier.Verify(at.LogOptions.Folder, (_, payload) => HeadVerifier.ProblemOf(payload), null, default);
        Assert.Empty(log.Problems);
        Assert.True(log.Records > 3);
    }

    [Theory]
    [InlineData("shop/head-cut", 0)]
    [InlineData("shop/head-snapshot", 2)]
    [InlineData("head-snapshots", 0)]
    public async Task A_cut_off_or_changed_file_is_named_and_costs_no_sample(string name, int harmlessBytes)
    {
        await using var at = new StoreFixture();
        var expected = await FillAsync(at);
        await CloseAsync(at);
        string metrics = Path.Combine(at.Folder, "metrics"), path = Path.Combine(metrics, name);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        int step = Math.Max(1, bytes.Length / 60);
        for (int length = 0; length < bytes.Length; length += step)
        {
            await File.WriteAllBytesAsync(path, bytes[..length]);
            Assert.Contains(Problems(metrics), p => p == path);
        }
        int unnamed = 0;
        for (int position = 0; position < bytes.Length; position += position < 24 ? 1 : step)
        {
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            await File.WriteAllBytesAsync(path, flipped);
            if (!Problems(metrics).Contains(path)) unnamed++;
        }
        Assert.Equal(harmlessBytes, unnamed);
        bytes[bytes.Length / 2] ^= 4;
        await File.WriteAllBytesAsync(path, bytes);
        at.Open();
        Assert.Equal(expected, at.Read(Up));
    }

    [Fact]
    public async Task A_file_of_finished_chunks_is_named_with_the_place_and_costs_no_sample()
    {
        await using var at = new StoreFixture();
        var expected = await FillAsync(at);
        await CloseAsync(at);
        string metrics = Path.Combine(at.Folder, "metrics"), path = Directory.GetFiles(Path.Combine(at.TenantFolder, "head-chunks")).Single();
        byte[] bytes = await File.ReadAllBytesAsync(path);
        for (int position = 0; position < bytes.Length; position += position < 40 ? 1 : 31)
        {
            await File.WriteAllBytesAsync(path, bytes[..position]);
            AssertNamed();
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            await File.WriteAllBytesAsync(path, flipped);
            // The last two bytes of the header say nothing.
            if (position is not (6 or 7)) AssertNamed();
        }
        File.Delete(path);
        AssertNamed();
        // What was written behind the saved head does not belong to it.
        await File.WriteAllBytesAsync(path, [.. bytes, 1, 2, 3]);
        Assert.Empty(Problems(metrics));
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        at.Open();
        Assert.Equal(expected, at.Read(Up));

        void AssertNamed() => Assert.Contains(path, Assert.Single(HeadVerifier.Verify(at.TenantFolder).Problems).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_files_that_others_speak_of_are_named()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        string metrics = Path.Combine(at.Folder, "metrics"), cut = Path.Combine(at.TenantFolder, "head-cut"), saved = Path.Combine(at.TenantFolder, "head-snapshot");
        File.Move(cut, cut + ".away");
        Assert.Equal([cut], Problems(metrics));
        File.Move(cut + ".away", cut);
        File.Delete(saved);
        Assert.Equal([saved], Problems(metrics));
    }

    [Fact]
    public async Task A_mark_of_an_earlier_release_has_no_checksum_and_is_read()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        string cut = Path.Combine(at.TenantFolder, "head-cut");
        string text = await File.ReadAllTextAsync(cut);
        await File.WriteAllTextAsync(cut, string.Join(' ', text.Split(' ')[..3]) + "\n");
        Assert.Empty(Problems(Path.Combine(at.Folder, "metrics")));
    }

    /// <summary>A head that was cut once and saved, with later samples of floats and histograms.</summary>
    private static async Task<List<(long, double)>> FillAsync(StoreFixture at)
    {
        var expected = new List<(long, double)>();
        for (int i = 0; i < 2; i++)
        {
            for (int k = 0; k < 200; k++)
            {
                using var batch = new MetricBatch();
                int series = batch.AddSeries(Up);
                batch.AddSample(series, at.Now + k, k);
                expected.Add((at.Now + k, k));
                batch.AddHistogram(batch.AddSeries(Labels.Of(("__name__", "native"))), at.Now + k, Histograms.Exponential(k));
                Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
            }
            if (i == 0) await at.Store.FlushAsync(default);
            at.Time.Advance(TimeSpan.FromHours(1));
        }
        await at.Store.SaveHeadsAsync(default);
        return expected;
    }

    private static List<string> Problems(string metrics) =>
        [.. HeadVerifier.Verify(Path.Combine(metrics, "shop")).Problems.Concat(HeadVerifier.VerifyList(metrics).Problems).Select(p => p.Path)];

    private static async Task CloseAsync(StoreFixture at)
    {
        await at.Store.DisposeAsync();
        await at.Log.DisposeAsync();
    }
}
