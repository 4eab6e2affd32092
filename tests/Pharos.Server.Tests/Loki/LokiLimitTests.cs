using System.Text.Json;
using Pharos.Core;

namespace Pharos.Server.Tests.Loki;

public sealed class LokiLimitTests
{
    private const long Now = LokiApi.NowNs;

    [Fact]
    public async Task A_flooding_stream_is_limited_and_named_and_the_others_are_not()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { StreamBytesPerSecond = 1024, StreamBurstBytes = 2048 } });
        Assert.Equal(204, (await api.PushAsync(Push("loud", 2048))).Status);
        var (status, text) = await api.PushAsync($$"""{"streams":[{{Stream("loud", 100)}},{{Stream("calm", 100)}}]}""");
        Assert.Equal(429, status);
        Assert.Equal("Per stream rate limit exceeded (limit: 1KB/sec) while attempting to ingest for stream '{app=\"loud\"}' totaling 100B, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased\n", text);
        Assert.Equal((1, 100), (api.Counted("loki_discarded_samples_total", "per_stream_rate_limit", "anonymous"), api.Counted("loki_discarded_bytes_total", "per_stream_rate_limit", "anonymous")));
        Assert.Equal("""{"status":"success","data":["calm","loud"]}""", await api.GetAsync("/loki/api/v1/label/app/values"));
        api.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await api.PushAsync(Push("loud", 1000))).Status);
    }

    [Fact]
    public async Task A_flooding_tenant_is_limited_and_the_others_do_not_wait()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogBytesPerSecond = 1000, LogBurstBytes = 1000 }, tenants: true);
        Assert.Equal(204, (await api.ForTenant("flood").PushAsync(Push("a", 900))).Status);
        for (int i = 0; i < 50; i++)
        {
            var (status, text) = await api.ForTenant("flood").PushAsync(Push("a", 900));
            Assert.Equal((429, "ingestion rate limit exceeded for user flood (limit: 1000 bytes/sec) while attempting to ingest '1' lines totaling '900' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n"), (status, text));
            // The clock stands still: had the other tenant to wait for anything, this would never end.
            Assert.Equal(204, (await api.ForTenant($"calm-{i}").PushAsync(Push("a", 900))).Status);
        }
        Assert.Equal(50, api.Counted("loki_discarded_samples_total", "rate_limited", "flood"));
    }

    [Fact]
    public async Task Pushes_are_held_to_what_the_tenant_may_send()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits
        {
            LogLineBytesMax = 10,
            Logs = new LogLimits { StructuredMetadata = false, TruncateLines = true, TruncateIdentifier = "…", EnforcedLabels = ["app", "team"], IncrementDuplicateTimestamp = true },
        });
        var (status, text) = await api.PushAsync(
            $$$"""
            {"streams":[
              {"stream":{"app":"a"},"values":[["{{{Now}}}","x"]]},
              {"stream":{"app":"b","team":"t"},"values":[["{{{Now}}}","with",{"k":"v"}],["{{{Now}}}","one"],["{{{Now}}}","two"],["{{{Now}}}","0123456789"],["{{{Now}}}","012345ä789"]]}
            ]}
            """);
        Assert.Equal(400, status);
        Assert.Equal(
            """
            missing required labels team for user anonymous for stream {app="a"}
            stream '{app="b", team="t"}' includes structured metadata, but this feature is disallowed. Please see `limits_config.allow_structured_metadata` or contact your Loki administrator to enable it.

            """, text);
        using var answer = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{team=\"t\"}}|drop+detected_level&direction=forward&start={Now}&end={Now + 100}"));
        Assert.Equal(
            $"""[["{Now}","one"],["{Now + 1}","two"],["{Now + 2}","0123456789"],["{Now + 3}","012345…"]]""",
            answer.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("values").GetRawText());
        Assert.Equal((1, 1), (api.Counted("loki_discarded_samples_total", "missing_enforced_labels", "anonymous"), api.Counted("loki_mutated_samples_total", "line_too_long", "anonymous")));
    }

    [Theory, InlineData(260), InlineData(200)]
    public async Task A_blocked_tenant_stores_nothing(int code)
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { BlockedUntil = UnixTime.FromNs(Now).AddHours(1), BlockedStatus = code } });
        var (status, text) = await api.PushAsync(Push("a", 10));
        Assert.Equal((code, code == 200 ? "" : "ingestion blocked for user anonymous until '2026-01-01T01:00:00Z' with status code '260'\n"), (status, text));
        Assert.Equal(1, api.Counted("loki_discarded_samples_total", "blocked_ingestion", "anonymous"));
        Assert.Equal("""{"status":"success"}""", await api.GetAsync("/loki/api/v1/labels"));
        api.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(204, (await api.PushAsync(Push("a", 10))).Status);
    }

    [Fact]
    public async Task What_is_left_out_by_the_decoder_counts_as_discarded()
    {
        await using var api = await LokiApi.StartAsync();
        var (status, text) = await api.PushAsync($$"""{"streams":[{"stream":{},"values":[["{{Now}}","x"],["{{Now}}","y"]]}]}""");
        Assert.Equal((400, "error at least one label pair is required per stream\n"), (status, text));
        Assert.Equal(2, api.Counted("loki_discarded_samples_total", "missing_labels", "anonymous"));
        (status, _) = await api.PushAsync($$"""{"streams":[{"stream":{"a":"1","a":"2"},"values":[["{{Now}}","x"],["{{Now}}","y"]]}]}""");
        Assert.Equal((400, 2.0), (status, api.Counted("loki_discarded_samples_total", "duplicate_label_names", "anonymous")));
    }

    [Fact]
    public async Task Limits_of_answers_hold()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { VolumeSeriesMax = 1 } });
        await api.FillAsync();
        using var volume = JsonDocument.Parse(await api.GetAsync("/loki/api/v1/index/volume?query={app=\"shop\"}&targetLabels=pod&end=" + (Now + 1)));
        Assert.Single(volume.RootElement.GetProperty("data").GetProperty("result").EnumerateArray());
        Assert.Contains("volume_max_series: 1\n", await api.GetAsync("/config/tenant/v1/limits"));
    }

    [Fact]
    public async Task Lines_ahead_of_the_clock_are_limited_by_tenant()
    {
        string push = $$"""{"streams":[{"stream":{"app":"a"},"values":[["{{Now + 1_800_000_000_000}}","x"]]}]}""";
        await using (var api = await LokiApi.StartAsync())
            Assert.Equal((400, "entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too new: 2026-01-01T00:30:00Z\n"), await api.PushAsync(push));
        await using (var api = await LokiApi.StartAsync(new TenantLimits { CreationGracePeriod = TimeSpan.FromHours(1) }))
            Assert.Equal((204, ""), await api.PushAsync(push));
    }

    /// <summary>Loki's table of limits: what is left out is named with its stream and counted by its reason, and the good line beside it is stored.</summary>
    [Theory]
    [InlineData("line_too_long", 400, """{"app":"bad"}""", "more than ten bytes", "", "max entry size '10' bytes exceeded for stream '{app=\"bad\", service_name=\"bad\"}' while adding an entry with length '19' bytes")]
    [InlineData("max_label_names_per_series", 400, """{"app":"bad","b":"1","c":"2","d":"3"}""", "x", "", "entry for stream '{app=\"bad\", b=\"1\", c=\"2\", d=\"3\"}' has 4 label names; limit 3")]
    [InlineData("label_name_too_long", 400, """{"app":"bad","longer_name":"1"}""", "x", "", "stream '{app=\"bad\", longer_name=\"1\"}' has label name too long: 'longer_name'")]
    [InlineData("label_value_too_long", 400, """{"app":"bad","b":"a longer value"}""", "x", "", "stream '{app=\"bad\", b=\"a longer value\"}' has label value too long: 'a longer value'")]
    [InlineData("duplicate_label_names", 400, """{"app":"bad","app":"worse"}""", "x", "", "stream '{app=\"worse\"}' has duplicate label name: 'app'")]
    [InlineData("structured_metadata_too_large", 400, """{"app":"bad"}""", "x", """,{"a":"a value of more than thirty bytes"}""", "stream '{app=\"bad\", service_name=\"bad\"}' has structured metadata too large: '36' bytes, limit: '30' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it.")]
    [InlineData("structured_metadata_too_many", 400, """{"app":"bad"}""", "x", """,{"a":"1","b":"2","c":"3"}""", "stream '{app=\"bad\", service_name=\"bad\"}' has too many structured metadata labels, limit: '2'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it.")]
    [InlineData("stream_limit", 429, """{"app":"bad"}""", "x", "", "maximum active stream limit exceeded when trying to create stream {app=\"bad\"}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: 'anonymous'")]
    public async Task What_a_limit_leaves_out_is_named_and_counted_and_the_rest_is_stored(string reason, int code, string labels, string line, string metadata, string text)
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits
        {
            LogLineBytesMax = 10, LogLabelNamesMax = 3, LabelNameBytesMax = 10, LabelValueBytesMax = 10, LogMetadataBytesMax = 30, LogMetadataEntriesMax = 2, StreamsMax = reason == "stream_limit" ? 1 : 0,
        });
        var answer = await api.PushAsync($$"""{"streams":[{"stream":{"app":"good"},"values":[["{{Now}}","x"]]},{"stream":{{labels}},"values":[["{{Now}}","{{line}}"{{metadata}}]]}]}""");
        Assert.Equal((code, text + "\n"), answer);
        Assert.Equal(1, api.Counted("loki_discarded_samples_total", reason, "anonymous"));
        Assert.Equal("""{"status":"success","data":["good"]}""", await api.GetAsync("/loki/api/v1/label/app/values"));
    }

    [Fact]
    public async Task Old_lines_and_levels_are_the_tenants_choice()
    {
        string push = $$"""{"streams":[{"stream":{"app":"a"},"values":[["{{Now - (30 * 86_400_000_000_000)}}","level=error"]]}]}""";
        await using (var api = await LokiApi.StartAsync())
        {
            Assert.Equal((400, "entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too old: 2025-12-02T00:00:00Z, oldest acceptable timestamp is: 2025-12-25T00:00:00Z\n"), await api.PushAsync(push));
            Assert.Equal(1, api.Counted("loki_discarded_samples_total", "greater_than_max_sample_age", "anonymous"));
            Assert.Contains("\"discover_log_levels\":true", await api.GetAsync("/loki/api/v1/drilldown-limits"));
        }
        await using (var api = await LokiApi.StartAsync(new TenantLimits { Logs = new LogLimits { RejectOld = false, DetectLevels = false } }))
        {
            Assert.Equal((204, ""), await api.PushAsync(push));
            Assert.Contains("""[{"stream":{"app":"a","service_name":"a"},"values":""", await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"a\"}}&start={Now - (30 * 86_400_000_000_000)}&end={Now}"));
            Assert.Contains("\"discover_log_levels\":false", await api.GetAsync("/loki/api/v1/drilldown-limits"));
        }
    }

    [Theory]
    [InlineData("""{"a-b":"x"}""", "error parsing labels: {\"a-b\"=\"x\"}: \"a-b\" is no label name; use letters, digits and _, and no digit first\n", "invalid_labels")]
    [InlineData("""{"1a":"x"}""", "error parsing labels: {\"1a\"=\"x\"}: \"1a\" is no label name; use letters, digits and _, and no digit first\n", "invalid_labels")]
    [InlineData("""{"":"x"}""", "error parsing labels: {}: \"\" is no label name; use letters, digits and _, and no digit first\n", "invalid_labels")]
    [InlineData("""{"a\n":"x"}""", "error parsing labels: {\"a\\n\"=\"x\"}: \"a\\n\" is no label name; use letters, digits and _, and no digit first\n", "invalid_labels")]
    [InlineData("""{"__backfill__":"x"}""", "stream '{__backfill__=\"x\"}' has the label '__backfill__', which is reserved\n", "invalid_labels")]
    public async Task Labels_that_no_query_could_name_are_refused_and_the_other_streams_are_kept(string labels, string text, string reason)
    {
        await using var api = await LokiApi.StartAsync();
        foreach (string extra in (string[])["", ",\"more\":1"])
        {
            var (status, said) = await api.PushAsync($$"""{"streams":[{"stream":{{labels}},"values":[["{{Now}}","x"],["{{Now}}","y"]]},{"stream":{"app":"good"},"values":[["{{Now}}","x"]]}]{{extra}}}""");
            Assert.Equal((400, text), (status, said));
        }
        Assert.Equal(4, api.Counted("loki_discarded_samples_total", reason, "anonymous"));
        Assert.Equal("""{"status":"success","data":["app","service_name"]}""", await api.GetAsync("/loki/api/v1/labels"));
    }

    [Fact]
    public async Task Bodies_of_another_form_are_told_apart()
    {
        await using var api = await LokiApi.StartAsync();
        var (status, text) = await api.PushAsync("""{"streams":[{"labels":"{app=\"a\"}","entries":[{"ts":"2026-01-01T00:00:00Z","line":"x"}]}]}""");
        Assert.Equal((400, "couldn't parse push request: expected \"stream\" and \"values\" (\"labels\" and \"entries\" are the form of /api/prom/push) at byte 36\n"), (status, text));
        (status, text) = await api.PushAsync(" {\"streams\":[]}"u8.ToArray(), "text/plain", null);
        Assert.Equal(400, status);
        Assert.EndsWith("; the body looks like JSON, which needs Content-Type: application/json\n", text);
    }

    private static string Push(string app, int bytes) => $$"""{"streams":[{{Stream(app, bytes)}}]}""";

    private static string Stream(string app, int bytes) => $$"""{"stream":{"app":"{{app}}"},"values":[["{{Now}}","{{new string('x', bytes)}}"]]}""";
}
