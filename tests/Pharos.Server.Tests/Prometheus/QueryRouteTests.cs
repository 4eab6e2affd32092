using Pharos.Core;
using Pharos.Server.Prometheus;

namespace Pharos.Server.Tests.Prometheus;

public sealed class QueryRouteTests
{
    private const long Now = QueryApi.NowMs / 1000;

    [Fact]
    public async Task An_instant_vector_has_prometheus_s_exact_form()
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        Assert.Equal(
            """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"requests_total","job":"shop","path":"/a"},"value":[1767225600,"3600"]}]}}""",
            await api.TextAsync("/api/v1/query?query=requests_total{path=\"/a\"}"));
        Assert.Equal(
            """{"status":"success","data":{"resultType":"scalar","result":[1767225600.12,"0.5"]}}""",
            await api.TextAsync($"/api/v1/query?query=1/2&time={Now}.12"));
        Assert.Equal(
            """{"status":"success","data":{"resultType":"string","result":[1767225600,"a\"b"]}}""",
            await api.TextAsync("""/api/v1/query?query='a"b'"""));
        Assert.Equal(
            """{"status":"success","data":{"resultType":"vector","result":[]}}""", await api.TextAsync("/api/v1/query?query=absent(requests_total)"));
    }

    [Theory]
    [InlineData("vector(1/0)", "+Inf")]
    [InlineData("vector(-1/0)", "-Inf")]
    [InlineData("vector(0/0)", "NaN")]
    [InlineData("vector(0.1)", "0.1")]
    [InlineData("vector(1e20)", "100000000000000000000")]
    [InlineData("vector(1e21)", "1e+21")]
    [InlineData("vector(0.000001)", "0.000001")]
    [InlineData("vector(0.0000001)", "1e-07")]
    [InlineData("vector(1.5e-10)", "1.5e-10")]
    [InlineData("vector(123456789.125)", "123456789.125")]
    public async Task Floats_are_written_as_prometheus_writes_them(string query, string value)
    {
        await using var api = await QueryApi.StartAsync();
        var data = await api.DataAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}");
        Assert.Equal(value, data.GetProperty("result")[0].GetProperty("value")[1].GetString());
    }

    [Fact]
    public async Task A_range_query_gives_a_sorted_matrix_and_warnings()
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        Assert.Equal(
            """{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"path":"/a"},"values":[[1767225480,"0.9999999999999999"],[1767225540.500,"0.9999999999999999"]]},{"metric":{"path":"/b"},"values":[[1767225480,"1.9999999999999998"],[1767225540.500,"1.9999999999999998"]]}]},"warnings":["results truncated due to limit"]}""",
            await api.TextAsync($"/api/v1/query_range?query=sum by(path)(rate(requests_total[5m]))&start={Now - 120}&end={Now - 59}&step=60.5&limit=2"));
        string posted = await api.PostAsync(
            "/api/v1/query_range", ("query", "rate(requests_total{path='/c'}[1m])"), ("start", "2025-12-31T23:59:00Z"), ("end", $"{Now}"), ("step", "1m"));
        Assert.Equal(
            """{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"shop","path":"/c"},"values":[[1767225540,"2.9999999999999996"],[1767225600,"2.9999999999999996"]]}]}}""",
            posted);
        Assert.Contains(
            """{"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"x\" (1:6)"]}"""[1..],
            await InfoOf(api), StringComparison.Ordinal);

        static async Task<string> InfoOf(QueryApi api)
        {
            for (int i = 0; i < 10; i++) api.Store.Add(Labels.Of((Labels.MetricName, "x")), QueryApi.NowMs - (i * 15_000), 10 - i);
            return await api.TextAsync("/api/v1/query?query=rate(x[5m])");
        }
    }

    [Fact]
    public async Task Histograms_come_with_their_buckets()
    {
        await using var api = await QueryApi.StartAsync();
        api.Store.Add(Labels.Of((Labels.MetricName, "h")), QueryApi.NowMs, new Histogram
        {
            Count = 6, Sum = 5.5, ZeroThreshold = 0.001, ZeroCount = 1, IsFloat = true,
            PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [1, 2],
            NegativeSpans = [new BucketSpan(1, 1)], NegativeBuckets = [2],
        });
        Assert.Equal(
            """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h"},"histogram":[1767225600,{"count":"6","sum":"5.5","buckets":[[1,"-2","-1","2"],[3,"-0.001","0.001","1"],[0,"0.5","1","1"],[0,"1","2","2"]]}]}]}}""",
            await api.TextAsync("/api/v1/query?query=h"));
    }

    [Theory]
    [InlineData("/api/v1/query?query=rat(up)", 400, "bad_data", "invalid parameter \"query\": 1:1: parse error: unknown function with name \"rat\"; did you mean \"rate\"?\n  rat(up)\n  ^")]
    [InlineData("/api/v1/query?query=up&time=soon", 400, "bad_data", "invalid parameter \"time\": cannot parse \"soon\" to a valid timestamp")]
    [InlineData("/api/v1/query?query=up&limit=-1", 400, "bad_data", "invalid parameter \"limit\": limit must be non-negative")]
    [InlineData("/api/v1/query_range?query=up&start=10&end=5&step=1", 400, "bad_data", "invalid parameter \"end\": end timestamp must not be before start time")]
    [InlineData("/api/v1/query_range?query=up&start=0&end=5&step=0", 400, "bad_data", "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer")]
    [InlineData("/api/v1/query_range?query=up&start=0&end=11001&step=1", 400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")]
    [InlineData("/api/v1/query_range?query=up[5m]&start=0&end=1&step=1", 400, "bad_data", "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector")]
    [InlineData("/api/v1/series", 400, "bad_data", "no match[] parameter provided")]
    [InlineData("/api/v1/series?match[]={x=\"\"}", 400, "bad_data", "invalid parameter \"match[]\": 1:1: parse error: vector selector must contain at least one non-empty matcher")]
    [InlineData("/api/v1/query?query=label_replace(requests_total,\"path\",\"x\",\"\",\"\")", 422, "execution", "vector cannot contain metrics with the same labelset")]
    public async Task Errors_name_type_and_cause(string path, int status, string type, string message)
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        Assert.Equal((type, message), await api.ErrorAsync(path, status));
    }

    [Fact]
    public async Task A_query_over_its_budget_names_limit_and_selector()
    {
        await using var api = await QueryApi.StartAsync(new TenantLimits { QuerySamplesMax = 100 });
        api.FillRequests();
        var (type, message) = await api.ErrorAsync("/api/v1/query?query=sum(rate(requests_total[1h]))", 422);
        Assert.Equal("execution", type);
        Assert.Contains("100 samples, passed at requests_total[1h] (1:10)", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_values_and_series_are_listed()
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        api.Store.Add(Labels.Of((Labels.MetricName, "http.requests"), ("service.name", "till")), QueryApi.NowMs, 1);
        Assert.Equal("""{"status":"success","data":["__name__","job","path","service.name"]}""", await api.TextAsync("/api/v1/labels"));
        Assert.Equal("""{"status":"success","data":["/a","/b","/c"]}""", await api.TextAsync("/api/v1/label/path/values"));
        Assert.Equal("""{"status":"success","data":["till"]}""", await api.TextAsync("/api/v1/label/U__service_2e_name/values"));
        Assert.Equal(
            """{"status":"success","data":["/a"],"warnings":["results truncated due to limit"]}""", await api.TextAsync("/api/v1/label/path/values?limit=1"));
        Assert.Equal("""{"status":"success","data":[]}""", await api.TextAsync("/api/v1/label/path/values?start=0&end=10"));
        Assert.Equal(
            """{"status":"success","data":[{"__name__":"requests_total","job":"shop","path":"/b"}]}""",
            await api.TextAsync("/api/v1/series?match[]=requests_total{path='/b'}"));
        Assert.Equal(
            """{"status":"success","data":{"requests_total":[{"type":"counter","help":"Requests served.","unit":""}]}}""",
            await api.TextAsync("/api/v1/metadata"));
    }

    [Fact]
    public async Task Exemplars_come_by_series()
    {
        await using var api = await QueryApi.StartAsync();
        var labels = Labels.Of((Labels.MetricName, "requests_total"), ("path", "/a"));
        api.Store.Add(labels, [new Exemplar(QueryApi.NowMs + 5, 6, Labels.Of(("traceID", "EpTxMJ40fUus7aGY")))]);
        Assert.Equal(
            """{"status":"success","data":[{"seriesLabels":{"__name__":"requests_total","path":"/a"},"exemplars":[{"labels":{"traceID":"EpTxMJ40fUus7aGY"},"value":"6","timestamp":1767225600.005}]}]}""",
            await api.TextAsync("/api/v1/query_exemplars?query=rate(requests_total[5m])&start=0&end=2000000000"));
    }

    [Fact]
    public async Task Queries_are_formatted_and_parsed()
    {
        await using var api = await QueryApi.StartAsync();
        Assert.Equal("""{"status":"success","data":"sum by (job) (rate(a[5m]))"}""", await api.TextAsync("/api/v1/format_query?query=sum(rate(a[5m])) by(job)"));
        Assert.Equal(
            """{"status":"success","data":{"type":"binaryExpr","op":"/","lhs":{"type":"vectorSelector","name":"foo","offset":60000,"timestamp":null,"startOrEnd":null,"matchers":[{"name":"__name__","value":"foo","type":"="}]},"rhs":{"type":"numberLiteral","val":"2"},"matching":null,"bool":false}}""",
            await api.TextAsync("/api/v1/parse_query?query=foo offset 1m / 2"));
    }

    [Fact]
    public async Task Status_pages_tell_what_they_are_given()
    {
        var status = new PrometheusStatus
        {
            Flags = () => new Dictionary<string, string> { ["web.listen-address"] = "127.0.0.1:9090" },
            ConfigYaml = () => "global: {}\n",
            Tsdb = (_, limit) => new TsdbStatus { SeriesCount = 3, SeriesByMetric = [new NamedCount("requests_total", limit)] },
        };
        await using var api = await QueryApi.StartAsync(status: status);
        Assert.Equal("3.5.0", (await api.DataAsync("/api/v1/status/buildinfo")).GetProperty("version").GetString());
        Assert.Equal("127.0.0.1:9090", (await api.DataAsync("/api/v1/status/flags")).GetProperty("web.listen-address").GetString());
        Assert.Equal("global: {}\n", (await api.DataAsync("/api/v1/status/config")).GetProperty("yaml").GetString());
        Assert.Equal("2026-01-01T00:00:00Z", (await api.DataAsync("/api/v1/status/runtimeinfo")).GetProperty("startTime").GetString());
        var tsdb = await api.DataAsync("/api/v1/status/tsdb?limit=7");
        Assert.Equal(3, tsdb.GetProperty("headStats").GetProperty("numSeries").GetInt64());
        Assert.Equal(7, tsdb.GetProperty("seriesCountByMetricName")[0].GetProperty("value").GetInt64());
    }

    [Fact]
    public async Task Statistics_count_the_samples_looked_at()
    {
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        var data = await api.DataAsync($"/api/v1/query_range?query=sum(requests_total)&start={Now - 60}&end={Now}&step=30&stats=all");
        var samples = data.GetProperty("stats").GetProperty("samples");
        Assert.Equal(9, samples.GetProperty("totalQueryableSamples").GetInt64());
        Assert.Equal(3, samples.GetProperty("totalQueryableSamplesPerStep").GetArrayLength());
        Assert.Equal(3, samples.GetProperty("totalQueryableSamplesPerStep")[0][1].GetInt64());
    }
}
