using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Limits by tenant, changed while the server runs.</summary>
public sealed class OverridesTests
{
    private const string Config = "multitenancy_enabled: true\nlimits: {max_global_series_per_user: 1}";

    [Fact]
    public async Task Overrides_are_read_again_while_the_server_runs_and_the_last_good_ones_stay()
    {
        await using var api = await TenantApi.StartAsync(Config, "overrides: {shop: {max_global_series_per_user: 2}}");
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, "a", "b")).Status);
        Assert.Equal(400, (await api.PushAsync("shop", api.Now, "c")).Status);
        Assert.Equal(1, await api.MetricAsync("cortex_runtime_config_last_reload_successful"));

        await File.WriteAllTextAsync(api.RuntimeFile, "overrides: {shop: {max_global_series_per_user: 3}}");
        await PassAsync(api, async () => (await api.GetAsync("/runtime_config?mode=diff")).Contains(": 3", StringComparison.Ordinal));
        Assert.Equal("overrides:\n  shop:\n    max_global_series_per_user: 3", await api.GetAsync("/runtime_config?mode=diff"));
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, "c")).Status);

        await File.WriteAllTextAsync(api.RuntimeFile, "overrides: {shop: {max_global_serie_per_user: 4}}");
        await PassAsync(api, async () => await api.MetricAsync("cortex_runtime_config_last_reload_successful") == 0);
        Assert.Equal(400, (await api.PushAsync("shop", api.Now, "d")).Status);
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("overrides: {shop: {max_global_series_per_user: 3}}"u8));
        Assert.Equal(1, await api.MetricAsync($"cortex_runtime_config_hash{{sha256=\"{hash}\"}}"));
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, "/-/reload");
        Assert.Equal(500, status);
        Assert.Contains("runtime.yml:1:20: field max_global_serie_per_user not found in the limits; did you mean \"max_global_series_per_user\"?", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_takes_limits_and_overrides_of_the_configuration_too()
    {
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(400, (await api.PushAsync("shop", api.Now, "a", "b")).Status);
        await File.WriteAllTextAsync(api.ConfigFile, "multitenancy_enabled: true\noverrides: {shop: {max_global_series_per_user: 2}}");
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/-/reload")).Status);
        Assert.Equal(204, (await api.PushAsync("shop", api.Now, "b")).Status);
        Assert.Equal("multitenancy_enabled: true\noverrides:\n  shop:\n    max_global_series_per_user: 2", await api.GetAsync("/config?mode=diff"));
        Assert.Contains("max_label_value_length: 2048", await api.GetAsync("/config"), StringComparison.Ordinal);
        // The rulers' own path starts alike, and needs its tenant.
        Assert.Equal("no org id", await api.GetAsync("/config/v1/rules", status: 401));
        Assert.Equal("mode \"other\" is not known; modes are diff, defaults", await api.GetAsync("/config?mode=other", status: 400));
    }

    [Fact]
    public async Task A_tenant_reads_its_own_limits_and_use()
    {
        await using var api = await TenantApi.StartAsync(Config + "\noverrides: {shop: {ingestion_rate: 100, ingestion_burst_size: 6000}}");
        foreach (string prefix in (string[])["", "/prometheus"])
        {
            Assert.Equal(
                "{\"request_rate\":0,\"request_burst_size\":0,\"ingestion_rate\":100,\"ingestion_burst_size\":6000,\"max_global_series_per_user\":1,"
                + "\"max_global_series_per_metric\":0,\"max_global_exemplars_per_user\":100000,\"max_fetched_chunks_per_query\":2000000,\"max_fetched_series_per_query\":0,"
                + "\"max_fetched_chunk_bytes_per_query\":0,\"ruler_max_rules_per_rule_group\":20,\"ruler_max_rule_groups_per_tenant\":70}",
                await api.GetAsync(prefix + "/api/v1/user_limits", "shop"));
        }
        using var batch = new MetricBatch();
        int series = batch.AddSeries(TenantApi.LabelsOf("a"));
        for (int i = 0; i < 60; i++) batch.AddSample(series, api.Now + i, i);
        Assert.Equal(204, (await api.PushAsync("shop", batch)).Status);
        const string Stats = "\"ingestionRate\":1,\"numSeries\":1,\"APIIngestionRate\":1,\"RuleIngestionRate\":0}";
        Assert.Equal("{" + Stats, await api.GetAsync("/api/v1/user_stats", "shop"));
        Assert.Equal("[{\"userID\":\"shop\"," + Stats + "]", await api.GetAsync("/distributor/all_user_stats"));
        api.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("{\"ingestionRate\":0,\"numSeries\":1,\"APIIngestionRate\":0,\"RuleIngestionRate\":0}", await api.GetAsync("/api/v1/user_stats", "shop"));
    }

    [Fact]
    public void Every_limit_is_read_written_back_and_described_or_known_with_a_reason()
    {
        foreach (var setting in LimitSettings.All)
        {
            string value = setting.ValueText(TenantLimits.Default);
            var config = ServerConfig.Load($"limits: {{{setting.Name}: {(value.Length == 0 ? "\"\"" : value)}}}", "pharos.yml");
            Assert.Equal(value, setting.ValueText(config.Limits));
        }
        var known = ServerConfig.Load("limits: {max_query_parallelism: 14}", "pharos.yml");
        Assert.Equal("pharos.yml:1:10: max_query_parallelism has no effect: queries are not split or sharded over other processes", Assert.Single(known.Warnings).ToString());
        var refused = Assert.Throws<ConfigurationException>(() => ServerConfig.Load("limits: {align_queries_with_step: true}", "pharos.yml"));
        Assert.Equal("pharos.yml:1:10: align_queries_with_step cannot be set; queries run at the times asked for", Assert.Single(refused.Diagnostics).ToString());
        Assert.Empty(LimitSettings.ByName.Keys.Intersect(OtherLimits.WithoutMeaning.Keys.Concat(OtherLimits.Refused.Keys)));
    }

    [Fact]
    public void Sizes_of_logs_are_read_as_Loki_writes_them()
    {
        var limits = ServerConfig.Load("limits: {max_line_size: 256KB, max_structured_metadata_size: 64kb, per_stream_rate_limit: 3145728, per_stream_rate_limit_burst: 15MiB, max_query_bytes_read: 1GB}", "pharos.yml").Limits;
        Assert.Equal(
            (262_144, 65_536, 3_145_728L, 15_728_640L, 1_073_741_824L),
            (limits.LogLineBytesMax, limits.LogMetadataBytesMax, limits.Logs.StreamBytesPerSecond, limits.Logs.StreamBurstBytes, limits.Logs.QueryBytesMax));
        foreach (var (wrong, why) in new[] { ("-1", "\"-1\" is not a size: write bytes, or a whole number with a unit, for example 256KB"), ("1.5MB", "\"1.5MB\" is not a size: write bytes, or a whole number with a unit, for example 256KB"), ("9GB", "\"9GB\" is over 2147483647 bytes") })
            Assert.Equal("pharos.yml:1:25: " + why, Assert.Single(Assert.Throws<ConfigurationException>(() => ServerConfig.Load($"limits: {{max_line_size: {wrong}}}", "pharos.yml")).Diagnostics).ToString());
    }

    [Fact]
    public void A_read_of_several_tenants_is_held_to_the_strictest_limits_of_logs()
    {
        var own = new TenantLimits { LogQueryEntriesMax = 0, LogQueryLengthMax = TimeSpan.FromHours(5), LogQuerySeriesMax = 7, Logs = new LogLimits { QueryBytesMax = 10, RequiredLabels = ["app"], LabelsMin = 1, PerRequestLimits = true, VolumeSeriesMax = 0 } };
        var other = new TenantLimits { LogQueryEntriesMax = 9, LogQueryLengthMax = TimeSpan.FromHours(2), LogQuerySeriesMax = 0, Logs = new LogLimits { QueryBytesMax = 20, RequiredLabels = ["pod"], RangeMax = TimeSpan.FromHours(1), OutstandingMax = 3, Volumes = false, VolumeSeriesMax = 4 } };
        foreach (var both in new[] { StrictestLimits.Of([own, other]), StrictestLimits.Of([other, own]) })
        {
            Assert.Equal((9, TimeSpan.FromHours(2), 7), (both.LogQueryEntriesMax, both.LogQueryLengthMax, both.LogQuerySeriesMax));
            var logs = both.Logs;
            Assert.Equal((10L, TimeSpan.FromHours(1), 1, 3, 4), (logs.QueryBytesMax, logs.RangeMax, logs.LabelsMin, logs.OutstandingMax, logs.VolumeSeriesMax));
            Assert.Equal(["app", "pod"], logs.RequiredLabels.Order(StringComparer.Ordinal));
            Assert.False(logs.Volumes || logs.PerRequestLimits);
        }
    }

    [Fact]
    public void The_documentation_lists_every_limit_with_its_default()
    {
        string page = File.ReadAllText(Path.Combine(Places.Repository, "docs", "server.md"));
        foreach (var setting in LimitSettings.All)
        {
            string value = setting.ValueText(TenantLimits.Default);
            Assert.Contains($"| {setting.Name} | {(value.Length == 0 ? "\"\"" : value)} | {setting.Meaning} |", page, StringComparison.Ordinal);
        }
        foreach (var (name, why) in OtherLimits.WithoutMeaning.Concat(OtherLimits.Refused)) Assert.Contains($"| {name} | {why} |", page, StringComparison.Ordinal);
    }

    /// <summary>Lets the reload period pass, and yields until the reload has happened.</summary>
    private static async Task PassAsync(TenantApi api, Func<Task<bool>> happened)
    {
        api.Time.Advance(TimeSpan.FromSeconds(10));
        while (!await happened()) await Task.Yield();
    }
}
