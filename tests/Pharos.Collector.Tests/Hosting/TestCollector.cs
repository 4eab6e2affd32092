using System.Buffers;
using System.Net;
using System.Text;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.Exposition;
using Pharos.Wire.Loki;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.Tests.Hosting;

/// <summary>A whole collector in simulated time, whose network is this object: pages to scrape, and receivers that keep what they get.</summary>
internal sealed class TestCollector : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly List<string> samples = [];
    private readonly List<string> lines = [];
    private readonly StringWriter log = new();

    public TestCollector(string configuration, string? storage = null)
    {
        Configuration = configuration;
        Folder = Places.NewFolder();
        Host = new CollectorHost(new CollectorOptions
        {
            Configuration = () => [new SourceText("main.alloy", Configuration)],
            StoragePath = storage ?? Path.Combine(Folder, "data"),
            Time = Time,
            Log = new CollectorLog(log, Time),
            Http = options => new Network(this, options),
            Facts = new HostFacts { Hostname = "edge-1", Environment = name => name == "SET" ? "value" : null },
            MinimumStability = Stability.Experimental,
        });
    }

    public string Configuration { get; set; }

    public TemporaryFolder Folder { get; }

    public SimulatedTimeProvider Time { get; } = new();

    public CollectorHost Host { get; }

    /// <summary>Metrics pages by URL.</summary>
    public Dictionary<string, string> Pages { get; } = [];

    /// <summary>Status that receivers answer.</summary>
    public HttpStatusCode Answer { get; set; } = HttpStatusCode.NoContent;

    /// <summary><c>tenant {labels} value</c></summary>
    public IReadOnlyList<string> Samples
    {
        get
        {
            lock (gate) return [.. samples];
        }
    }

    /// <summary><c>tenant {labels} line</c></summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (gate) return [.. lines];
        }
    }

    public string Log
    {
        get
        {
            lock (gate) return log.ToString();
        }
    }

    /// <summary>Advances simulated time, a second at a time, until something holds.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (condition()) return;
            await Task.Delay(2);
            if (i % 5 == 4) Time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Fail($"it never came to: {what}\n{Log}");
    }

    /// <summary>The whole metrics page of the collector.</summary>
    public string Metrics()
    {
        var buffer = new ArrayBufferWriter<byte>();
        Host.WriteMetrics(buffer, ExpositionFormat.Text);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Folder.Dispose();
    }

    private sealed class Network(TestCollector owner, HttpClientOptions options) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string url = request.RequestUri!.ToString();
            if (request.Method == HttpMethod.Get)
            {
                return owner.Pages.TryGetValue(url, out string? page)
                    ? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(page, Encoding.UTF8, page.StartsWith('[') ? "application/json" : "text/plain"), RequestMessage = request }
                    : new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request };
            }
            if (owner.Answer != HttpStatusCode.NoContent) return new HttpResponseMessage(owner.Answer) { Content = new StringContent("not now") };
            byte[] body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            string tenant = options.Headers.TryGetValue("X-Scope-OrgID", out string? named) ? named
                : request.Headers.TryGetValues("X-Scope-OrgID", out var values) ? values.Single() : "";
            lock (owner.gate)
            {
                if (url.EndsWith("/loki/api/v1/push", StringComparison.Ordinal)) owner.TakeLines(tenant, body);
                else owner.TakeSamples(tenant, body);
            }
            return new HttpResponseMessage(HttpStatusCode.NoContent);
        }
    }

    private void TakeSamples(string tenant, byte[] body)
    {
        byte[] plain = SnappyBlock.Decode(body, 1 << 24, out int length);
        using var batch = new MetricBatch();
        new RemoteWriteDecoder().DecodeV1(plain.AsSpan(0, length), batch);
        foreach (var sample in batch.Samples) samples.Add($"{tenant} {Labels.FromEncoded(batch.LabelsOf(sample.Series))} {GoNumber.Format(sample.Value)}");
    }

    private void TakeLines(string tenant, byte[] body)
    {
        using var batch = new LogBatch();
        LokiPushDecoder.DecodeProtobuf(body, new LokiPushOptions(), batch);
        foreach (var entry in batch.Entries) lines.Add($"{tenant} {Labels.FromEncoded(batch.LabelsOf(entry.Stream))} {Encoding.UTF8.GetString(batch.LineOf(entry))}");
    }
}
