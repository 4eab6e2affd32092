using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Prometheus.Description;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>Every path and method of the Prometheus API's description, asked of <c>pharos prometheus</c>; each answer fits its schema.</summary>
[Trait("Category", "Conformance")]
public sealed class HttpApiConformanceTests
{
    private const string ListedFile = "tests/Pharos.Server.Tests/Prometheus/http-api-listed.txt";

    /// <summary>Parameters of the operations that need or know some; several sets are several requests. The form of a POST is the same.</summary>
    private static readonly Dictionary<string, string[]> Parameters = new(StringComparer.Ordinal)
    {
        // No string: the description forgets that its time is a number.
        ["/query"] =
        [
            "query=requests_total&stats=all", "query=requests_total[5m]&limit=1", "query=1", "query=sizes", "query=sizes[5m]",
            "query=rate(sizes[5m])%2Brate(up[5m])&timeout=10s&lookback_delta=1m", "query=sum(",
        ],
        ["/query_range"] =
        [
            "query=requests_total&start={start}&end={end}&step=15&stats=all", "query=sizes&start={start}&end={end}&step=1m", "query=1&start={end}&end={start}&step=15",
        ],
        ["/query_exemplars"] = ["query=requests_total&start={start}&end={end}"],
        ["/format_query"] = ["query=sum%20by(job)(rate(requests_total[5m]))"],
        ["/parse_query"] = ["query=sum%20by(job)(rate(requests_total[5m]))%20%3E%20bool%200%20or%20-x%20offset%201m"],
        ["/labels"] = ["match[]=requests_total&start={start}&end={end}&limit=2", ""],
        ["/label/{name}/values"] = ["match[]=requests_total&limit=1"],
        ["/series"] = ["match[]=requests_total&match[]=sizes&start={start}&end={end}", ""],
        ["/metadata"] = ["metric=requests_total&limit=3&limit_per_metric=1", ""],
        ["/search/label_values"] = ["label=job"],
        ["/scrape_pools/config"] = ["scrapePool=self", "scrapePool=other"],
        ["/targets"] = ["state=active&scrapePool=self", "state=dropped", ""],
        ["/targets/metadata"] = ["match_target={job=%22self%22}&limit=5", "metric=requests_total"],
        ["/targets/relabel_steps"] = ["scrapePool=self&labels=%7B%22__address__%22:%22a:1%22,%22job%22:%22self%22%7D"],
        ["/rules"] = ["type=alert&rule_name[]=Down&rule_group[]=g&exclude_alerts=true", "group_limit=1", "type=other", ""],
        ["/status/tsdb"] = ["limit=5"],
        ["/status/self_metrics"] = ["metric_name_pattern=pharos_.*|prometheus_engine_.*", ""],
        ["/admin/tsdb/delete_series"] = ["match[]=nothing", ""],
        ["/admin/tsdb/snapshot"] = ["skip_head=true"],
    };

    /// <summary>As <see cref="Parameters"/>, of which Prometheus's own description does not know everything.</summary>
    private static readonly Dictionary<string, string[]> MoreParameters = new(StringComparer.Ordinal)
    {
        ["/query"] = ["query=sum(rate(requests_total[5m]))&trace=1&stats=1", "query=%22text%22", "query=time()"],
        ["/query_range"] = ["query=sum(rate(requests_total[5m]))&start={start}&end={end}&step=15&trace=1"],
        ["/parse_query"] =
        [
            "query=topk(2,%20x%20*%20on(a)%20group_left(b)%20fill(0)%20y%20@%20end())", "query=max_over_time(rate(x%20anchored[5m])[1h:1m]%20@%2012)",
            "query=label_replace(x%7Ba!~%22b%22%7D%20or%20(1%20-%20y),%20%22a%22,%20%22b%22,%20%22c%22,%20%22d%22)",
        ],
        ["/targets/metadata"] = [""],
        ["/status/tsdb"] = [""],
    };

    [Fact]
    public async Task Every_answer_fits_its_description()
    {
        var api = new OpenApi(Path.Combine(Places.Conformance("http-api"), "prometheus-v1.openapi-3.1.yaml"));
        using var folder = Places.NewFolder();
        await using var host = await StartAsync(folder);
        using var client = new HttpClient { BaseAddress = host.Address };
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await WriteAsync(client, now);
        var run = new ConformanceRun("http-api prometheus-v1");
        var operations = api.Operations.ToList();
        foreach (string operation in operations)
        {
            string[] parts = operation.Split(' ');
            var faults = new List<string>();
            foreach (string parameters in Parameters.GetValueOrDefault(parts[1], [""]))
            {
                string filled = parameters.Replace("{start}", $"{now - 600}", StringComparison.Ordinal).Replace("{end}", $"{now}", StringComparison.Ordinal);
                var (status, body) = await AskAsync(client, parts[0], parts[1], filled);
                if (status is 404 or 405 && body.Length == 0) faults.Add($"{status}: there is no such route");
                else faults.AddRange(api.Check(operation, status, body).Select(f => $"{status} {parameters}: {f}"));
            }
            run.Case(operation, () => faults.Count == 0 ? null : string.Join("; ", faults));
        }
        run.Verify(operations.Count, ConformanceRun.ReadList(Path.Combine(Places.Repository, ListedFile)));
    }

    [Fact]
    public async Task The_hosts_own_description_is_of_what_it_serves()
    {
        using var folder = Places.NewFolder();
        await using var host = await StartAsync(folder);
        using var client = new HttpClient { BaseAddress = host.Address };
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await WriteAsync(client, now);
        string file = Path.Combine(folder, "own.yaml");
        using var answer = await client.GetAsync("/api/v1/openapi.yaml");
        Assert.Equal("application/yaml; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        string text = await answer.Content.ReadAsStringAsync();
        await File.WriteAllTextAsync(file, text);
        Assert.StartsWith("openapi: \"3.1.0\"", text, StringComparison.Ordinal);
        Assert.StartsWith("openapi: \"3.2.0\"", await client.GetStringAsync("/api/v1/openapi.yaml?openapi_version=3.2"), StringComparison.Ordinal);
        var own = new OpenApi(file);
        var operations = own.Operations.ToList();
        // Every route is described, and everything that is described is a route.
        Assert.DoesNotContain(operations, o => own.Summary(o) == "Not part of Prometheus's API.");
        Assert.Equal(ApiOperations.ByPath.Keys.Order(StringComparer.Ordinal), operations.Select(o => o.Split(' ')[1]).Distinct().Order(StringComparer.Ordinal));
        var faults = new List<string>();
        foreach (string operation in operations)
        {
            string[] parts = operation.Split(' ');
            foreach (string parameters in Parameters.GetValueOrDefault(parts[1], [""]).Concat(MoreParameters.GetValueOrDefault(parts[1], [])))
            {
                string filled = parameters.Replace("{start}", $"{now - 600}", StringComparison.Ordinal).Replace("{end}", $"{now}", StringComparison.Ordinal);
                var (status, body) = await AskAsync(client, parts[0], parts[1], filled);
                if (status is 404 or 405) faults.Add($"{operation}: {status}");
                else faults.AddRange(own.Check(operation, status, body).Select(f => $"{status} {parameters}: {f}"));
            }
        }
        Assert.NotEmpty(own.Check("GET /query", 200, """{"status":"success","data":{"resultType":"vector","result":[],"more":1}}"""));
        Assert.NotEmpty(own.Check("GET /rules", 200, """{"status":"success","data":{"groups":[{"name":"g"}]}}"""));
        // Prometheus's own description has no operation and no parameter that is not here.
        var theirs = new OpenApi(Path.Combine(Places.Conformance("http-api"), "prometheus-v1.openapi-3.1.yaml"));
        foreach (string operation in theirs.Operations)
        {
            if (!operations.Contains(operation)) faults.Add($"{operation}: is not described");
            else faults.AddRange(theirs.Parameters(operation).Except(own.Parameters(operation)).Select(p => $"{operation}: parameter {p.Key}, required {p.Value}, is described otherwise"));
        }
        Assert.Empty(faults);
    }

    [Fact]
    public void A_wrong_answer_is_noticed()
    {
        var api = new OpenApi(Path.Combine(Places.Conformance("http-api"), "prometheus-v1.openapi-3.1.yaml"));
        Assert.Empty(api.Check("GET /query", 200, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}"""));
        Assert.NotEmpty(api.Check("GET /query", 200, """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1]}]}}"""));
        Assert.NotEmpty(api.Check("GET /query", 200, """{"status":"success","data":{"resultType":"vector","result":[]},"extra":1}"""));
        Assert.NotEmpty(api.Check("GET /query", 422, """{"status":"error"}"""));
        Assert.NotEmpty(api.Check("GET /status/walreplay", 200, """{"status":"success","data":{"min":0,"max":0.5,"current":1}}"""));
    }

    private static async Task<PrometheusHost> StartAsync(string folder)
    {
        string config = Path.Combine(folder, "prometheus.yml"), rules = Path.Combine(folder, "rules.yml");
        await File.WriteAllTextAsync(rules, "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: vector(1)\n  - record: one\n    expr: vector(1)\n- name: h\n  rules:\n  - record: two\n    expr: vector(2)\n");
        await File.WriteAllTextAsync(
            config,
            $$"""
            rule_files: ["{{rules}}"]
            scrape_configs:
            - job_name: self
              scrape_interval: 1h
              static_configs:
              - targets: ["127.0.0.1:1"]
              relabel_configs:
              - source_labels: [__address__]
                target_label: shown
              - source_labels: [job]
                regex: other
                action: keep
            """);
        return await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0, RemoteWriteReceiver = true, OtlpReceiver = true, Lifecycle = true, AdminApi = true },
            TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
    }

    private static async Task WriteAsync(HttpClient client, long nowSeconds)
    {
        using var batch = new MetricBatch();
        using var encoder = new RemoteWriteEncoder();
        for (int s = 0; s < 3; s++)
        {
            int requests = batch.AddSeries(Labels.Of((Labels.MetricName, "requests_total"), ("job", "self"), ("path", $"/{s}")));
            int sizes = batch.AddSeries(Labels.Of((Labels.MetricName, "sizes"), ("job", "self"), ("path", $"/{s}")));
            for (int i = 20; i > 0; i--)
            {
                long at = (nowSeconds * 1000) - (i * 15_000);
                batch.AddSample(requests, at, 20 - i);
                batch.AddHistogram(sizes, at, new Histogram { Schema = 0, Count = 20 - i, Sum = 20 - i, PositiveSpans = [new BucketSpan(0, 1)], PositiveBuckets = [20 - i] });
            }
        }
        batch.Metadata.Add(new MetricMetadata("requests_total", MetricType.Counter, "Requests served.", ""));
        using var content = new ByteArrayContent(encoder.Encode(batch, RemoteWriteVersion.V1).ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
        content.Headers.Add("Content-Encoding", "snappy");
        using var response = await client.PostAsync("/api/v1/write", content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task<(int Status, string Body)> AskAsync(HttpClient client, string method, string path, string parameters)
    {
        string url = "/api/v1" + path.Replace("{name}", "job", StringComparison.Ordinal);
        bool form = method == "POST" && !path.StartsWith("/admin", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), form ? url : $"{url}?{parameters}");
        if (path == "/otlp/v1/metrics")
        {
            request.Content = new ByteArrayContent([]);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-protobuf");
        }
        else if (path is "/write" or "/read")
        {
            using var encoder = new RemoteWriteEncoder();
            using var empty = new MetricBatch();
            request.Content = new ByteArrayContent(encoder.Encode(empty, RemoteWriteVersion.V1).ToArray());
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
            request.Content.Headers.Add("Content-Encoding", "snappy");
        }
        else if (form)
        {
            request.Content = new StringContent(parameters, Encoding.UTF8, "application/x-www-form-urlencoded");
        }
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        // Events have no end.
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream") return ((int)response.StatusCode, "");
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
