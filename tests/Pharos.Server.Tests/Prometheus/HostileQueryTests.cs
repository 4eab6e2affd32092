using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;
using Pharos.Server.Tests.Prometheus.Differential;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>Queries of the kind that bring a server down, beside ingestion.</summary>
public sealed class HostileQueryTests
{
    private const int Series = 2000, Steps = 40, Seed = 23;
    private const long StartMs = 1_767_225_600_000, StepMs = 15_000;

    [Fact]
    public async Task Hostile_queries_are_stopped_and_ingestion_goes_on()
    {
        using var folder = Places.NewFolder();
        var limits = TenantLimits.Default with { QueryMemoryBytesMax = 4 << 20 };
        await using var server = await PharosServer.StartAsync(
            new ServerOptions { Port = 0, DataFolder = folder, Config = new ServerConfig { Limits = limits } }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        using var peer = new QueryPeer(server.Address);
        for (int step = 0; step < Steps; step++) await peer.WriteAsync(Scrape(step));
        var random = new Random(Seed);
        string[] queries = [.. Enumerable.Range(0, 24).Select(_ => Hostile(random))];
        int next = Steps, stopped = 0;
        var asking = Parallel.ForEachAsync(queries, new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (query, _) =>
        {
            var answer = await peer.RangeAsync(query, StartMs, StartMs + (Steps * StepMs), 2000);
            if (answer.Error is null) return;
            Assert.True(answer.ErrorType == "422 execution", $"{query}: {answer.Error} (seed {Seed})");
            if (answer.Error.Contains("bytes; most was read by", StringComparison.Ordinal)) Interlocked.Increment(ref stopped);
        });
        while (!asking.IsCompleted) await peer.WriteAsync(Scrape(next++));
        await asking;
        Assert.True(stopped > 0, $"no query was stopped (seed {Seed})");
        var last = await peer.InstantAsync("count(x)", StartMs + ((next - 1) * StepMs));
        Assert.Equal(Series, last.Series["{}"][0].Numbers[0]);
    }

    private static string Hostile(Random random) => random.Next(5) switch
    {
        0 => $"x * on(i) group_left() (x + {random.Next(9)})",
        1 => $"topk({random.Next(1, 2000)}, x or label_replace(x, \"i\", \"$1-y\", \"i\", \"(.*)\"))",
        2 => "count_values(\"v\", x + time())",
        3 => $"quantile_over_time(0.{random.Next(1, 9)}, x[10m])",
        _ => "{__name__=~\".+\"} or ({__name__=~\".+\"} offset 1m)",
    };

    private static byte[] Scrape(int step)
    {
        using var batch = new MetricBatch();
        using var encoder = new RemoteWriteEncoder();
        for (int i = 0; i < Series; i++)
            batch.AddSample(batch.AddSeries(Labels.Of((Labels.MetricName, "x"), ("i", $"{i:0000}"))), StartMs + (step * StepMs), step * i);
        return encoder.Encode(batch, RemoteWriteVersion.V1).ToArray();
    }
}
