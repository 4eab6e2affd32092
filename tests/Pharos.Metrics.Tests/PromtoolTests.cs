using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Blocks go both ways between this store and Prometheus's own tool.</summary>
public sealed class PromtoolTests
{
    [Fact]
    public async Task Promtool_lists_analyses_and_dumps_our_blocks()
    {
        string promtool = Places.Program("promtool");
        await using var at = new StoreFixture();
        long start = at.Now - 10_800_000;
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        using var batch = new MetricBatch();
        for (int s = 0; s < 40; s++)
        {
            var labels = Labels.Of(("__name__", "requests_total"), ("path", $"/p{s}"), ("zone", s % 2 == 0 ? "é" : "b"));
            int series = batch.AddSeries(labels);
            var samples = Enumerable.Range(0, 400).Select(i => (start + (i * 15_000) + (i % 7 == 0 ? i : 0), Value(s, i))).ToArray();
            foreach (var (ms, value) in samples)
            {
                batch.AddSample(series, ms, value);
                expected.Add(string.Create(CultureInfo.InvariantCulture, $"{{__name__=\"requests_total\", path=\"/p{s}\", zone=\"{labels["zone"]}\"}} {Go(value)} {ms}"));
            }
        }
        Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
        await at.Store.FlushAsync(default);
        Assert.True(at.Store.BlockList(StoreFixture.Tenant).Count > 1);
        string list = Run(promtool, "tsdb", "list", at.TenantFolder);
        foreach (var block in at.Store.BlockList(StoreFixture.Tenant)) Assert.Contains(block.Id, list, StringComparison.Ordinal);
        Assert.Contains("Total Series: 40", Run(promtool, "tsdb", "analyze", at.TenantFolder, at.Store.BlockList(StoreFixture.Tenant)[0].Id), StringComparison.Ordinal);
        var dumped = Run(promtool, "tsdb", "dump", at.TenantFolder).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, new SortedSet<string>(dumped, StringComparer.Ordinal));
        Assert.Equal(expected.Count, dumped.Length);
    }

    [Fact]
    public async Task Merged_blocks_and_tombstones_are_read_by_promtool()
    {
        string promtool = Places.Program("promtool");
        await using var at = new StoreFixture();
        long start = TimeRanges.Floor(at.Now, 7_200_000 * 9) - (7_200_000 * 9);
        var labels = Labels.Of(("__name__", "m"), ("a", "b"));
        for (int i = 0; i < 5000; i++) await at.AppendAsync(labels, start + (i * 15_000), i);
        await at.Store.FlushAsync(default);
        int before = at.Store.BlockList(StoreFixture.Tenant).Count;
        await at.Store.MaintainAsync(default);
        Assert.True(at.Store.BlockList(StoreFixture.Tenant).Count < before);
        Assert.Contains(at.Store.BlockList(StoreFixture.Tenant), b => b.Level > 1);
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "a", "b")]], new TimeRange(start + (100 * 15_000), start + (199 * 15_000)), default);
        Assert.Equal(4900, at.Read(labels).Count);
        int Dumped() => Run(promtool, "tsdb", "dump", at.TenantFolder).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.Equal(4900, Dumped());
        await at.Store.CleanTombstonesAsync(StoreFixture.Tenant, default);
        Assert.Equal(4900, at.Read(labels).Count);
        Assert.Equal(4900, Dumped());
        Assert.Equal(4900, at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Samples));
    }

    [Fact]
    public async Task Native_histograms_in_our_blocks_are_read_by_promtool()
    {
        string promtool = Places.Program("promtool");
        await using var at = new StoreFixture();
        using var batch = new MetricBatch();
        int ints = batch.AddSeries(Labels.Of(("__name__", "ints"))), floats = batch.AddSeries(Labels.Of(("__name__", "floats"))), custom = batch.AddSeries(Labels.Of(("__name__", "custom")));
        for (int i = 0; i < 50; i++)
        {
            batch.AddHistogram(ints, at.Now + (i * 1000), Histograms.Exponential(i, i % 10 == 9));
            batch.AddHistogram(floats, at.Now + (i * 1000), Histograms.Float(i));
            batch.AddHistogram(custom, at.Now + (i * 1000), Histograms.Custom(i));
        }
        var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
        Assert.Empty(result.Errors);
        Assert.Equal(150, result.Histograms);
        await at.Store.FlushAsync(default);
        var dumped = Run(promtool, "tsdb", "dump", at.TenantFolder).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // promtool looks for floats first, then for float histograms, then for the others; each look swallows a sample.
        Assert.Equal(48 + 49 + 48, dumped.Length);
        Assert.Contains($"{{__name__=\"ints\"}} {{count:64, sum:184, [-4,-2):10, [-2,-1):11, [-0.001,0.001]:11, (1,2]:12, (2,4]:13, (32,64]:7}} {at.Now + 9000}", dumped);
        Assert.Contains($"{{__name__=\"floats\"}} {{count:4.5, sum:10.5, (1,2]:1.5, (2,4]:3}} {at.Now + 1000}", dumped);
        Assert.Contains($"{{__name__=\"custom\"}} {{count:12, sum:5, [-Inf,0.5]:3, (0.5,1]:4, (1,2.25]:5}} {at.Now + 2000}", dumped);
    }

    [Fact]
    public async Task Blocks_that_prometheus_wrote_open_and_read_the_same()
    {
        string promtool = Places.Program("promtool");
        await using var at = new StoreFixture();
        var text = new StringBuilder("# TYPE m gauge\n");
        var expected = new List<(Labels Labels, long Ms, double Value)>();
        for (int s = 0; s < 70; s++)
        {
            var labels = Labels.Of(("__name__", "m"), ("id", $"{s:000}"), ("parity", s % 2 == 0 ? "even" : "odd"));
            for (int i = 0; i < 130; i++)
            {
                long seconds = (at.Now / 1000) - 20_000 + (i * 120);
                double value = Value(s, i);
                text.Append(CultureInfo.InvariantCulture, $"m{{id=\"{s:000}\",parity=\"{labels["parity"]}\"}} {Go(value)} {seconds}\n");
                expected.Add((labels, seconds * 1000, value));
            }
        }
        text.Append("# EOF\n");
        string input = Path.Combine(at.Folder, "input.om");
        await File.WriteAllTextAsync(input, text.ToString());
        Run(promtool, "tsdb", "create-blocks-from", "openmetrics", input, at.TenantFolder);
        await at.RestartAsync();
        Assert.True(at.Store.BlockList(StoreFixture.Tenant).Count > 1);
        foreach (var of in expected.GroupBy(e => e.Labels)) Assert.Equal(of.Select(e => (e.Ms, e.Value)), at.Read(of.Key));
        Assert.Equal(35, at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "parity", "odd")).Count);
        Assert.Equal(70, at.Store.LabelValues(StoreFixture.Tenant, "id", [], TimeRange.All, 0, default).Count);
        Assert.Single(at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "id", "033")));
        Assert.Empty(at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "id", "0330")));
    }

    private static double Value(int series, int i) => (i % 5) switch { 0 => series, 1 => i * 0.1, 2 => -1e300 / (i + 1), 3 => i * 1000.0, _ => 1.0 / (series + 3) };

    private static string Go(double value) => value.ToString("R", CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal);

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
        return output;
    }
}
