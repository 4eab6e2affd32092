using System.Text.Json;

namespace Pharos.Server.Tests.Loki;

/// <summary>The older paths, shards, and reads over several tenants.</summary>
public sealed class LokiLegacyTests
{
    private const long Now = LokiApi.NowNs;

    [Fact]
    public async Task The_first_api_pushes_queries_and_lists()
    {
        await using var api = await LokiApi.StartAsync();
        using var body = new StringContent("""{"streams":[{"labels":"{app=\"old\"}","entries":[{"ts":"2025-12-31T23:59:59.000000001Z","line":"level=info one"},{"ts":"2025-12-31T23:59:59.5Z","line":"level=info two"}]}]}""");
        body.Headers.ContentType = new("application/json");
        using var pushed = await api.Client.PostAsync("/api/prom/push", body);
        Assert.Equal(204, (int)pushed.StatusCode);
        Assert.StartsWith(
            """{"streams":[{"labels":"{app=\"old\", detected_level=\"info\", service_name=\"old\"}","entries":[{"ts":"2025-12-31T23:59:59.5Z","line":"level=info two"}]}],"stats":{""",
            await api.GetAsync("/api/prom/query?query={app=\"old\"}&regexp=t[w]o&end=" + (Now + 1)));
        Assert.Equal("legacy endpoints only support streams result type\n", await api.GetAsync("/api/prom/query?query=count_over_time({app=\"old\"}[1m])", 400));
        Assert.Equal("""{"status":"success","data":["app","service_name"]}""", await api.GetAsync("/api/prom/label"));
        Assert.Equal("""{"status":"success","data":["old"]}""", await api.GetAsync("/api/prom/label/app/values"));
        Assert.Equal("""{"status":"success","data":[{"app":"old","service_name":"old"}]}""", await api.GetAsync("/api/prom/series?match[]={app=\"old\"}"));
    }

    [Fact]
    public async Task Shards_cover_all_hashes_and_all_bytes()
    {
        await using var api = await LokiApi.StartAsync();
        string streams = string.Join(",", Enumerable.Range(0, 40).Select(i => $$"""{"stream":{"app":"s","n":"{{i}}"},"values":[["{{Now - 1}}","{{new string('x', 100)}}"]]}"""));
        Assert.Equal(204, (await api.PushAsync($$"""{"streams":[{{streams}}]}""")).Status);
        using var answer = JsonDocument.Parse(await api.GetAsync("/loki/api/v1/index/shards?query={app=\"s\"}&targetBytesPerShard=1KB"));
        var shards = answer.RootElement.GetProperty("shards").EnumerateArray().ToList();
        Assert.Equal(8, shards.Count);
        ulong next = 0;
        foreach (var shard in shards)
        {
            Assert.Equal(next, shard.GetProperty("bounds").GetProperty("min").GetUInt64());
            next = unchecked(shard.GetProperty("bounds").GetProperty("max").GetUInt64() + 1);
        }
        Assert.Equal(0UL, next);
        Assert.Equal(40, shards.Sum(s => s.GetProperty("stats").GetProperty("streams").GetInt32()));
        Assert.StartsWith("missing targetBytesPerShard", await api.GetAsync("/loki/api/v1/index/shards?query={app=\"s\"}", 400));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Several_tenants_are_read_as_one_and_told_apart_by_label(bool flushed)
    {
        await using var api = await LokiApi.StartAsync(tenants: true);
        foreach (var (tenant, at) in ((string, long)[])[("a", 1), ("b", 2), ("a", 3), ("c", 4)])
            await api.ForTenant(tenant).PushAsync($$"""{"streams":[{"stream":{"app":"x"},"values":[["{{Now - 100 + at}}","{{tenant}}{{at}}"]]}]}""");
        if (flushed) await api.Store.FlushAsync(CancellationToken.None);
        api.ForTenant("a|b");
        using var answer = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"x\"}}&start={Now - 1000}&end={Now}"));
        Assert.Equal(
            ["a3 a", "b2 b", "a1 a"],
            answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().SelectMany(s => s.GetProperty("values").EnumerateArray().Select(v => (Time: v[0].GetString(), Text: $"{v[1]} {s.GetProperty("stream").GetProperty("__tenant_id__")}")))
                .OrderByDescending(l => l.Time, StringComparer.Ordinal).Select(l => l.Text));
        Assert.Contains("""{"metric":{"__tenant_id__":"b"},"value":[1767225600,"1"]}""", await api.GetAsync("/loki/api/v1/query?query=sum+by+(__tenant_id__)(count_over_time({app=\"x\"}[1m]))"));
        Assert.Contains("\"value\":[1767225600,\"2\"]", await api.GetAsync("/loki/api/v1/query?query=sum(count_over_time({app=\"x\",__tenant_id__=\"a\"}[1m]))"));
        Assert.Equal("""{"status":"success","data":["__tenant_id__","app","service_name"]}""", await api.GetAsync("/loki/api/v1/labels"));
        Assert.Equal("""{"status":"success","data":["a","b"]}""", await api.GetAsync("/loki/api/v1/label/__tenant_id__/values"));
        Assert.Contains("\"streams\":2", await api.GetAsync("/loki/api/v1/index/stats?query={app=\"x\"}"));
        Assert.StartsWith("multiple org IDs present", await api.GetAsync("/loki/api/v1/tail?query={app=\"x\"}", 400));
        Assert.StartsWith("multiple org IDs present", (await api.PushAsync("""{"streams":[]}""")).Text);
    }
}
