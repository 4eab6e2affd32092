using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Http;
using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.Tests.Peers;

/// <summary>The edge against the real programs: it scrapes them and writes into them.</summary>
public sealed class PeerTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly List<Process> processes = [];
    private readonly HttpClient http = new();

    public void Dispose()
    {
        foreach (var process in processes)
        {
            if (!process.HasExited) process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        http.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_real_prometheus_is_scraped_in_text_and_protobuf(bool native)
    {
        var address = await StartPrometheusAsync(remoteWrite: false);
        var receiver = new CountingReceiver();
        await using var pool = await ScrapeOnceAsync(address, native, receiver);
        Assert.Equal(("up", ""), (pool.Targets[0].Health, pool.Targets[0].LastError));
        Assert.Contains("prometheus_build_info", receiver.Names);
        Assert.Contains("scrape_duration_seconds", receiver.Names);
        Assert.True(receiver.Samples > 300, $"only {receiver.Samples} samples came");
        Assert.Equal(native, receiver.Histograms > 0);
        Assert.Contains(receiver.Metadata, m => m is { Family: "prometheus_http_requests_total", Type: MetricType.Counter });
    }

    [Fact]
    public async Task A_real_node_exporter_is_scraped()
    {
        int port = FreePort();
        Start(Places.Program("node_exporter"), $"--web.listen-address=127.0.0.1:{port}");
        await ReadyAsync(new Uri($"http://127.0.0.1:{port}/"));
        var receiver = new CountingReceiver();
        await using var pool = await ScrapeOnceAsync($"127.0.0.1:{port}", native: false, receiver);
        Assert.Equal(("up", ""), (pool.Targets[0].Health, pool.Targets[0].LastError));
        Assert.Contains("node_cpu_seconds_total", receiver.Names);
    }

    [Theory]
    [InlineData(RemoteWriteVersion.V1)]
    [InlineData(RemoteWriteVersion.V2)]
    public async Task A_real_prometheus_takes_what_the_queue_sends(RemoteWriteVersion version)
    {
        string address = await StartPrometheusAsync(remoteWrite: true);
        var options = new RemoteWriteOptions
        {
            ExternalLabels = Labels.Of(("edge", "berlin")),
            Endpoints =
            [
                new RemoteWriteEndpointOptions { Url = new Uri($"http://{address}/api/v1/write"), Version = version, SendNativeHistograms = true, BatchSendDeadline = TimeSpan.FromMilliseconds(50) },
            ],
        };
        await using var queue = new RemoteWriteQueue(options, Path.Combine(folder, "wal"), HttpHandlers.Create(TimeProvider.System), TimeProvider.System, new Instruments(), NullLogger.Instance);
        long now = TimeProvider.System.UnixMs();
        using (var batch = new MetricBatch())
        {
            int orders = batch.AddSeries(Labels.Of(("__name__", "orders_total"), ("country", "de")));
            int latency = batch.AddSeries(Labels.Of(("__name__", "latency_seconds")));
            for (int i = 0; i < 10; i++) batch.AddSample(orders, now - 10_000 + (i * 1000), i);
            batch.AddHistogram(latency, now - 1000, new Histogram { Schema = 0, Count = 3, Sum = 4, PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [1, 2] });
            await queue.AppendAsync(batch, CancellationToken.None);
        }
        Assert.Equal("9", await QueryAsync(address, "orders_total{edge=\"berlin\"}"));
        Assert.Equal("3", await QueryAsync(address, "histogram_count(latency_seconds{edge=\"berlin\"})"));
        Assert.Equal("10", await QueryAsync(address, "count_over_time(orders_total[1m])"));
    }

    private static async Task<ScrapePool> ScrapeOnceAsync(string address, bool native, CountingReceiver receiver)
    {
        var options = new ScrapeOptions { JobName = "peer", Interval = TimeSpan.FromMilliseconds(500), Timeout = TimeSpan.FromMilliseconds(500), ScrapeNativeHistograms = native };
        var pool = new ScrapePool(options, receiver, HttpHandlers.Create(TimeProvider.System)(HttpClientOptions.Default), TimeProvider.System, new Instruments(), NullLogger.Instance);
        await pool.SyncAsync([Labels.Of(("__address__", address))]);
        for (int i = 0; i < 1000 && !(receiver.Names.Contains("up") && pool.Targets[0].Health == "up"); i++) await Task.Delay(20);
        return pool;
    }

    private async Task<string> StartPrometheusAsync(bool remoteWrite)
    {
        int port = FreePort();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "scrape_configs: []\n");
        List<string> arguments =
        [
            $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms",
        ];
        if (remoteWrite) arguments.Add("--web.enable-remote-write-receiver");
        Start(Places.Program("prometheus"), [.. arguments]);
        await ReadyAsync(new Uri($"http://127.0.0.1:{port}/-/ready"));
        return $"127.0.0.1:{port}";
    }

    private async Task<string> QueryAsync(string address, string query)
    {
        string last = "";
        for (int i = 0; i < 500; i++)
        {
            last = await http.GetStringAsync(new Uri($"http://{address}/api/v1/query?query={Uri.EscapeDataString(query)}"));
            using var json = JsonDocument.Parse(last);
            var result = json.RootElement.GetProperty("data").GetProperty("result");
            if (result.GetArrayLength() > 0) return result[0].GetProperty("value")[1].GetString()!;
            await Task.Delay(20);
        }
        return last;
    }

    private async Task ReadyAsync(Uri url)
    {
        for (int i = 0; i < 500; i++)
        {
            try
            {
                using var response = await http.GetAsync(url);
                if (response.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(20);
        }
        Assert.Fail($"{url} did not become ready");
    }

    private void Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        processes.Add(process);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class CountingReceiver : IMetricsReceiver
    {
        private readonly Lock gate = new();
        private readonly HashSet<string> names = [];

        public IReadOnlySet<string> Names
        {
            get
            {
                lock (gate) return names.ToHashSet();
            }
        }

        public List<MetricMetadata> Metadata { get; } = [];
        public int Samples { get; private set; }
        public int Histograms { get; private set; }

        public ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
        {
            lock (gate)
            {
                for (int i = 0; i < batch.SeriesCount; i++) names.Add(Labels.FromEncoded(batch.LabelsOf(i)).Name);
                Metadata.AddRange(batch.Metadata);
                Samples += batch.Samples.Length;
                Histograms += batch.Histograms.Count;
            }
            return ValueTask.CompletedTask;
        }
    }
}
