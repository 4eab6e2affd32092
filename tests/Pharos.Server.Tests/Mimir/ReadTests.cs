using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Limits of reads, federated reads, cardinality, and the end of a tenant.</summary>
public sealed class ReadTests
{
    [Fact]
    public async Task A_query_over_a_limit_ends_with_its_error()
    {
        (string Limits, int Status, string Message, string Setting)[] cases =
        [
            ("max_fetched_series_per_query: 1", 422, "the query exceeded the maximum number of series (limit: 1 series) (err-mimir-max-series-per-query)", "max_fetched_series_per_query"),
            ("max_fetched_chunks_per_query: 1", 422, "the query exceeded the maximum number of chunks (limit: 1 chunks) (err-mimir-max-chunks-per-query)", "max_fetched_chunks_per_query"),
            ("max_fetched_chunk_bytes_per_query: 20", 422, "the query exceeded the aggregated chunks size limit (limit: 20 bytes) (err-mimir-max-chunks-bytes-per-query)", "max_fetched_chunk_bytes_per_query"),
            ("max_estimated_memory_consumption_per_query: 16", 422, "the query exceeded the maximum allowed estimated amount of memory consumed by a single query (limit: 16 bytes) (err-mimir-max-estimated-memory-consumption-per-query)", "max_estimated_memory_consumption_per_query"),
            ("max_query_expression_size_bytes: 1", 400, "the raw query size in bytes exceeds the limit (query size: 2, limit: 1) (err-mimir-max-query-expression-size-bytes)", "max_query_expression_size_bytes"),
            ("blocked_queries: [{pattern: 'u.', regex: true, reason: too dear}]", 400, "the request has been blocked by the cluster administrator, reason: too dear (err-mimir-query-blocked)", "blocked_queries"),
            ("blocked_requests: [{path: /api/v1/query, query_params: {query: up}}]", 400, "the request has been blocked by the cluster administrator (err-mimir-request-blocked)", "blocked_requests"),
        ];
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\noverrides:\n" + string.Join('\n', cases.Select((c, i) => $"  t{i}:\n    {c.Limits}")));
        for (int i = 0; i < cases.Length; i++)
        {
            var (_, status, message, setting) = cases[i];
            string tenant = $"t{i}";
            for (int at = 0; at < 2; at++) await api.PushAsync(tenant, api.Now + at, "up{instance=\"1\"}", "up{instance=\"2\"}");
            using var error = JsonDocument.Parse(await api.GetAsync($"/prometheus/api/v1/query?query=up&time={api.Now / 1000}.5", tenant, status));
            Assert.StartsWith(message, error.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
            Assert.EndsWith($"set {setting}", error.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
            await api.GetAsync("/api/v1/query?query=1", tenant);
        }
    }

    [Fact]
    public async Task A_limited_query_runs_once_in_its_time_and_a_long_range_is_refused()
    {
        await using var api = await TenantApi.StartAsync("limits: {limited_queries: [{query: up, allowed_frequency: 1m}], max_total_query_length: 1h}");
        await api.GetAsync("/api/v1/query?query=up");
        Assert.Equal(
            "{\"status\":\"error\",\"errorType\":\"too_many_requests\",\"error\":\"the request has been limited by the cluster administrator because the query may run once in 1m "
            + "(err-mimir-query-limited). To adjust the related per-tenant limit, set limited_queries\"}",
            await api.GetAsync("/api/v1/query?query=up", status: 429));
        api.Time.Advance(TimeSpan.FromMinutes(1));
        await api.GetAsync("/api/v1/query?query=up");
        await api.GetAsync("/api/v1/query_range?query=down&start=0&end=3600&step=60");
        Assert.Contains(
            "the total query time range exceeds the limit (query length: 1h1s, limit: 1h) (err-mimir-max-total-query-length)",
            await api.GetAsync("/api/v1/query_range?query=down&start=0&end=3601&step=60", status: 400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_further_back_or_beyond_a_number_of_results_is_not_seen()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            limits: {out_of_order_time_window: 1d}
            overrides:
              back: {max_query_lookback: 1h}
              short: {max_labels_query_length: 1h}
              few: {max_series_query_limit: 1, max_label_names_limit: 1, max_label_values_limit: 1}
            """);
        foreach (string tenant in (string[])["back", "short", "few"])
        {
            await api.PushAsync(tenant, api.Now - 7_200_000, "old", "both");
            await api.PushAsync(tenant, api.Now, "new", "both");
        }
        string names = $"/api/v1/label/__name__/values?match[]={Uri.EscapeDataString("{__name__=~\".+\"}")}";
        foreach (string tenant in (string[])["back", "short"]) Assert.Equal("[\"both\",\"new\"]", (await api.DataAsync(names, tenant)).GetRawText());
        var points = await api.DataAsync($"/api/v1/query?query=both[3h]&time={api.Now / 1000}", "back");
        Assert.Equal(1, points.GetProperty("result")[0].GetProperty("values").GetArrayLength());
        Assert.Equal(2, (await api.DataAsync($"/api/v1/query?query=both[3h]&time={api.Now / 1000}", "short")).GetProperty("result")[0].GetProperty("values").GetArrayLength());
        Assert.Single(await api.SeriesAsync("{__name__=~\".+\"}", "few"));
        Assert.Equal("[\"both\"]", (await api.DataAsync("/api/v1/label/__name__/values", "few")).GetRawText());
    }

    [Fact]
    public async Task Several_tenants_are_read_as_one_by_remote_read()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\ntenant_federation: {max_tenants: 2}");
        await api.PushAsync("a", api.Now, "up{job=\"x\"}");
        await api.PushAsync("b", api.Now, "up{job=\"x\"}", "up{job=\"y\", __tenant_id__=\"inner\"}");
        Assert.Equal(
            [
                "{__name__=\"up\", __tenant_id__=\"a\", job=\"x\"}", "{__name__=\"up\", __tenant_id__=\"b\", job=\"x\"}",
                "{__name__=\"up\", __tenant_id__=\"b\", job=\"y\", original___tenant_id__=\"inner\"}",
            ],
            await RemoteReadAsync(api, "b|a"));
        Assert.Equal(["{__name__=\"up\", __tenant_id__=\"a\", job=\"x\"}"], await RemoteReadAsync(api, "a|b", (0, "__tenant_id__", "a")));
        Assert.Equal(["{__name__=\"up\", job=\"x\"}"], await RemoteReadAsync(api, "a"));
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, "/prometheus/api/v1/read", "a|b|c", ReadRequest(api.Now));
        Assert.True(status == 422, $"{status} {text}");
    }

    private static ByteArrayContent ReadRequest(long nowMs, params (int Type, string Name, string Value)[] matchers)
    {
        using var request = new ProtoBuffer();
        int query = request.Begin(1);
        request.Field(1, nowMs - 60_000);
        request.Field(2, nowMs + 60_000);
        foreach (var (type, name, value) in matchers.Append((0, "__name__", "up")))
        {
            int matcher = request.Begin(3);
            request.Field(1, (ulong)type);
            request.Field(2, name);
            request.Field(3, value);
            request.End(matcher);
        }
        request.End(query);
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(request.Written, packed);
        var content = new ByteArrayContent(packed.WrittenSpan.ToArray());
        content.Headers.ContentEncoding.Add("snappy");
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        return content;
    }

    private static async Task<string[]> RemoteReadAsync(TenantApi api, string tenant, params (int Type, string Name, string Value)[] matchers)
    {
        byte[] packed = await api.BytesAsync("/prometheus/api/v1/read", tenant, ReadRequest(api.Now, matchers));
        byte[] message = SnappyBlock.Decode(packed, 1 << 20, out int length);
        var found = new List<string>();
        var results = new ProtoReader(message.AsSpan(0, length));
        while (results.Next())
        {
            var series = results.Message();
            while (series.Next())
            {
                var labels = new LabelsBuilder();
                var parts = series.Message();
                while (parts.Next())
                {
                    var pair = parts.Message();
                    if (parts.Field != 1) continue;
                    string name = "";
                    while (pair.Next())
                    {
                        string text = System.Text.Encoding.UTF8.GetString(pair.Bytes());
                        if (pair.Field == 1) name = text;
                        else labels.Set(name, text);
                    }
                }
                found.Add(labels.ToLabels().ToString());
            }
        }
        return [.. found];
    }

    [Fact]
    public async Task Several_tenants_are_read_as_one()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\ntenant_federation: {max_tenants: 2}\noverrides: {b: {max_fetched_series_per_query: 3}}");
        await api.PushAsync("a", api.Now, "up{job=\"x\"}", "only_a");
        await api.PushAsync("b", api.Now, "up{job=\"x\"}", "up{job=\"y\", __tenant_id__=\"inner\"}");
        Assert.Equal(
            [
                "{__name__=\"up\", __tenant_id__=\"a\", job=\"x\"}", "{__name__=\"up\", __tenant_id__=\"b\", job=\"x\"}",
                "{__name__=\"up\", __tenant_id__=\"b\", job=\"y\", original___tenant_id__=\"inner\"}",
            ],
            await api.SeriesAsync("up", "b|a|b"));
        Assert.Equal(["{__name__=\"up\", __tenant_id__=\"a\", job=\"x\"}"], await api.SeriesAsync("up{__tenant_id__!=\"b\"}", "a|b"));
        Assert.Equal(["{__name__=\"up\", __tenant_id__=\"b\", job=\"y\", original___tenant_id__=\"inner\"}"], await api.SeriesAsync("up{original___tenant_id__=\"inner\"}", "a|b"));
        var sums = await api.DataAsync($"/api/v1/query?query=sum+by+(__tenant_id__)(up)&time={api.Now / 1000}", "a|b");
        Assert.Equal(["a 1", "b 2"], sums.GetProperty("result").EnumerateArray().Select(r => $"{r.GetProperty("metric").GetProperty("__tenant_id__")} {r.GetProperty("value")[1]}").Order(StringComparer.Ordinal));
        var range = await api.DataAsync($"/api/v1/query_range?query=up&start={api.Now / 1000}&end={api.Now / 1000}&step=1", "a|b");
        Assert.Equal(3, range.GetProperty("result").GetArrayLength());
        Assert.Equal("[\"__name__\",\"__tenant_id__\",\"job\",\"original___tenant_id__\"]", (await api.DataAsync("/prometheus/api/v1/labels", "a|b")).GetRawText());
        Assert.Equal("[\"a\",\"b\"]", (await api.DataAsync("/api/v1/label/__tenant_id__/values", "a|b")).GetRawText());
        Assert.Equal("[\"a\"]", (await api.DataAsync("/api/v1/label/__tenant_id__/values?match[]=only_a", "a|b")).GetRawText());
        Assert.Equal("[\"only_a\",\"up\"]", (await api.DataAsync("/api/v1/label/__name__/values", "a|b")).GetRawText());

        using var batch = new MetricBatch();
        int series = batch.AddSeries(TenantApi.LabelsOf("up{job=\"x\"}"));
        batch.Exemplars.Add(new BatchExemplar(series, api.Now, 1, Labels.Of(("trace", "1"))));
        batch.Metadata.Add(new MetricMetadata("up", MetricType.Gauge, "Of b.", ""));
        await api.PushAsync("b", batch);
        var exemplars = await api.DataAsync($"/api/v1/query_exemplars?query=up&start={(api.Now / 1000) - 60}&end={(api.Now / 1000) + 60}", "a|b");
        Assert.Equal("{\"__name__\":\"up\",\"__tenant_id__\":\"b\",\"job\":\"x\"}", exemplars[0].GetProperty("seriesLabels").GetRawText());
        Assert.Equal("{\"up\":[{\"type\":\"gauge\",\"help\":\"Of b.\",\"unit\":\"\"}]}", (await api.DataAsync("/api/v1/metadata", "a|b")).GetRawText());

        // All or nothing, the strictest limit of all.
        string error = await api.GetAsync($"/api/v1/query?query={Uri.EscapeDataString("{__name__=~\".+\"}")}&time={api.Now / 1000}", "a|b", 422);
        Assert.Contains("err-mimir-max-series-per-query", error, StringComparison.Ordinal);
        Assert.Equal("too many tenants, max: 2, actual: 3; to adjust the limit, set tenant_federation.max_tenants", await api.GetAsync("/api/v1/query?query=up", "a|b|c", 422));
        Assert.Equal("multiple org IDs present: /api/v1/push takes one tenant, not a|b; only queries read several", (await api.PushAsync("a|b", api.Now, "x")).Text);
        Assert.Equal(400, (await api.SendAsync(HttpMethod.Get, "/prometheus/config/v1/rules", "a|b")).Status);
        Assert.Equal("no org id", await api.GetAsync("/api/v1/query?query=up", "a||b", 400));
    }

    [Fact]
    public async Task Federation_can_be_switched_off()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\ntenant_federation: {enabled: false}");
        Assert.Equal("tenant ID 'a|b' contains unsupported character '|'", await api.GetAsync("/api/v1/query?query=up", "a|b", 400));
    }

    [Fact]
    public async Task Cardinality_tells_what_makes_the_series_many()
    {
        await using var api = await TenantApi.StartAsync("limits: {cardinality_analysis_enabled: true, label_values_max_cardinality_label_names_per_request: 2}");
        await api.PushAsync(null, api.Now, "a{pod=\"1\"}", "a{pod=\"2\"}", "a{pod=\"3\"}", "b{pod=\"1\"}");
        foreach (string prefix in (string[])["", "/prometheus"])
        {
            Assert.Equal(
                "{\"label_values_count_total\":5,\"label_names_count\":2,\"cardinality\":[{\"label_name\":\"pod\",\"label_values_count\":3}]}",
                await api.GetAsync(prefix + "/api/v1/cardinality/label_names?limit=1"));
        }
        Assert.Equal(
            "{\"series_count_total\":4,\"labels\":[{\"label_name\":\"pod\",\"label_values_count\":3,\"series_count\":4,\"cardinality\":"
            + "[{\"label_value\":\"1\",\"series_count\":2},{\"label_value\":\"2\",\"series_count\":1}]}]}",
            await api.GetAsync("/api/v1/cardinality/label_values?label_names[]=pod&limit=2"));
        Assert.Equal(
            "{\"series_count_total\":1,\"labels\":[{\"label_name\":\"pod\",\"label_values_count\":1,\"series_count\":1,\"cardinality\":[{\"label_value\":\"1\",\"series_count\":1}]}]}",
            await api.GetAsync("/api/v1/cardinality/label_values?label_names[]=pod&selector=b&count_method=active"));
        Assert.Equal("{\"data\":[{\"__name__\":\"b\",\"pod\":\"1\"}]}", await api.GetAsync("/api/v1/cardinality/active_series?selector=b"));
        api.Time.Advance(TimeSpan.FromMinutes(21));
        Assert.Equal("{\"data\":[]}", await api.GetAsync("/api/v1/cardinality/active_series?selector=b"));

        Assert.Equal("'label_names[]' param is required", await api.GetAsync("/api/v1/cardinality/label_values", status: 400));
        Assert.StartsWith("label values cardinality request label names limit (limit: 2 actual: 3) exceeded", await api.GetAsync("/api/v1/cardinality/label_values?label_names[]=a&label_names[]=b&label_names[]=c", status: 400), StringComparison.Ordinal);
        Assert.Equal("'limit' param cannot be greater than '500'", await api.GetAsync("/api/v1/cardinality/label_names?limit=501", status: 400));
        Assert.Equal("invalid 'count_method' param 'x', valid options are: [inmemory, active]", await api.GetAsync("/api/v1/cardinality/label_names?count_method=x", status: 400));
        Assert.Equal("missing 'selector' parameter", await api.GetAsync("/api/v1/cardinality/active_series", status: 400));
    }

    [Fact]
    public async Task Cardinality_is_off_by_default()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true");
        Assert.Equal(
            "cardinality analysis is disabled for the tenant: shop; to enable it, set cardinality_analysis_enabled",
            await api.GetAsync("/api/v1/cardinality/label_names", "shop", 400));
    }

    [Fact]
    public async Task A_deleted_tenant_has_nothing_left_and_the_others_everything()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true");
        foreach (string tenant in (string[])["gone", "stays"])
        {
            using var batch = new MetricBatch();
            int series = batch.AddSeries(TenantApi.LabelsOf("up"));
            for (long ms = api.Now - 172_800_000; ms <= api.Now; ms += 3_600_000) batch.AddSample(series, ms, 1);
            batch.Metadata.Add(new MetricMetadata("up", MetricType.Gauge, "", ""));
            await api.PushAsync(tenant, batch);
        }
        // Answered twice, so that a kept answer would show.
        string range = $"/api/v1/query_range?query=up&start={(api.Now / 1000) - 172_800}&end={api.Now / 1000}&step=3600";
        for (int i = 0; i < 2; i++) Assert.Equal(1, (await api.DataAsync(range, "gone")).GetProperty("result").GetArrayLength());
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/compactor/delete_tenant", "gone")).Status);
        Assert.Equal(0, (await api.DataAsync(range, "gone")).GetProperty("result").GetArrayLength());
        Assert.Equal("{\"tenant_id\":\"gone\",\"blocks_deleted\":true}", await api.GetAsync("/compactor/delete_tenant_status", "gone"));
        Assert.Equal("{}", (await api.DataAsync("/api/v1/metadata", "gone")).GetRawText());
        Assert.Equal(401, (await api.SendAsync(HttpMethod.Post, "/compactor/delete_tenant")).Status);
        for (int i = 0; i < 2; i++)
        {
            Assert.Empty(await api.SeriesAsync("up", "gone"));
            Assert.Single(await api.SeriesAsync("up", "stays"));
            await api.RestartAsync();
        }
        Assert.Equal(204, (await api.PushAsync("gone", api.Now + 1, "up")).Status);
        Assert.Single(await api.SeriesAsync("up", "gone"));
    }
}
