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

    private static string Push(string app, int bytes) => $$"""{"streams":[{{Stream(app, bytes)}}]}""";

    private static string Stream(string app, int bytes) => $$"""{"stream":{"app":"{{app}}"},"values":[["{{Now}}","{{new string('x', bytes)}}"]]}""";
}
