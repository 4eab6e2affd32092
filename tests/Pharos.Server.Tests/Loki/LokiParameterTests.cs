using System.Text;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

/// <summary>Parameters in every form that Loki takes, odd ones and wrong ones.</summary>
public sealed class LokiParameterTests
{
    private const long Now = LokiApi.NowNs;
    private const string Lines = "/loki/api/v1/query_range?query={app=\"shop\"}";
    private const string Points = "/loki/api/v1/query_range?query=sum(count_over_time({app=\"shop\"}[1m]))&start=1767225540&end=1767225600";

    /// <summary>Of the three lines one is at :58, one at :59, one at :00, which an end leaves out.</summary>
    [Theory]
    [InlineData("start=1767225598&end=1767225600", 2)]
    [InlineData("start=1767225598000000000&end=1767225600000000001", 3)]
    [InlineData("start=1767225598.5&end=1767225599.001", 1)]
    [InlineData("start=2025-12-31T23:59:59Z&end=2026-01-01T00:00:00Z", 1)]
    [InlineData("start=2026-01-01T00:59:58.5%2B01:00&end=2026-01-01T00:00:00.000000001Z", 2)]
    [InlineData("end=1767225601&since=1s", 2)]
    [InlineData("end=1767225601&since=0.5", 1)]
    [InlineData("start=1767225598&end=9223372036854775807", 3)]
    [InlineData("start=0&end=1767225601", 3)]
    [InlineData("start=&end=1767225601&limit=&direction=&step=&interval=", 3)]
    [InlineData("end=1767225601&limit=1", 1)]
    [InlineData("end=1767225601&interval=1.5", 2)]
    [InlineData("end=1767225601&interval=1500ms&direction=FORWARD", 2)]
    [InlineData("end=1767225601&direction=BackWard", 3)]
    public async Task Lines_are_found_by_times_in_every_form(string parameters, int lines)
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogQueryLengthMax = TimeSpan.Zero });
        await api.FillAsync();
        string answer = await api.GetAsync($"{Lines}&{parameters}");
        Assert.Equal(lines, answer.Split("[\"17672").Length - 1);
    }

    /// <summary>Far from now there is nothing, and that is said at once.</summary>
    [Theory]
    [InlineData("9223372036854775000", "9223372036854775807"), InlineData("-9223372036854775808", "-9223372036854775000"), InlineData("2261-12-31T23:00:00Z", "2261-12-31T23:59:59Z")]
    public async Task Times_at_the_ends_of_time_are_answered(string start, string end)
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        foreach (string path in (string[])["query_range?query={app=\"shop\"}&", "query_range?query=sum(count_over_time({app=\"shop\"}[1m]))&", "query_range?cursor=&query={app=\"shop\"}&", "index/volume?query={app=\"shop\"}&", "index/volume_range?query={app=\"shop\"}&"])
            Assert.Contains("\"result\":[]", await api.GetAsync($"/loki/api/v1/{path}start={start}&end={end}"));
        foreach (string path in (string[])["labels?", "series?", "label/app/values?"])
            Assert.DoesNotContain("shop", await api.GetAsync($"/loki/api/v1/{path}start={start}&end={end}"));
    }

    [Theory]
    [InlineData("GET", "/loki/api/v1/push", "POST"), InlineData("PUT", "/loki/api/v1/push", "POST"), InlineData("DELETE", "/loki/api/v1/query_range", "GET, POST")]
    [InlineData("PATCH", "/loki/api/v1/delete", "DELETE, GET, POST, PUT"), InlineData("POST", "/loki/api/v1/tail", "GET"), InlineData("GET", "/flush", "POST")]
    public async Task A_method_that_a_path_does_not_have_is_405_and_names_those_that_it_has(string method, string path, string allowed)
    {
        await using var api = await LokiApi.StartAsync();
        using var answer = await api.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(405, (int)answer.StatusCode);
        Assert.Equal(allowed, string.Join(", ", answer.Content.Headers.Allow.Order(StringComparer.Ordinal)));
        Assert.StartsWith($"method {method} is not allowed for {path}: use ", text);
    }

    [Theory]
    [InlineData("60"), InlineData("60.0"), InlineData("6e1"), InlineData("1m"), InlineData("60000ms")]
    public async Task Steps_are_seconds_or_durations(string step)
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        Assert.Contains("\"values\":[[1767225600,\"3\"]]", await api.GetAsync($"{Points}&step={step}"));
    }

    [Theory]
    [InlineData("query_range", "query={app=\"a\"}&start=2&end=1", "end timestamp must not be before or equal to start time: start 2000000000, end 1000000000\n")]
    [InlineData("query_range", "query={app=\"a\"}&start=yesterday", "could not parse 'start' parameter: \"yesterday\" is no Unix time in seconds or nanoseconds and no RFC 3339 time of the years 1678 to 2261\n")]
    [InlineData("query_range", "query={app=\"a\"}&start=9999999999", "could not parse 'start' parameter: \"9999999999\" is no Unix time in seconds or nanoseconds and no RFC 3339 time of the years 1678 to 2261\n")]
    [InlineData("query_range", "query={app=\"a\"}&start=-9223372036854775808&end=9223372036854775807", "the time range is longer than 292 years: start -9214646400000000000, end 9214646400000000000\n")]
    [InlineData("query_range", "query={app=\"a\"}&limit=0", "limit must be a positive value\n")]
    [InlineData("query_range", "query={app=\"a\"}&limit=-1", "invalid limit \"-1\": use a whole number from 0 to 2147483647\n")]
    [InlineData("query_range", "query={app=\"a\"}&limit=1.5", "invalid limit \"1.5\": use a whole number from 0 to 2147483647\n")]
    [InlineData("query_range", "query={app=\"a\"}&interval=-1", "interval must be >= 0\n")]
    [InlineData("query_range", "query={app=\"a\"}&since=-1", "could not parse 'since' parameter: \"-1\" is negative\n")]
    [InlineData("query_range", "query=rate({app=\"a\"}[1m])&step=0", "zero or negative query resolution step widths are not accepted. Try a positive integer\n")]
    [InlineData("query_range", "query=rate({app=\"a\"}[1m])&step=-5", "zero or negative query resolution step widths are not accepted. Try a positive integer\n")]
    [InlineData("query_range", "query=rate({app=\"a\"}[1m])&step=5 minutes", "could not parse 'step' parameter: not a valid duration string: \"5 minutes\"; units are y w d h m s ms, in this order\n")]
    [InlineData("query_range", "query=rate({app=\"a\"}[1m])&step=NaN", "could not parse 'step' parameter: not a valid duration string: \"NaN\"; units are y w d h m s ms, in this order\n")]
    [InlineData("query_range", "query=", "missing query parameter\n")]
    [InlineData("query", "query=rate({app=\"a\"}[1m])&time=now", "could not parse 'time' parameter: \"now\" is no Unix time in seconds or nanoseconds and no RFC 3339 time of the years 1678 to 2261\n")]
    [InlineData("query", "query=rate({app=\"a\"}[1m])&limit=0", "limit must be a positive value\n")]
    [InlineData("detected_fields", "query={app=\"a\"}&field_limit=0", "field_limit must be a positive value\n")]
    [InlineData("detected_field/x/values", "query={app=\"a\"}&line_limit=0", "line_limit must be a positive value\n")]
    [InlineData("index/volume", "query={app=\"a\"}&limit=0", "limit must be a positive value\n")]
    [InlineData("index/volume", "query={app=\"a\"}&aggregateBy=pod", "invalid aggregation option \"pod\": use series or labels\n")]
    public async Task Wrong_parameters_are_named(string path, string parameters, string text)
    {
        await using var api = await LokiApi.StartAsync();
        Assert.Equal(text, await api.GetAsync($"/loki/api/v1/{path}?{parameters}", 400));
    }

    [Fact]
    public async Task An_empty_way_to_aggregate_is_the_default()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        string path = $"/loki/api/v1/index/volume?query={{app=\"shop\"}}&start={Now - 60_000_000_000}&end={Now + 1}";
        Assert.Contains("""{"metric":{"app":"shop"}""", await api.GetAsync(path + "&aggregateBy=&targetLabels="));
        // The form in which Logs Drilldown asks for everything.
        string all = await api.GetAsync(path.Replace("{app=\"shop\"}", "{}", StringComparison.Ordinal));
        foreach (string pod in (string[])["a", "b"]) Assert.Contains($$$"""{"metric":{"app":"shop","pod":"{{{pod}}}","service_name":"shop"}""", all);
    }

    /// <summary>Points stand at multiples of the step: that moves the ends, and is no longer range than was asked for.</summary>
    [Theory, InlineData(30 * 24 * 3600, 200), InlineData((30 * 24 * 3600) + 3601, 400)]
    public async Task The_longest_range_may_be_asked_for_with_any_step(int seconds, int status)
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        long end = (Now / 1_000_000_000) + 1;
        string answer = await api.GetAsync($"/loki/api/v1/query_range?query=sum(count_over_time({{app=\"shop\"}}[3h]))&start={end - seconds}&end={end}", status);
        if (status == 400) Assert.Equal("the query time range exceeds the limit (query length: 30d1h1s, limit: 30d1h)\n", answer);
        else Assert.Contains(",\"3\"]", answer);
    }

    [Fact]
    public async Task The_longest_query_fits_into_an_address()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        string query = "{app=\"shop\"} != `" + new string('%', (128 * 1024) - 20) + "`";
        string answer = await api.GetAsync($"/loki/api/v1/query_range?query={Uri.EscapeDataString(query)}&end=1767225601", 200, ("X-Long", new string('x', 60_000)));
        Assert.Equal(3, answer.Split("[\"17672").Length - 1);
    }

    /// <summary>Drilldown puts filters behind the parser that a field names, and fields without one before all parsers.</summary>
    [Fact]
    public async Task Fields_that_a_query_parses_still_name_their_parser()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        string answer = await api.GetAsync($"/loki/api/v1/detected_fields?query={Uri.EscapeDataString("{app=\"shop\"} | json | logfmt | drop __error__, __error_details__ | label_format took=`x`")}&end=1767225601");
        Assert.Contains("""{"label":"level","type":"string","cardinality":3,"parsers":["json","logfmt"],"jsonPath":["level"]}""", answer);
        Assert.Contains("""{"label":"n","type":"float","cardinality":1,"parsers":["json"],"jsonPath":["n"]}""", answer);
        Assert.Contains("""{"label":"took","type":"string","cardinality":1,"parsers":null}""", answer);
        Assert.Contains("""{"label":"trace_id","type":"string","cardinality":1,"parsers":null}""", answer);
    }

    [Fact]
    public async Task A_form_that_cannot_be_read_is_a_bad_request_everywhere()
    {
        await using var api = await LokiApi.StartAsync();
        foreach (string path in (string[])["query", "query_range", "labels", "label/app/values", "series", "index/stats", "index/volume", "patterns", "detected_fields", "detected_labels", "format_query", "delete"])
        {
            using var content = new ByteArrayContent(Encoding.ASCII.GetBytes("query=" + new string('x', 5 << 20)));
            content.Headers.TryAddWithoutValidation("Content-Type", "application/x-www-form-urlencoded");
            using var answer = await api.Client.PostAsync("/loki/api/v1/" + path, content);
            Assert.Equal((path, 400, "error parsing form values: the body is 5242886 bytes, at most 4194304 are read\n"), (path, (int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }
    }
}
