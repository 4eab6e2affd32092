using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary><c>query_log_file</c> and the parts of <c>storage</c> that a running host follows.</summary>
public sealed class QueryLogTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_query_is_a_line_and_a_reload_opens_the_file_anew()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml"), log = Path.Combine(folder, "q.log");
        await File.WriteAllTextAsync(config, "global: {query_log_file: q.log}\n", Cancel);
        await using var host = await StartAsync(config);
        using var http = new HttpClient { BaseAddress = host.Address };
        await http.GetStringAsync("/api/v1/query?query=vector(1)&time=100", Cancel);
        await http.GetStringAsync("/api/v1/query_range?query=up&start=100&end=200&step=15", Cancel);
        using (await http.GetAsync("/api/v1/query?query=" + Uri.EscapeDataString("label_replace(vector(1), \"a\", \"b\", \"c\", \"(\")"), Cancel)) { }
        var lines = Lines(log);
        Assert.Equal(
            """{"params":{"end":"1970-01-01T00:01:40.000Z","query":"vector(1)","start":"1970-01-01T00:01:40.000Z","step":0},"httpRequest":{"clientIP":"127.0.0.1","method":"GET","path":"/api/v1/query"}}""",
            $$"""{"params":{{lines[0].GetProperty("params").GetRawText()}},"httpRequest":{{lines[0].GetProperty("httpRequest").GetRawText()}}}""");
        Assert.Equal(("INFO", "promql query logged", "0000000000000000"), (lines[0].GetProperty("level").GetString(), lines[0].GetProperty("msg").GetString(), lines[0].GetProperty("spanID").GetString()));
        Assert.True(lines[0].GetProperty("stats").GetProperty("timings").GetProperty("evalTotalTime").GetDouble() >= 0);
        Assert.Equal("""{"end":"1970-01-01T00:03:20.000Z","query":"up","start":"1970-01-01T00:01:40.000Z","step":15}""", lines[1].GetProperty("params").GetRawText());
        Assert.Contains("regular expression", lines[2].GetProperty("error").GetString()!, StringComparison.Ordinal);
        Assert.Equal(3, lines.Count);
        // As logrotate does it.
        File.Move(log, log + ".1");
        await host.ReloadAsync(Cancel);
        await http.GetStringAsync("/api/v1/query?query=vector(2)", Cancel);
        Assert.Equal("vector(2)", Assert.Single(Lines(log)).GetProperty("params").GetProperty("query").GetString());
        await File.WriteAllTextAsync(config, "global: {}\n", Cancel);
        await host.ReloadAsync(Cancel);
        await http.GetStringAsync("/api/v1/query?query=vector(3)", Cancel);
        Assert.Single(Lines(log));
    }

    [Fact]
    public async Task Max_exemplars_bounds_what_is_kept()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "storage: {exemplars: {max_exemplars: 2}, tsdb: {retention: {percentage: 0.5}}}\n", Cancel);
        await using var host = await StartAsync(config);
        using var http = new HttpClient { BaseAddress = host.Address };
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        for (int i = 0; i < 4; i++)
        {
            using var batch = new MetricBatch();
            int series = batch.AddSeries(Labels.Of(("__name__", "m_total")));
            batch.AddSample(series, now - 5000 + (i * 1000), i);
            batch.Exemplars.Add(new BatchExemplar(series, now - 5000 + (i * 1000), i, Labels.Of(("trace_id", $"{i}"))));
            using var encoder = new Wire.RemoteWrite.RemoteWriteEncoder();
            using var peer = new Prometheus.Differential.QueryPeer(host.Address);
            await peer.WriteAsync(encoder.Encode(batch, Wire.RemoteWrite.RemoteWriteVersion.V1).ToArray());
        }
        using var answer = JsonDocument.Parse(await http.GetStringAsync($"/api/v1/query_exemplars?query=m_total&start={(now / 1000) - 60}&end={(now / 1000) + 1}", Cancel));
        Assert.Equal(["2", "3"], answer.RootElement.GetProperty("data")[0].GetProperty("exemplars").EnumerateArray().Select(e => e.GetProperty("labels").GetProperty("trace_id").GetString()));
    }

    private static Task<PrometheusHost> StartAsync(string config) => PrometheusHost.StartAsync(
        new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(Path.GetDirectoryName(config)!, "data"), Port = 0, RemoteWriteReceiver = true },
        TimeProvider.System, NullLoggerFactory.Instance, Cancel);

    private static List<JsonElement> Lines(string log)
    {
        using var file = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return [.. file.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }
}
