using System.Globalization;
using System.Net;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>Queries of the kind that bring a server down, against a process that may not grow.</summary>
public sealed class HostileQueryTests
{
    private const int Series = 4000, Steps = 40, Seed = 31, StepMs = 15_000;

    /// <summary>What the managed heap may take, and what the process may take with its code, threads and buffers.</summary>
    private const long HeapBytesMax = 192L << 20, ResidentBytesMax = 448L << 20;

    [Fact]
    public async Task Resident_memory_never_passes_the_cap_and_every_push_is_acknowledged()
    {
        using var folder = Places.NewFolder();
        await using var server = RunningProgram.Start(
            "env", string.Create(CultureInfo.InvariantCulture, $"DOTNET_GCHeapHardLimit=0x{HeapBytesMax:x}"), PharosPrograms.Pharos, "server", "--listen", "127.0.0.1:0", "--data-dir", folder);
        using var http = await PharosPrograms.ClientAsync(server);
        long startMs = (TimeProvider.System.UnixMs() - (2 * Steps * StepMs)) / StepMs * StepMs;
        int next = 0;
        for (; next < Steps; next++) await PushAsync(http, startMs, next);
        var random = new Random(Seed);
        string[] queries = [.. Enumerable.Range(0, 40).Select(_ => Hostile(random))];
        int stopped = 0;
        var asking = Parallel.ForEachAsync(queries, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (query, cancel) =>
        {
            using var answer = await http.GetAsync(FormattableString.Invariant(
                $"/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={startMs / 1000}&end={(startMs / 1000) + 5000}&step=1"), HttpCompletionOption.ResponseHeadersRead, cancel);
            await answer.Content.CopyToAsync(Stream.Null, cancel);
            Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.UnprocessableEntity, $"{query}: {answer.StatusCode} (seed {Seed})");
            if (answer.StatusCode == HttpStatusCode.UnprocessableEntity) Interlocked.Increment(ref stopped);
        });
        while (!asking.IsCompleted && next < 2 * Steps) await PushAsync(http, startMs, next++);
        await asking;
        Assert.True(stopped > 0, $"no query was stopped (seed {Seed})");
        var last = await MetricsOverHttp.JsonAsync(http, FormattableString.Invariant($"/api/v1/query?query=count(x)&time={(startMs + ((next - 1) * StepMs)) / 1000}"));
        Assert.Equal(Series.ToString(CultureInfo.InvariantCulture), last.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString());
        Assert.InRange(PeakBytes(server.Id), 1, ResidentBytesMax);
    }

    private static async Task PushAsync(HttpClient http, long startMs, int step)
    {
        using var batch = new MetricBatch();
        for (int i = 0; i < Series; i++)
            batch.AddSample(batch.AddSeries(Labels.Of((Labels.MetricName, "x"), ("i", i.ToString("D4", CultureInfo.InvariantCulture)))), startMs + (step * StepMs), step * i);
        using var stored = await MetricsOverHttp.PushAsync(http, batch);
        Assert.True(stored.IsSuccessStatusCode, $"{stored.StatusCode}: {await stored.Content.ReadAsStringAsync()}");
    }

    private static string Hostile(Random random) => random.Next(6) switch
    {
        0 => $"x * on(i) group_left() (x + {random.Next(9)})",
        1 => $"topk({random.Next(1, 2000)}, x or label_replace(x, \"i\", \"$1-y\", \"i\", \"(.*)\"))",
        2 => "count_values(\"v\", x + time())",
        3 => $"sum by (i) (quantile_over_time(0.{random.Next(1, 9)}, x[10m]))",
        4 => "x",
        _ => "{__name__=~\".+\"} or ({__name__=~\".+\"} offset 1m)",
    };

    private static long PeakBytes(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
