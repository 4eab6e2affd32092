using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics.Tools;

namespace Pharos.Metrics.Tests;

/// <summary>Each call by which blocks are imported and copied fails once, in turn: a block is there whole or not at all, and a second try succeeds.</summary>
public sealed class CopyFaultTests
{
    private static readonly ManualTimeProvider Time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_import_of_blocks_leaves_whole_blocks_only(bool thanos)
    {
        using var folder = Places.NewFolder();
        string source = Path.Combine(folder, "source");
        Directory.CreateDirectory(source);
        string text = Text(folder);
        var made = new OpenMetricsImport(source, Time).Run(text, null, default).Blocks;
        if (thanos)
        {
            foreach (string block in made)
            {
                string meta = Path.Combine(source, block, "meta.json");
                File.WriteAllText(meta, $"{File.ReadAllText(meta).TrimEnd()[..^1]},\"thanos\":{{\"labels\":{{\"cluster\":\"eu\"}}}}}}");
            }
        }
        int n = Loop(folder, disk => target => new BlockImport(target, Time, disk).Run(source, null, default), thanos ? ", cluster=\"eu\"" : "");
        // As many as there are calls: the loop went through all of them.
        Assert.InRange(n, 30, 300);
    }

    [Fact]
    public void An_import_of_text_leaves_whole_blocks_only_and_can_be_repeated()
    {
        using var folder = Places.NewFolder();
        string text = Text(folder);
        int n = Loop(folder, disk => target => new OpenMetricsImport(target, Time, disk, samplesAtOnce: 50).Run(text, null, default), "");
        Assert.InRange(n, 50, 300);
    }

    [Fact]
    public async Task A_snapshot_is_whole_or_not_there()
    {
        int n = 1;
        for (; ; n++)
        {
            await using var at = new StoreFixture(maintains: false);
            var up = Labels.Of(("__name__", "up"));
            await at.AppendAsync(up, at.Now, 1);
            await at.Store.FlushAsync(default);
            await at.AppendAsync(up, at.Now + 1, 2);
            var disk = new NthCallDisk(n);
            at.Disk = disk;
            await at.RestartAsync();
            string snapshots = Path.Combine(at.TenantFolder, "snapshots");
            try
            {
                await at.Store.SnapshotAsync(StoreFixture.Tenant, skipHead: false, default);
            }
            catch (IOException)
            {
                Assert.True(disk.Fired);
                Assert.Empty(Directory.Exists(snapshots) ? Directory.GetDirectories(snapshots) : []);
            }
            if (!disk.Fired) break;
            string name = await at.Store.SnapshotAsync(StoreFixture.Tenant, skipHead: false, default);
            string copy = Path.Combine(snapshots, name);
            Assert.Equal(2, BlockArchive.FoldersIn(copy).Count);
            foreach (string block in BlockArchive.FoldersIn(copy)) Assert.Empty(BlockVerifier.Verify(block, null, default));
            Assert.Equal(["up 1 " + at.Now, "up 2 " + (at.Now + 1)], Read(copy, labels => labels["__name__"]));
            Assert.Equal([(at.Now, 1.0), (at.Now + 1, 2.0)], at.Read(up));
        }
        Assert.InRange(n, 15, 100);
    }

    /// <summary>Runs an import with one disk call after the other failing, and again after it.</summary>
    /// <returns>How many calls there were.</returns>
    private static int Loop(string folder, Func<NthCallDisk, Action<string>> import, string extra)
    {
        string[] expected = [.. Enumerable.Range(0, 90).SelectMany(i => (int[])[0, 1], (i, s) => Line(i, s, extra)).Order(StringComparer.Ordinal)];
        for (int n = 1; ; n++)
        {
            string target = Path.Combine(folder, $"target-{n}");
            var disk = new NthCallDisk(n);
            var run = import(disk);
            bool failed = false;
            try
            {
                run(target);
            }
            catch (IOException)
            {
                failed = true;
                if (Directory.Exists(target))
                {
                    foreach (string block in BlockArchive.FoldersIn(target)) Assert.Empty(BlockVerifier.Verify(block, null, default));
                    Assert.Subset(expected.ToHashSet(), Read(target, l => l.ToString()).ToHashSet());
                }
                run(target);
            }
            Assert.True(failed || !disk.Fired || Directory.GetDirectories(target, "*.tmp-*").Length == 1, $"call {n} failed and nobody was told");
            Assert.Equal(expected, Read(target, l => l.ToString()));
            Directory.Delete(target, recursive: true);
            if (!disk.Fired) return n;
        }
    }

    private static string Line(int i, int s, string extra) =>
        string.Create(CultureInfo.InvariantCulture, $"{{__name__=\"m\"{extra}, s=\"{s}\"}} {i + s} {(1_700_000_000L + (i * 100)) * 1000}");

    private static string Text(string folder)
    {
        string path = Path.Combine(folder, "in.om");
        var text = new StringBuilder();
        for (int i = 0; i < 90; i++)
        {
            for (int s = 0; s < 2; s++) text.Append(CultureInfo.InvariantCulture, $"m{{s=\"{s}\"}} {i + s} {1_700_000_000 + (i * 100)}\n");
        }
        File.WriteAllText(path, text.Append("# EOF\n").ToString());
        return path;
    }

    private static string[] Read(string blocks, Func<Labels, string?> name)
    {
        var lines = new List<string>();
        using var columns = new SampleColumns();
        foreach (var series in BlockArchive.Open(blocks, NullLogger.Instance).Select([], TimeRange.All, default))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            for (int i = 0; i < columns.Count; i++) lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name(series.Labels)} {columns.Values[i]} {columns.Timestamps[i]}"));
        }
        return [.. lines.Order(StringComparer.Ordinal)];
    }
}
