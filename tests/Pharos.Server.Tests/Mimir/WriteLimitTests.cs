using System.Globalization;
using Pharos.Core;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Each limit of what is pushed: code, identifier, hint, count, and that good samples beside bad ones are kept.</summary>
public sealed class WriteLimitTests
{
    [Fact]
    public async Task A_series_over_a_limit_is_refused_and_the_others_are_kept()
    {
        (string Limits, string Series, string Code, string Setting, string Reason)[] cases =
        [
            ("max_global_series_per_user: 1", "b", "max-series-per-user", "max_global_series_per_user", "per_user_series_limit"),
            ("max_global_series_per_metric: 1", "a{x=\"2\"}", "max-series-per-metric", "max_global_series_per_metric", "per_metric_series_limit"),
            ("max_active_series_per_user: 1", "b", "max-active-series", "max_active_series_per_user", "per_user_active_series_limit"),
            ("max_label_names_per_series: 2", "a{x=\"1\", y=\"1\"}", "max-label-names-per-series", "max_label_names_per_series", "max_label_names_per_series"),
            ("max_label_names_per_series: 1, max_label_names_per_info_series: 2", "a_info{x=\"1\", y=\"1\"}", "max-label-names-per-info-series", "max_label_names_per_info_series", "max_label_names_per_info_series"),
            ("max_label_name_length: 8", "a{long_name=\"1\"}", "label-name-too-long", "max_label_name_length", "label_name_too_long"),
            ("max_label_value_length: 3", "a{x=\"1234\"}", "label-value-too-long", "max_label_value_length", "label_value_too_long"),
            ("name_validation_scheme: legacy", "{\"a.b\"}", "metric-name-invalid", "name_validation_scheme", "metric_name_invalid"),
            ("name_validation_scheme: legacy", "a{\"b.c\"=\"1\"}", "label-invalid", "name_validation_scheme", "label_invalid"),
        ];
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\noverrides:\n" + string.Join('\n', cases.Select((c, i) => $"  t{i}: {{{c.Limits}}}")));
        for (int i = 0; i < cases.Length; i++)
        {
            var (_, series, code, setting, reason) = cases[i];
            string tenant = $"t{i}";
            var (status, text, _) = await api.PushAsync(tenant, api.Now, "a", series);
            Assert.Equal(400, status);
            Assert.Contains($"(err-mimir-{code})", text, StringComparison.Ordinal);
            Assert.Contains($"set {setting}", text, StringComparison.Ordinal);
            Assert.Equal(["{__name__=\"a\"}"], await api.SeriesAsync("{__name__=~\".+\"}", tenant));
            Assert.Equal(1, await api.MetricAsync($"cortex_discarded_samples_total{{reason=\"{reason}\",user=\"{tenant}\"}}"));
        }
    }

    [Theory]
    [InlineData("creation_grace_period: 1m", 61_000, "too-far-in-future", "creation_grace_period", "too_far_in_future")]
    [InlineData("past_grace_period: 1m", -61_000, "too-far-in-past", "past_grace_period", "too_far_in_past")]
    public async Task A_sample_too_far_from_now_is_refused(string limit, long offsetMs, string code, string setting, string reason)
    {
        await using var api = await TenantApi.StartAsync($"limits:\n  {limit}");
        Assert.Equal(204, (await api.PushAsync(null, api.Now + (offsetMs / 61 * 60), "a")).Status);
        var (status, text, _) = await api.PushAsync(null, api.Now + offsetMs, "b");
        Assert.Equal(400, status);
        Assert.Contains($"(err-mimir-{code})", text, StringComparison.Ordinal);
        Assert.Contains($"raise {setting}", text, StringComparison.Ordinal);
        Assert.Equal(1, await api.MetricAsync($"cortex_discarded_samples_total{{reason=\"{reason}\",user=\"anonymous\"}}"));
    }

    [Fact]
    public async Task Custom_trackers_count_active_series_by_tenant_and_change_without_a_restart()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            limits:
              active_series_custom_trackers: {dev: '{ns=~"dev-.*"}', none: '{ns="none"}'}
            """, "overrides: {b: {active_series_additional_custom_trackers: {all: 'up', dev: '{ns=\"dev-2\"}'}}}");
        await api.PushAsync("a", api.Now, "up{ns=\"dev-1\"}", "up{ns=\"dev-2\"}", "up{ns=\"prod\"}");
        await api.PushAsync("b", api.Now, "up{ns=\"dev-1\"}", "up{ns=\"dev-2\"}");
        api.Time.Advance(TimeSpan.FromMinutes(1));
        while (await Shown("b", "dev") == 0) await Task.Yield();
        Assert.Equal((2, 1, 2, 0), (await Shown("a", "dev"), await Shown("b", "dev"), await Shown("b", "all"), await Shown("a", "none")));
        Assert.DoesNotContain("name=\"none\"", await api.GetAsync("/metrics"), StringComparison.Ordinal);
        // Idle series leave the count.
        api.Time.Advance(TimeSpan.FromMinutes(25));
        while (await Shown("b", "all") != 0) await Task.Yield();
        Assert.DoesNotContain("cortex_ingester_active_series_custom_tracker{", await api.GetAsync("/metrics"), StringComparison.Ordinal);

        Task<double> Shown(string user, string name) => api.MetricAsync($"cortex_ingester_active_series_custom_tracker{{name=\"{name}\",user=\"{user}\"}}");
    }

    [Fact]
    public async Task Requests_and_samples_over_their_rate_are_answered_429_until_time_has_passed()
    {
        await using var api = await TenantApi.StartAsync("limits: {request_rate: 1, request_burst_size: 2, ingestion_rate: 1, ingestion_burst_size: 3}");
        Assert.Equal(204, (await api.PushAsync(null, api.Now, "a", "b")).Status);
        var (status, text, headers) = await api.PushAsync(null, api.Now, "c", "d");
        Assert.Equal(429, status);
        Assert.Equal(
            "the request has been rejected because the tenant exceeded the ingestion rate limit, set to 1 items/s with a maximum allowed burst of 3; "
            + "the request had 2 (err-mimir-tenant-max-ingestion-rate). To adjust the limits, set ingestion_rate and ingestion_burst_size (2 samples)", text);
        Assert.Equal(TimeSpan.FromSeconds(1), headers.RetryAfter?.Delta);
        (status, text, headers) = await api.PushAsync(null, api.Now, "c");
        Assert.Equal(429, status);
        Assert.Equal(
            "the request has been rejected because the tenant exceeded the request rate limit, set to 1 requests/s with a maximum allowed burst of 2 "
            + "(err-mimir-tenant-max-request-rate). To adjust the related limits, set request_rate and request_burst_size", text);
        Assert.NotNull(headers.RetryAfter);
        Assert.Equal(1, await api.MetricAsync("cortex_discarded_requests_total{reason=\"rate_limited\",user=\"anonymous\"}"));
        Assert.Equal(2, await api.MetricAsync("cortex_discarded_samples_total{reason=\"rate_limited\",user=\"anonymous\"}"));
        api.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(204, (await api.PushAsync(null, api.Now, "c", "d")).Status);
    }

    [Fact]
    public async Task A_flood_over_the_rate_is_answered_as_one_request_is_and_costs_no_decoding()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            overrides:
              flood: {ingestion_rate: 1, ingestion_burst_size: 3}
              requests: {ingestion_rate: 1, ingestion_burst_size: 3, request_rate: 100}
            """);
        foreach (string tenant in (string[])["flood", "requests"])
        {
            for (int i = 0; i < 4; i++)
            {
                var (status, text, headers) = await api.PushAsync(tenant, api.Now, "a", "b", "c", "d");
                Assert.Equal(429, status);
                Assert.Equal(
                    "the request has been rejected because the tenant exceeded the ingestion rate limit, set to 1 items/s with a maximum allowed burst of 3; "
                    + "the request had 4 (err-mimir-tenant-max-ingestion-rate). To adjust the limits, set ingestion_rate and ingestion_burst_size (4 samples)", text);
                Assert.Equal(TimeSpan.FromSeconds(1), headers.RetryAfter?.Delta);
            }
            Assert.Equal(16, await api.MetricAsync($"cortex_discarded_samples_total{{reason=\"rate_limited\",user=\"{tenant}\"}}"));
            Assert.Equal(16, await api.MetricAsync($"cortex_distributor_received_samples_total{{user=\"{tenant}\"}}"));
            Assert.Contains("\"ingestionRate\":0.2666", await api.GetAsync("/api/v1/user_stats", tenant), StringComparison.Ordinal);
        }
        // A tenant whose requests are counted before its samples keeps that order.
        string metrics = await api.GetAsync("/metrics");
        Assert.Contains("pharos_distributor_refused_undecoded_requests_total{user=\"flood\"} 3\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("pharos_distributor_refused_undecoded_requests_total{user=\"requests\"}", metrics, StringComparison.Ordinal);
        // A refusal took nothing from the rate, and what is wrong with a request is still said.
        Assert.Equal(204, (await api.PushAsync("flood", api.Now, "a", "b", "c")).Status);
        Assert.Equal(429, (await api.PushAsync("flood", api.Now, "a")).Status);
        var (bad, why, _) = await api.PushAsync("flood", api.Now, "{x=\"nameless\"}");
        Assert.Equal(400, bad);
        Assert.StartsWith("received a series without a metric name", why, StringComparison.Ordinal);
        api.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await api.PushAsync("flood", api.Now, "d")).Status);
        Assert.Equal(["{__name__=\"a\"}", "{__name__=\"b\"}", "{__name__=\"c\"}", "{__name__=\"d\"}"], await api.SeriesAsync("{__name__=~\".+\"}", "flood"));
    }

    [Fact]
    public async Task Long_label_values_are_cut_or_replaced_by_a_hash_where_the_tenant_wants_that()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            limits: {max_label_value_length: 80}
            overrides:
              cut: {label_value_length_over_limit_strategy: truncate}
              hashed: {label_value_length_over_limit_strategy: drop}
            """);
        string value = new('x', 100);
        Assert.Equal(204, (await api.PushAsync("cut", api.Now, $"a{{v=\"{value}\"}}")).Status);
        Assert.Equal(204, (await api.PushAsync("hashed", api.Now, $"a{{v=\"{value}\"}}")).Status);
        string expected = "(hash:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(value))) + ")";
        Assert.Equal([$"{{__name__=\"a\", v=\"xxxxxxxxx{expected}\"}}"], await api.SeriesAsync("a", "cut"));
        Assert.Equal([$"{{__name__=\"a\", v=\"{expected}\"}}"], await api.SeriesAsync("a", "hashed"));
    }

    [Fact]
    public async Task Histograms_over_the_bucket_limit_lose_resolution_or_are_refused()
    {
        await using var api = await TenantApi.StartAsync("""
            multitenancy_enabled: true
            limits: {max_native_histogram_buckets: 4}
            overrides:
              strict: {reduce_native_histogram_over_max_buckets: false}
              none: {native_histograms_ingestion_enabled: false}
            """);
        using var batch = new MetricBatch();
        batch.AddHistogram(batch.AddSeries(TenantApi.LabelsOf("h")), api.Now, new Histogram
        {
            Schema = 3, Count = 8, Sum = 1, PositiveSpans = [new BucketSpan(1, 8)], PositiveBuckets = [1, 1, 1, 1, 1, 1, 1, 1],
        });
        Assert.Equal(204, (await api.PushAsync("wide", batch)).Status);
        var answer = await api.DataAsync($"/api/v1/query?query=h&time={(api.Now / 1000).ToString(CultureInfo.InvariantCulture)}", "wide");
        Assert.Equal(4, answer.GetProperty("result")[0].GetProperty("histogram")[1].GetProperty("buckets").GetArrayLength());
        var (status, text, _) = await api.PushAsync("strict", batch);
        Assert.Equal(400, status);
        Assert.Equal(
            $"received a native histogram sample with too many buckets, timestamp: {api.Now} series: {{__name__=\"h\"}}, buckets: 8, limit: 4 "
            + "(err-mimir-max-native-histogram-buckets). To adjust the limit, set max_native_histogram_buckets", text);
        Assert.Equal(204, (await api.PushAsync("none", batch)).Status);
        Assert.Empty(await api.SeriesAsync("h", "none"));
    }

    [Fact]
    public async Task Metadata_and_exemplars_have_limits_of_their_own()
    {
        await using var api = await TenantApi.StartAsync("""
            limits:
              max_global_metadata_per_user: 1
              max_metadata_length: 10
              max_global_exemplars_per_user: 1
            """);
        using var batch = new MetricBatch();
        batch.Metadata.Add(new MetricMetadata("good", MetricType.Counter, "a help that is long", ""));
        batch.Metadata.Add(new MetricMetadata("second", MetricType.Counter, "", ""));
        batch.Metadata.Add(new MetricMetadata("a_name_too_long", MetricType.Counter, "", ""));
        int series = batch.AddSeries(TenantApi.LabelsOf("a"));
        batch.AddSample(series, api.Now, 1);
        batch.Exemplars.Add(new BatchExemplar(series, api.Now - 1, 1, Labels.Of(("trace", "old"))));
        batch.Exemplars.Add(new BatchExemplar(series, api.Now, 2, Labels.Of(("trace", "new"))));
        var (status, text, _) = await api.PushAsync(null, batch);
        Assert.Equal(400, status);
        Assert.Contains("(err-mimir-max-metadata-per-user). The metadata of second was not taken; to adjust the limit, set max_global_metadata_per_user", text, StringComparison.Ordinal);
        Assert.Contains("(err-mimir-metric-name-too-long). To adjust the limit, set max_metadata_length", text, StringComparison.Ordinal);
        Assert.Equal("{\"status\":\"success\",\"data\":{\"good\":[{\"type\":\"counter\",\"help\":\"a help tha\",\"unit\":\"\"}]}}", await api.GetAsync("/api/v1/metadata"));
        string exemplars = await api.GetAsync($"/api/v1/query_exemplars?query=a&start={(api.Now / 1000) - 60}&end={(api.Now / 1000) + 60}");
        Assert.Contains("\"trace\":\"new\"", exemplars, StringComparison.Ordinal);
        Assert.DoesNotContain("old", exemplars, StringComparison.Ordinal);
        Assert.Equal(1, await api.MetricAsync("cortex_discarded_metadata_total{reason=\"per_user_metadata_limit\",user=\"anonymous\"}"));
    }

    [Fact]
    public async Task A_soft_budget_keeps_known_series_and_names_the_label_that_grew()
    {
        await using var api = await TenantApi.StartAsync("limits: {series_budget_per_job: 3, churn_budget: 5, budget_window: 1h}");
        string[] known = ["a{job=\"api\", path=\"1\"}", "a{job=\"api\", path=\"2\"}", "a{job=\"api\", path=\"3\"}"];
        Assert.Equal(204, (await api.PushAsync(null, api.Now, known)).Status);
        var (status, text, _) = await api.PushAsync(null, api.Now + 1, [.. known, "a{job=\"api\", path=\"4\"}"]);
        Assert.Equal(400, status);
        Assert.Equal(
            "the series budget of job \"api\", 3, is used up (err-pharos-series-budget): the label \"path\" grew most, by 3 new values within 1h. "
            + "Known series go on; the new series a{job=\"api\", path=\"4\"} was not taken; to adjust the budget, set series_budget_per_job", text);
        Assert.Equal(1, await api.MetricAsync("cortex_discarded_samples_total{reason=\"series_budget\",user=\"anonymous\"}"));
        Assert.Equal(204, (await api.PushAsync(null, api.Now, "b{pod=\"1\"}", "b{pod=\"2\"}")).Status);
        (status, text, _) = await api.PushAsync(null, api.Now, "b{pod=\"3\"}");
        Assert.Equal(400, status);
        Assert.StartsWith("the budget of new series within 1h of the tenant, 5, is used up (err-pharos-churn-budget): the label \"path\" grew most, by 3 new values within 1h.", text, StringComparison.Ordinal);
        api.Time.Advance(TimeSpan.FromHours(1.1));
        Assert.Equal(204, (await api.PushAsync(null, api.Now, "b{pod=\"3\"}")).Status);
    }

    [Fact]
    public async Task A_tenant_at_its_limits_costs_the_others_nothing()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\noverrides: {loud: {max_global_series_per_user: 1}}");
        await api.PushAsync("loud", api.Now, "a");
        double written = await api.MetricAsync("prometheus_tsdb_wal_writes_total");
        string[] many = [.. Enumerable.Range(0, 5000).Select(i => $"a{{x=\"{i}\"}}")];
        var (status, text, _) = await api.PushAsync("loud", api.Now, many);
        Assert.Equal(400, status);
        // Few words, no work for the log, and nobody else's series are touched.
        Assert.InRange(text.Split('\n').Length, 1, 5);
        Assert.Equal(written, await api.MetricAsync("prometheus_tsdb_wal_writes_total"));
        Assert.Equal(5000, await api.MetricAsync("cortex_discarded_samples_total{reason=\"per_user_series_limit\",user=\"loud\"}"));
        Assert.Equal(204, (await api.PushAsync("quiet", api.Now, many)).Status);
        Assert.Equal(5000, await api.MetricAsync("cortex_ingester_active_series{user=\"quiet\"}"));
        Assert.Equal(1, await api.MetricAsync("cortex_ingester_active_series{user=\"loud\"}"));
    }
}
