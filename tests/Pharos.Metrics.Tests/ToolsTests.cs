using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.Wire;

namespace Pharos.Metrics.Tests;

/// <summary>Import of text and of foreign blocks, and what the tools say about blocks.</summary>
public sealed class ToolsTests
{
    private static readonly ManualTimeProvider Time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Openmetrics_text_becomes_the_same_blocks_whatever_fits_into_memory()
    {
        using var folder = Places.NewFolder();
        string path = Path.Combine(folder, "in.om");
        var text = new StringBuilder("# TYPE m gauge\n");
        var expected = new HashSet<string>();
        for (int i = 0; i < 600; i++)
        {
            for (int s = 0; s < 3; s++)
            {
                // Out of order over the series, and 50 hours in all.
                long seconds = 1_700_000_000 + (s == 1 ? 599 - i : i) * 300;
                text.Append(CultureInfo.InvariantCulture, $"m{{s=\"{s}\"}} {i + (s * 0.25)} {seconds}\n");
                expected.Add($"{s} {i + (s * 0.25):R} {seconds * 1000}");
            }
        }
        text.Append("# EOF\n");
        File.WriteAllText(path, text.ToString());
        foreach (long atOnce in (long[])[1_000_000, 100, 1])
        {
            string target = Path.Combine(folder, $"blocks-{atOnce}");
            var done = new OpenMetricsImport(target, Time, atOnce).Run(path, null, default);
            Assert.Equal((1800, 3, 0), (done.Samples, done.Series, done.Replaced));
            var archive = BlockArchive.Open(target, NullLogger.Instance);
            Assert.Equal(done.Blocks.Order(StringComparer.Ordinal), archive.Blocks.Select(b => b.Id).Order(StringComparer.Ordinal));
            Assert.InRange(archive.Blocks.Count, 25, 26);
            Assert.All(archive.Blocks, b => Assert.Empty(BlockVerifier.Verify(b.Folder, null, default)));
            Assert.True(expected.SetEquals(Read(archive)));
        }
    }

    [Theory]
    [InlineData("m 1\n# EOF\n", "has no timestamp")]
    [InlineData("m 1 100\n", "EOF")]
    [InlineData("m{ 1 100\n# EOF\n", "line 1, column 3")]
    public void Text_that_cannot_be_imported_is_refused_and_leaves_no_block(string text, string message)
    {
        using var folder = Places.NewFolder();
        string path = Path.Combine(folder, "in.om");
        File.WriteAllText(path, text);
        var wrong = Assert.ThrowsAny<Exception>(() => new OpenMetricsImport(Path.Combine(folder, "out"), Time).Run(path, null, default));
        Assert.True(wrong is WireFormatException or InvalidDataException);
        Assert.Contains(message, wrong.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "out")));
    }

    [Fact]
    public void The_later_of_two_samples_of_one_time_counts()
    {
        using var folder = Places.NewFolder();
        string path = Path.Combine(folder, "in.om");
        File.WriteAllText(path, "m{a=\"b\"} 1 100\nm{a=\"b\"} 2 100\nm{a=\"b\"} 3 101\n# EOF\n");
        var done = new OpenMetricsImport(Path.Combine(folder, "out"), Time).Run(path, null, default);
        Assert.Equal((2, 1), (done.Samples, done.Replaced));
        var series = Assert.Single(BlockArchive.Open(Path.Combine(folder, "out"), NullLogger.Instance).Select([], TimeRange.All, default));
        using var columns = new SampleColumns();
        series.Read(TimeRange.All, columns);
        Assert.Equal([2, 3], columns.Values.ToArray());
    }

    [Fact]
    public async Task Foreign_blocks_are_verified_and_imported_once_and_a_damaged_one_is_named()
    {
        using var folder = Places.NewFolder();
        string source = Path.Combine(folder, "source"), target = Path.Combine(folder, "target");
        string good = Import(source, "good", 1_700_000_000), bad = Import(source, "bad", 1_700_100_000);
        string chunks = Path.Combine(source, bad, "chunks", "000001");
        byte[] bytes = await File.ReadAllBytesAsync(chunks);
        bytes[^2] ^= 1;
        await File.WriteAllBytesAsync(chunks, bytes);
        await File.WriteAllTextAsync(Path.Combine(source, good, "no-compact-mark.json"), "{}");

        var done = new BlockImport(target, Time).Run(source, null, default);
        Assert.Equal(good, done.Single(b => b.Id == good).NewId);
        Assert.Equal(chunks, Assert.Single(done.Single(b => b.Id == bad).Problems).Path);
        Assert.Equal([good], Directory.GetDirectories(target).Select(d => Path.GetFileName(d)));
        Assert.False(File.Exists(Path.Combine(target, good, "no-compact-mark.json")));
        Assert.True(new BlockImport(target, Time).Run(Path.Combine(source, good), null, default).Single().AlreadyThere);
    }

    [Fact]
    public void External_labels_of_thanos_become_labels_and_downsampled_blocks_are_refused()
    {
        using var folder = Places.NewFolder();
        string source = Path.Combine(folder, "source"), target = Path.Combine(folder, "target");
        string raw = Import(source, "raw", 1_700_000_000), coarse = Import(source, "coarse", 1_700_100_000), mimir = Import(source, "mimir", 1_700_200_000);
        AddThanos(Path.Combine(source, raw), """{"labels":{"cluster":"eu","s":"theirs"},"downsample":{"resolution":0},"source":"sidecar"}""");
        AddThanos(Path.Combine(source, coarse), """{"labels":{"cluster":"eu"},"downsample":{"resolution":300000},"source":"compactor"}""");
        AddThanos(Path.Combine(source, mimir), """{"labels":{"__compactor_shard_id__":"1_of_4"},"downsample":{"resolution":0},"source":"ingester"}""");

        var done = new BlockImport(target, Time).Run(source, null, default);
        Assert.Contains("300000 ms", Assert.Single(done.Single(b => b.Id == coarse).Problems).Problem, StringComparison.Ordinal);
        Assert.Equal(mimir, done.Single(b => b.Id == mimir).NewId);
        string rewritten = Assert.IsType<string>(done.Single(b => b.Id == raw).NewId);
        Assert.NotEqual(raw, rewritten);
        Assert.Empty(BlockVerifier.Verify(Path.Combine(target, rewritten), null, default));
        var archive = BlockArchive.Open(target, NullLogger.Instance);
        // A label that the series has itself wins.
        Assert.Equal(["{__name__=\"mimir\", s=\"0\"}", "{__name__=\"raw\", cluster=\"eu\", s=\"0\"}"], archive.Select([], TimeRange.All, default).Select(s => s.Labels.ToString()));
        Assert.True(new BlockImport(target, Time).Run(Path.Combine(source, raw), null, default).Single().AlreadyThere);
    }

    [Fact]
    public void Analysis_counts_series_churn_and_bytes()
    {
        using var folder = Places.NewFolder();
        string path = Path.Combine(folder, "in.om"), target = Path.Combine(folder, "blocks");
        var text = new StringBuilder();
        const long start = 1_700_006_400;
        for (int i = 0; i < 120; i++) text.Append(CultureInfo.InvariantCulture, $"steady{{job=\"api\"}} {i} {start + (i * 60)}\n");
        for (int i = 0; i < 10; i++) text.Append(CultureInfo.InvariantCulture, $"brief{{job=\"batch\",run=\"{i}\"}} 1 {start + (i * 60)}\n");
        File.WriteAllText(path, text.Append("# EOF\n").ToString());
        new OpenMetricsImport(target, Time).Run(path, null, default);
        var found = BlockArchive.Open(target, NullLogger.Instance).Analyze(null, [], 2, default);
        Assert.Equal((11, 3, 14, 32), (found.Series, found.LabelNames, found.Postings, found.PostingEntries));
        Assert.Equal([new NamedCount("__name__=brief", 10), new NamedCount("job=batch", 10)], found.SeriesByPair);
        Assert.Equal([new NamedCount("__name__=brief", 10), new NamedCount("job=batch", 10)], found.ChurnByPair);
        Assert.Equal([new NamedCount("run", 10), new NamedCount("__name__", 2)], found.ValuesByName);
        Assert.Equal((11, 130), (found.Encodings.Single().Chunks, found.Encodings.Single().Samples));
        Assert.Equal(1, BlockArchive.Open(target, NullLogger.Instance).Analyze(null, [new Matcher(MatchOp.Equal, "job", "api")], 2, default).Series);
    }

    private static HashSet<string> Read(BlockArchive archive)
    {
        var lines = new HashSet<string>();
        using var columns = new SampleColumns();
        foreach (var series in archive.Select([], TimeRange.All, default))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            for (int i = 0; i < columns.Count; i++) lines.Add($"{series.Labels["s"]} {columns.Values[i]:R} {columns.Timestamps[i]}");
        }
        return lines;
    }

    private static string Import(string folder, string metric, long seconds)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, metric + ".om");
        File.WriteAllText(path, $"{metric}{{s=\"0\"}} 1 {seconds}\n# EOF\n");
        return new OpenMetricsImport(folder, Time).Run(path, null, default).Blocks.Single();
    }

    private static void AddThanos(string block, string thanos)
    {
        string path = Path.Combine(block, "meta.json");
        string meta = File.ReadAllText(path).TrimEnd();
        File.WriteAllText(path, $"{meta[..^1]},\"thanos\":{thanos}}}");
    }
}
