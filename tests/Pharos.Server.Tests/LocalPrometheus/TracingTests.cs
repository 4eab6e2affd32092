using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>The <c>tracing</c> section of a running host, against a receiver that reads OTLP.</summary>
public sealed class TracingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http", "gzip")]
    [InlineData("grpc", "gzip")]
    [InlineData("http", "")]
    [InlineData("grpc", "")]
    public async Task Requests_and_what_they_do_are_spans_of_the_callers_trace(string type, string compression)
    {
        await using var receiver = await OtlpReceiver.StartAsync(type == "grpc");
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        string tracing = $"tracing: {{endpoint: '{receiver.Address}', client_type: {type}, insecure: true, sampling_fraction: 0, compression: '{compression}', headers: {{x-key: 'a b,c=d'}}}}\n";
        await File.WriteAllTextAsync(config, tracing + "global: {query_log_file: q.log}\n", Cancel);
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        string scope;
        await using (var host = await StartAsync(config))
        {
            scope = $"pharos prometheus {host.Address.Authority}";
            using var http = new HttpClient { BaseAddress = host.Address };
            http.DefaultRequestHeaders.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");
            await http.GetStringAsync("/api/v1/query?query=vector(7)", Cancel);
        }
        var request = receiver.Spans.Single(s => s.Name == "GET /api/v1/query");
        Assert.Equal(("prometheus", scope, Trace, "b7ad6b7169203331", 2), (request.Service, request.Scope, request.TraceId, request.ParentId, request.Kind));
        Assert.Equal(("GET", "200", "vector(7)"), (request.Attributes["http.request.method"], request.Attributes["http.response.status_code"], request.Attributes["query"]));
        var exec = receiver.Spans.Single(s => s.Name == "promqlExec");
        var queue = receiver.Spans.Single(s => s.Name == "promqlExecQueue");
        var inner = receiver.Spans.Single(s => s.Name == "promqlInnerEval");
        Assert.Equal((request.Id, exec.Id, exec.Id), (exec.ParentId, queue.ParentId, inner.ParentId));
        Assert.All([exec, queue, inner], s => Assert.Equal(Trace, s.TraceId));
        Assert.True(request.StartNs <= exec.StartNs && exec.StartNs <= inner.StartNs && inner.StartNs <= inner.EndNs && exec.EndNs <= request.EndNs);
        Assert.Equal("a b,c=d", receiver.Headers["x-key"]);
        Assert.Equal(request.Id, JsonDocument.Parse((await File.ReadAllLinesAsync(Path.Combine(folder, "q.log"), Cancel))[0]).RootElement.GetProperty("spanID").GetString());
    }

    [Fact]
    public async Task Scrapes_rules_and_remote_writes_begin_traces_of_their_own_and_a_failed_query_says_so()
    {
        await using var receiver = await OtlpReceiver.StartAsync(grpc: false);
        var asked = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var written = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var target = await HttpHost.StartAsync("127.0.0.1", 0, NullLoggerFactory.Instance, application =>
        {
            application.MapGet("/metrics", http =>
            {
                asked.TrySetResult(http.Request.Headers.TraceParent);
                http.Response.ContentType = "text/plain; version=0.0.4";
                return http.Response.WriteAsync("m 1\n", Cancel);
            });
            application.MapPost("/write", http =>
            {
                written.TrySetResult(http.Request.Headers.TraceParent);
                http.Response.StatusCode = 204;
                return Task.CompletedTask;
            });
        }, Cancel);
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(Path.Combine(folder, "r.yml"), "groups: [{name: g, interval: 100ms, rules: [{record: one, expr: vector(1)}]}]\n", Cancel);
        await File.WriteAllTextAsync(config, $$"""
            tracing: {endpoint: '{{receiver.Address}}', client_type: http, insecure: true, sampling_fraction: 1}
            rule_files: [r.yml]
            scrape_configs: [{job_name: j, scrape_interval: 100ms, scrape_timeout: 100ms, static_configs: [{targets: ['{{target.Address.Authority}}'] }] }]
            remote_write: [{url: '{{target.Address}}write', queue_config: {batch_send_deadline: 100ms} }]

            """, Cancel);
        string? scrapeParent, writeParent;
        await using (var host = await StartAsync(config))
        {
            scrapeParent = await asked.Task.WaitAsync(Cancel);
            writeParent = await written.Task.WaitAsync(Cancel);
            using var http = new HttpClient { BaseAddress = host.Address };
            while (!(await http.GetStringAsync("/api/v1/query?query=one", Cancel)).Contains("\"value\"", StringComparison.Ordinal)) { }
            using var failed = await http.GetAsync("/api/v1/query?query=" + Uri.EscapeDataString("label_replace(vector(1), \"a\", \"b\", \"c\", \"(\")"), Cancel);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, failed.StatusCode);
        }
        var scrape = receiver.Spans.Single(s => $"00-{s.TraceId}-{s.Id}-01" == scrapeParent);
        Assert.Equal(("Scrape", 3, "", "/metrics"), (scrape.Name, scrape.Kind, scrape.ParentId, scrape.Attributes["url.path"]));
        var write = receiver.Spans.Single(s => $"00-{s.TraceId}-{s.Id}-01" == writeParent);
        Assert.Equal(("Remote Send Batch", ""), (write.Name, write.ParentId));
        var rule = receiver.Spans.First(s => s.Name == "rule");
        Assert.Equal(("", "one"), (rule.ParentId, rule.Attributes["name"]));
        Assert.Contains(receiver.Spans, s => s.Name == "promqlExec" && s.ParentId == rule.Id && s.TraceId == rule.TraceId);
        Assert.Equal(2, receiver.Spans.Single(s => s.Name == "promqlExec" && s.Status == 2).Status);
    }

    [Fact]
    public async Task A_reload_turns_tracing_on_moves_it_and_turns_it_off_and_two_hosts_stay_apart()
    {
        using var certificate = Certificate();
        await using var first = await OtlpReceiver.StartAsync(grpc: false);
        await using var second = await OtlpReceiver.StartAsync(grpc: true, certificate);
        using var folder = Places.NewFolder();
        using var otherFolder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "ca.pem"), certificate.ExportCertificatePem(), Cancel);
        string config = Path.Combine(folder, "prometheus.yml"), otherConfig = Path.Combine(otherFolder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "", Cancel);
        await File.WriteAllTextAsync(otherConfig, "", Cancel);
        await using var host = await StartAsync(config);
        await using var other = await StartAsync(otherConfig);
        using var http = new HttpClient { BaseAddress = host.Address };
        using var otherHttp = new HttpClient { BaseAddress = other.Address };
        await http.GetStringAsync("/api/v1/query?query=0", Cancel);
        await ReloadAsync($"tracing: {{endpoint: '{first.Address}', client_type: http, insecure: true, sampling_fraction: 1}}\n");
        await http.GetStringAsync("/api/v1/labels", Cancel);
        await otherHttp.GetStringAsync("/api/v1/metadata", Cancel);
        await ReloadAsync($"tracing: {{endpoint: '{second.Address}', sampling_fraction: 1, tls_config: {{ca_file: ca.pem}}}}\n");
        Assert.Equal(["GET /api/v1/labels"], first.Spans.Select(s => s.Name));
        await http.GetStringAsync("/api/v1/alerts", Cancel);
        await ReloadAsync("");
        await http.GetStringAsync("/api/v1/rules", Cancel);
        Assert.Equal(["GET /api/v1/alerts"], second.Spans.Select(s => s.Name));
        Assert.Single(first.Spans);

        async Task ReloadAsync(string text)
        {
            await File.WriteAllTextAsync(config, text, Cancel);
            await host.ReloadAsync(Cancel);
        }
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private static Task<PrometheusHost> StartAsync(string config) => PrometheusHost.StartAsync(
        new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(Path.GetDirectoryName(config)!, "data"), Port = 0 },
        TimeProvider.System, NullLoggerFactory.Instance, Cancel);
}
