using System.Text.Json;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

/// <summary>What clients see of the query service: parts with warnings, pages, streams, refusals.</summary>
public sealed class LokiServingTests
{
    private const long Now = LokiApi.NowNs;
    private static readonly string End = $"&start={Now - 60_000_000_000}&end={Now + 1}";

    [Fact]
    public async Task Too_many_lines_or_series_are_a_part_with_a_warning()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogQueryEntriesMax = 2, LogQuerySeriesMax = 1 });
        await api.FillAsync();
        using var lines = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"shop\"}}&limit=5001{End}"));
        Assert.Equal(
            """["max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 2): at most 2 lines are given; ask for more by cursor"]""",
            lines.RootElement.GetProperty("warnings").GetRawText());
        Assert.Equal(2, lines.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength()));
        foreach (string path in (string[])["query?", "query_range?step=60" + End + "&"])
        {
            using var series = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/{path}query=sum+by+(pod)(count_over_time({{app=\"shop\"}}[1m]))"));
            Assert.StartsWith("maximum number of series (1) reached for a single query, which has 2; returning partial results", series.RootElement.GetProperty("warnings")[0].GetString());
            Assert.Single(series.RootElement.GetProperty("data").GetProperty("result").EnumerateArray());
        }
    }

    [Fact]
    public async Task Pages_follow_each_other_by_cursor()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        string path = $"/loki/api/v1/query_range?query={{app=\"shop\"}}&limit=2{End}&cursor=";
        using var first = JsonDocument.Parse(await api.GetAsync(path));
        string next = first.RootElement.GetProperty("data").GetProperty("nextCursor").GetString()!;
        Assert.Equal(2, first.RootElement.GetProperty("data").GetProperty("result").GetArrayLength());
        using var second = JsonDocument.Parse(await api.GetAsync(path + next));
        Assert.Equal("level=info took=5ms", second.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("values")[0][1].GetString());
        Assert.Equal("", second.RootElement.GetProperty("data").GetProperty("nextCursor").GetString());
        Assert.StartsWith("cursor \"nonsense\" cannot be read", await api.GetAsync(path + "nonsense", 400));
    }

    [Fact]
    public async Task Lines_can_be_streamed_one_by_one()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        var accept = ("Accept", "application/x-ndjson");
        Assert.Equal(
            """
            {"ts":"1767225598000000000","line":"level=info took=5ms","stream":{"app":"shop","pod":"a","service_name":"shop"},"structuredMetadata":{"detected_level":"info"},"parsed":{"level":"info","took":"5ms"}}
            {"ts":"1767225600000000000","line":"level=error took=70ms","stream":{"app":"shop","pod":"a","service_name":"shop"},"structuredMetadata":{"detected_level":"error","trace_id":"7f"},"parsed":{"level":"error","took":"70ms"}}
            {"status":"success","lines":2}

            """.ReplaceLineEndings("\n"),
            await api.GetAsync($"/loki/api/v1/query_range?direction=forward&query={Uri.EscapeDataString("{pod=\"a\"} | logfmt")}{End}", 200, accept));
        Assert.Equal("{\"status\":\"success\",\"lines\":0}\n", await api.GetAsync($"/loki/api/v1/query_range?query={{pod=\"none\"}}{End}", 200, accept));
        Assert.StartsWith("parse error at line 1, col 14", await api.GetAsync($"/loki/api/v1/query_range?query={{pod=\"none\"}}|{End}", 400, accept));
    }

    /// <summary>More lines than wait in memory and in sockets: the query cannot be at its end while the client has read no more than its first line.</summary>
    [Fact]
    public async Task The_first_line_of_a_stream_comes_before_the_query_is_done()
    {
        const int Days = 6, LinesOfADay = 1000;
        await using var api = await LokiApi.StartAsync();
        for (int day = 0; day < Days; day++)
        {
            var values = Enumerable.Range(0, LinesOfADay).Select(i => new[] { $"{Now - (day * 86_400_000_000_000) - (i * 1_000_000_000L)}", $"day {day} line {i} {new string('x', 8000)}" });
            Assert.Equal((204, ""), await api.PushAsync(JsonSerializer.Serialize(new { streams = new[] { new { stream = new { app = "weeks" }, values } } })));
            Assert.True(await api.Store.FlushAsync(CancellationToken.None));
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/loki/api/v1/query_range?query={{app=\"weeks\"}}&limit=1000000&start={Now - (20 * 86_400_000_000_000)}&end={Now + 1}");
        request.Headers.Add("Accept", "application/x-ndjson");
        using var response = await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("day 0 line 0 ", await reader.ReadLineAsync());
        Assert.Equal("running", Assert.Single(api.Running.Active(TenantId.Anonymous)).State);
        int lines = 1;
        string? last = null;
        while (await reader.ReadLineAsync() is { } line) (last, lines) = (line, lines + 1);
        Assert.Equal($$"""{"status":"success","lines":{{Days * LinesOfADay}}}""", last);
        Assert.Equal((Days * LinesOfADay) + 1, lines);
    }

    [Fact]
    public async Task Statistics_say_what_was_read_and_what_was_kept()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        string path = $"/loki/api/v1/query_range?query=sum(count_over_time({{app=\"shop\"}}[1m]))&step=60&start={(Now / 1_000_000_000) - 7200}&end={Now / 1_000_000_000}";
        _ = await api.GetAsync(path);
        using var again = JsonDocument.Parse(await api.GetAsync(path));
        var stats = again.RootElement.GetProperty("data").GetProperty("stats");
        var cache = stats.GetProperty("cache").GetProperty("result");
        Assert.Equal((3, 2, 2), (stats.GetProperty("summary").GetProperty("splits").GetInt32(), cache.GetProperty("entriesRequested").GetInt32(), cache.GetProperty("entriesFound").GetInt32()));
        using var fresh = JsonDocument.Parse(await api.GetAsync(path, 200, ("Cache-Control", "no-cache")));
        Assert.Equal(0, fresh.RootElement.GetProperty("data").GetProperty("stats").GetProperty("cache").GetProperty("result").GetProperty("entriesRequested").GetInt32());
        Assert.Equal(again.RootElement.GetProperty("data").GetProperty("result").GetRawText(), fresh.RootElement.GetProperty("data").GetProperty("result").GetRawText());
    }

    [Theory]
    [InlineData("query_range", "{pod=\"a\"}", "stream selector is missing required matchers [app], labels present in the query were [pod]\n")]
    [InlineData("query", "rate({app=\"a\",pod=\"b\"}[1m]) / rate({pod=\"a\"}[1m])", "stream selector is missing required matchers [app], labels present in the query were [pod]\n")]
    [InlineData("query_range", "{app=\"a\"}", "stream selector has less label matchers than required: (present: [app], number_present: 1, required_number_label_matchers: 2)\n")]
    [InlineData("query", "rate({app=\"a\",pod=\"b\"}[2h])", "[interval] value exceeds limit: [2h] > [1h]\n")]
    [InlineData("query_range", "{app=\"a\",pod=\"secret\"}", "query blocked by policy\n")]
    [InlineData("tail", "{app=\"a\",pod=\"secret\"}", "query blocked by policy\n")]
    public async Task Queries_that_a_tenant_may_not_ask_are_refused(string path, string query, string text)
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits
        {
            BlockedQueries = [new QueryRule(".*secret.*", true, "", TimeSpan.Zero)],
            Logs = new LogLimits { RequiredLabels = ["app"], LabelsMin = 2, RangeMax = TimeSpan.FromHours(1) },
        });
        Assert.Equal(text, await api.GetAsync($"/loki/api/v1/{path}?query={Uri.EscapeDataString(query)}", 400));
    }

    [Fact]
    public async Task Lengths_and_lookback_are_limited()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { QueryLookbackMax = TimeSpan.FromMilliseconds(500), LogQueryLengthMax = TimeSpan.FromHours(2) });
        await api.FillAsync();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["query"] = "{app=\"" + new string('x', 128 * 1024) + "\"}" });
        using var response = await api.Client.PostAsync("/loki/api/v1/query_range", form);
        Assert.Equal("parse error : input size too long (131080 > 131072)\n", await response.Content.ReadAsStringAsync());
        Assert.Equal("the query time range exceeds the limit (query length: 2h1m, limit: 2h)\n", await api.GetAsync($"/loki/api/v1/query_range?query=rate({{app=\"a\"}}[1m])&step=60&start={(Now / 1_000_000_000) + 60}&end={(Now / 1_000_000_000) + 7320}", 400));
        using var seen = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"shop\"}}{End}"));
        Assert.Single(seen.RootElement.GetProperty("data").GetProperty("result").EnumerateArray());
        Assert.Contains("\"result\":[]", await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"shop\"}}&start={Now - 9_000_000_000}&end={Now - 1_000_000_000}"));
        Assert.Equal("""{"status":"success","data":["a"]}""", await api.GetAsync("/loki/api/v1/label/pod/values"));
    }

    [Fact]
    public async Task A_request_may_lower_its_limits_where_the_tenant_may()
    {
        string path = $"/loki/api/v1/query_range?query={{app=\"shop\"}}{End}";
        var header = ("X-Loki-Query-Limits", """{"maxQueryLength":"1s","maxEntriesLimitPerQuery":1,"requiredLabels":["pod"]}""");
        await using (var api = await LokiApi.StartAsync()) _ = await api.GetAsync(path, 200, header);
        await using (var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { PerRequestLimits = true } }))
        {
            Assert.StartsWith("stream selector is missing required matchers [pod]", await api.GetAsync(path, 400, header));
            Assert.Equal("the query time range exceeds the limit (query length: 1m, limit: 1s)\n", await api.GetAsync(path.Replace("app=\"shop\"", "pod=\"a\""), 400, header));
            Assert.StartsWith("X-Loki-Query-Limits cannot be read: unknown limit \"x\"", await api.GetAsync(path, 400, ("X-Loki-Query-Limits", """{"x":1}""")));
        }
    }
}
