using System.Text;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Every way into a whole server, under its tenants and their limits.</summary>
public sealed class PushTests
{
    [Fact]
    public async Task Otlp_and_influx_reach_their_tenant_and_can_be_federated()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\noverrides: {shop: {otel_metric_suffixes_enabled: true, promote_otel_resource_attributes: 'k8s.pod.name'}}\n");
        Assert.Equal((200, "{}"), await OtlpAsync(api, "/otlp/v1/metrics", "shop"));
        Assert.Equal((200, "{}"), await OtlpAsync(api, "/api/v1/otlp/v1/metrics", "bar"));
        Assert.Equal(["{__name__=\"rq_total\", job=\"s\", k8s_pod_name=\"p\"}", "{__name__=\"target_info\", job=\"s\", k8s_pod_name=\"p\"}"], await api.SeriesAsync("{__name__=~\".+\"}", "shop"));
        Assert.Equal(["{__name__=\"rq\", job=\"s\"}", "{__name__=\"target_info\", job=\"s\", k8s_pod_name=\"p\"}"], await api.SeriesAsync("{__name__=~\".+\"}", "bar"));
        var (status, _, _) = await api.SendAsync(HttpMethod.Post, "/write?precision=ms", "influx", new StringContent($"cpu,host=a usage=1.5 {api.Now}"));
        Assert.Equal(204, status);
        Assert.Equal($"# TYPE cpu_usage untyped\ncpu_usage{{host=\"a\",instance=\"\"}} 1.5 {api.Now}", await api.GetAsync("/federate?match[]=cpu_usage", "influx"));
        Assert.Equal("", await api.GetAsync("/prometheus/federate?match[]=cpu_usage", "shop"));
        foreach (string path in (string[])["/otlp/v1/metrics", "/write", "/api/v2/write", "/api/v1/read"])
            Assert.Equal(401, (await api.SendAsync(HttpMethod.Post, path, tenant: null, new StringContent(""))).Status);
    }

    [Fact]
    public async Task Limits_of_the_tenant_hold_for_every_way_in()
    {
        await using var api = await TenantApi.StartAsync("limits: {ingestion_rate: 1, ingestion_burst_size: 2, max_label_name_length: 10}\n");
        var (status, text, headers) = await api.SendAsync(HttpMethod.Post, "/api/v1/push/influx/write", null, new StringContent("cpu a=1,b=2,c=3"));
        Assert.Equal((429, true), (status, headers.RetryAfter is not null));
        Assert.Contains("err-mimir-tenant-max-ingestion-rate", text, StringComparison.Ordinal);
        (status, text, _) = await api.SendAsync(HttpMethod.Post, "/otlp/v1/metrics", null, Json(Body(api, "\"attributes\":[{\"key\":\"much.too.long.a.name\",\"value\":{\"stringValue\":\"x\"}}],")));
        Assert.Equal(200, status);
        Assert.Contains("\"rejectedDataPoints\":\"1\"", text, StringComparison.Ordinal);
        Assert.Contains("err-mimir-label-name-too-long", text, StringComparison.Ordinal);
    }

    private static async Task<(int Status, string Text)> OtlpAsync(TenantApi api, string path, string tenant)
    {
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, path, tenant, Json(Body(api, "")
            .Replace("\"resource\":{}", "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}},{\"key\":\"k8s.pod.name\",\"value\":{\"stringValue\":\"p\"}}]}", StringComparison.Ordinal)));
        return (status, text);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static string Body(TenantApi api, string attributes) =>
        $$$$"""{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{"name":"rq","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{ {{{{attributes}}}}"timeUnixNano":"{{{{api.Now}}}}000000","asInt":"1"}]}}]}]}]}""";
}
