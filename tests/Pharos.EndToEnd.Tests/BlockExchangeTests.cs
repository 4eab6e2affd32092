using System.Globalization;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>Blocks of a running server and of a running Prometheus change places, and everybody goes on answering the same.</summary>
public sealed class BlockExchangeTests
{
    private const int StepMs = 60_000;
    private const int Scrapes = 300;

    private static readonly string[] Queries =
    [
        "floats", "floats{zone=\"a\"}", "floats{zone!~\"a|b\"}", "sum by (zone) (floats)", "increase(floats[5m])", "delta(floats[10m])",
        "max_over_time(floats[10m])", "count_over_time(floats[1h])", "resets(floats[1h])", "natives", "natives_float", "natives_custom", "increase(natives[5m])",
        "histogram_count(increase(natives[5m]))", "histogram_quantile(0.9, natives_custom)", "histogram_count(natives_float)", "sum(natives)", "count by (__name__) ({__name__=~\".+\"})",
    ];

    [Fact]
    public async Task Prometheus_answers_from_our_blocks_and_we_from_its_blocks_as_both_did_before()
    {
        string promtool = Places.Program("promtool");
        using var folder = Places.NewFolder();
        long end = TimeProvider.System.UnixMs() / StepMs * StepMs, start = end - (Scrapes * (long)StepMs);
        string config = Path.Combine(folder, "pharos.yml");
        await File.WriteAllTextAsync(config, "admin_api: true\nlimits: {compactor_blocks_retention_size: 10GB, retention_series: [{selector: '{job=\"debug\"}', period: 3d}]}\n");

        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "ours"), null, "--config", config);
        await using var _ = server;
        using var __ = http;
        await using var peer = await RunningPrometheus.StartAsync(Path.Combine(folder, "theirs"));
        for (int from = 0; from < Scrapes; from += 50)
        {
            using var batch = Samples(start, from, 50);
            using var ours = await MetricsOverHttp.PushAsync(http, batch);
            Assert.True(ours.IsSuccessStatusCode, await ours.Content.ReadAsStringAsync());
            using var theirs = await MetricsOverHttp.PushAsync(peer.Http, batch, "/api/v1/write");
            Assert.True(theirs.IsSuccessStatusCode, await theirs.Content.ReadAsStringAsync());
        }
        var expected = await AnswersAsync(peer.Http, start, end);
        AssertSame(expected, await AnswersAsync(http, start, end));

        string ourBlocks = Path.Combine(folder, "ours", "metrics", "anonymous", "snapshots", await SnapshotAsync(http));
        string theirBlocks = Path.Combine(folder, "theirs", "snapshots", await SnapshotAsync(peer.Http));
        var (exit, output) = await RunningProgram.RunAsync(promtool, "tsdb", "list", ourBlocks);
        Assert.True(exit == 0, output);
        foreach (string block in Blocks(ourBlocks))
        {
            Assert.Contains(block, output);
            var (analyzed, analysis) = await RunningProgram.RunAsync(promtool, "tsdb", "analyze", ourBlocks, block);
            Assert.True(analyzed == 0, analysis);
            Assert.Contains("Total Series: 14", analysis);
        }

        var (onTheirs, clientOfTheirs) = await StartOnAsync(theirBlocks, Path.Combine(folder, "again"));
        await using (onTheirs)
        {
            AssertSame(expected, await AnswersAsync(clientOfTheirs, start, end));
        }
        clientOfTheirs.Dispose();

        // Prometheus on our blocks, and then we on our blocks with the tombstones that Prometheus wrote.
        await using (var onOurs = await RunningPrometheus.StartAsync(ourBlocks))
        {
            AssertSame(expected, await AnswersAsync(onOurs.Http, start, end));
            string delete = FormattableString.Invariant(
                $"/api/v1/admin/tsdb/delete_series?match[]={Uri.EscapeDataString("floats{zone=\"b\"}")}&start={(start / 1000) + 3000}&end={(start / 1000) + 9000}");
            using var deleted = await onOurs.Http.PostAsync(delete, null);
            Assert.True(deleted.IsSuccessStatusCode, await deleted.Content.ReadAsStringAsync());
            expected = await AnswersAsync(onOurs.Http, start, end);
            await onOurs.StopAsync();
        }
        var (last, lastClient) = await StartOnAsync(ourBlocks, Path.Combine(folder, "last"));
        await using (last)
        {
            AssertSame(expected, await AnswersAsync(lastClient, start, end));
        }
        lastClient.Dispose();
    }

    private static void AssertSame(List<(string Query, List<string> Lines)> expected, List<(string Query, List<string> Lines)> got)
    {
        foreach (var ((query, lines), (_, others)) in expected.Zip(got))
        {
            Assert.True(lines.Count > 0, $"{query}: nothing to compare");
            Assert.True(lines.Count == others.Count, $"{query}: {lines.Count} series against {others.Count}");
            foreach (var (line, other) in lines.Zip(others))
            {
                int same = line.AsSpan().CommonPrefixLength(other);
                if (same == line.Length && same == other.Length) continue;
                int from = Math.Max(0, same - 60);
                Assert.Fail($"{query}: {line[..Math.Min(80, line.Length)]} differs at {same}:\n{line[from..Math.Min(line.Length, same + 60)]}\n{other[from..Math.Min(other.Length, same + 60)]}");
            }
        }
    }

    private static async Task<List<(string Query, List<string> Lines)>> AnswersAsync(HttpClient http, long startMs, long endMs)
    {
        var answers = new List<(string, List<string>)>();
        foreach (string query in Queries) answers.Add((query, await MetricsOverHttp.RangeAsync(http, query, startMs, endMs, 300)));
        return answers;
    }

    /// <summary>Starts a server whose only data are copies of blocks.</summary>
    private static async Task<(RunningProgram Program, HttpClient Http)> StartOnAsync(string blocks, string data)
    {
        string tenant = Path.Combine(data, "metrics", "anonymous");
        Directory.CreateDirectory(tenant);
        foreach (string block in Blocks(blocks)) Directory.Move(Path.Combine(blocks, block), Path.Combine(tenant, block));
        return await PharosPrograms.StartServerAsync(data);
    }

    /// <summary>Folders with the names of blocks: 26 characters.</summary>
    private static List<string> Blocks(string folder) => [.. Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)).Where(n => n.Length == 26)];

    private static async Task<string> SnapshotAsync(HttpClient http)
    {
        using var answer = await http.PostAsync("/api/v1/admin/tsdb/snapshot", null);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("data").GetProperty("name").GetString()!;
    }

    private static MetricBatch Samples(long startMs, int from, int count)
    {
        var batch = new MetricBatch();
        for (int id = 0; id < 10; id++)
        {
            int series = batch.AddSeries(Labels.Of(
                ("__name__", "floats"), ("id", id.ToString(CultureInfo.InvariantCulture)), ("zone", (id % 3) switch { 0 => "a", 1 => "b", _ => "é\"\\" })));
            for (int i = from; i < from + count; i++) batch.AddSample(series, startMs + (i * (long)StepMs), i == 200 && id == 4 ? double.NaN : (i % 77 * (id + 1)) + (id * 0.125));
        }
        int whole = batch.AddSeries(Labels.Of(("__name__", "natives"), ("zone", "a"))), wide = batch.AddSeries(Labels.Of(("__name__", "natives"), ("zone", "b")));
        int floats = batch.AddSeries(Labels.Of(("__name__", "natives_float"))), custom = batch.AddSeries(Labels.Of(("__name__", "natives_custom")));
        for (int i = from; i < from + count; i++)
        {
            long t = startMs + (i * (long)StepMs);
            batch.AddHistogram(whole, t, Exponential(i, extra: 0));
            batch.AddHistogram(wide, t, Exponential(i % 120, extra: i % 120 / 10));
            batch.AddHistogram(floats, t, new Histogram
            {
                IsFloat = true, Schema = -1, Count = 4.5 * i, Sum = 10.5 * i, ZeroThreshold = 0.001, PositiveSpans = [new BucketSpan(1, 2)], PositiveBuckets = [1.5 * i, 3.0 * i],
            });
            batch.AddHistogram(custom, t, new Histogram
            {
                Schema = Histogram.CustomBucketsSchema, Count = 6 + (3 * i), Sum = 3 + i, CustomValues = [0.5, 1, 2.25],
                PositiveSpans = [new BucketSpan(0, 3)], PositiveBuckets = [1 + i, 2 + i, 3 + i],
            });
        }
        return batch;
    }

    /// <summary>A counter's histogram that rises with i and has more buckets the larger <paramref name="extra"/> is.</summary>
    private static Histogram Exponential(int i, int extra) => new()
    {
        Schema = 0,
        ZeroThreshold = 0.001,
        ZeroCount = 2 + i,
        Count = 12 + (5 * i) + (7 * extra),
        Sum = 18.5 * (i + 1),
        PositiveSpans = extra == 0 ? [new BucketSpan(1, 2)] : [new BucketSpan(1, 2), new BucketSpan(3, (uint)extra)],
        PositiveBuckets = [3 + i, 4 + i, .. Enumerable.Repeat(7.0, extra)],
        NegativeSpans = [new BucketSpan(1, 2)],
        NegativeBuckets = [2 + i, 1 + i],
    };
}
