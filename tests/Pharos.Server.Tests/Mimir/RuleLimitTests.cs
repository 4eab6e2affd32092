using System.Text;

namespace Pharos.Server.Tests.Mimir;

/// <summary>Limits of rules, and rules over several tenants.</summary>
public sealed class RuleLimitTests
{
    private const string Federated = "name: g\ninterval: 1m\nsource_tenants: [b, a]\nrules: [{record: 'total:up', expr: 'sum by (__tenant_id__) (up)'}]";

    [Fact]
    public async Task A_group_with_source_tenants_reads_them_as_one_and_records_into_its_own()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\nruler: {tenant_federation: {enabled: true}}");
        Assert.Equal((202, "{\"status\":\"success\",\"data\":null,\"errorType\":\"\",\"error\":\"\"}"), await PutAsync(api, "own", Federated));
        Assert.Contains("source_tenants:\n    - b\n    - a\n", await api.GetAsync("/prometheus/config/v1/rules/space/g", "own"), StringComparison.Ordinal);
        Assert.Contains("\"sourceTenants\":[\"b\",\"a\"]", await api.GetAsync("/prometheus/api/v1/rules", "own"), StringComparison.Ordinal);
        await api.PushAsync("a", api.Now, "up{i=\"1\"}", "up{i=\"2\"}");
        await api.PushAsync("b", api.Now, "up{i=\"1\"}");
        api.Time.Advance(TimeSpan.FromMinutes(1));
        while ((await api.SeriesAsync("total:up", "own")).Length < 2) await Task.Yield();
        Assert.Equal(["{__name__=\"total:up\", __tenant_id__=\"a\"}", "{__name__=\"total:up\", __tenant_id__=\"b\"}"], await api.SeriesAsync("total:up", "own"));
        Assert.Empty(await api.SeriesAsync("total:up", "a"));
        Assert.True(await api.MetricAsync("cortex_ruler_queries_total") >= 1);
        Assert.True(await api.MetricAsync("cortex_ruler_write_requests_total") >= 1);
    }

    [Fact]
    public async Task Without_federated_rules_source_tenants_are_refused()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true");
        Assert.Equal(
            (400, "3:18: source_tenants is not allowed here; put the rule into the tenant whose data it reads, or, in the server, set ruler.tenant_federation.enabled\n"
                + "3:21: source_tenants is not allowed here; put the rule into the tenant whose data it reads, or, in the server, set ruler.tenant_federation.enabled"),
            await PutAsync(api, "own", Federated));
    }

    [Fact]
    public async Task A_namespace_has_its_own_limits_where_it_is_named()
    {
        await using var api = await TenantApi.StartAsync("""
            limits:
              ruler_max_rules_per_rule_group: 1
              ruler_max_rule_groups_per_tenant: 1
              ruler_max_rules_per_rule_group_by_namespace: {wide: 2, free: 0}
              ruler_max_rule_groups_per_tenant_by_namespace: {wide: 2}
            """);
        const string two = "rules: [{record: a, expr: up}, {record: b, expr: up}]";
        Assert.Equal(400, (await PutAsync(api, null, "name: g\n" + two)).Status);
        Assert.Equal(202, (await PutAsync(api, null, "name: g\n" + two, "free")).Status);
        Assert.Equal(202, (await PutAsync(api, null, "name: g\n" + two, "wide")).Status);
        Assert.Equal(
            (400, "per-user rules per rule group limit (limit: 2 actual: 3) exceeded; split the group or raise ruler_max_rules_per_rule_group_by_namespace"),
            await PutAsync(api, null, "name: h\nrules: [{record: a, expr: up}, {record: b, expr: up}, {record: c, expr: up}]", "wide"));
        // Groups of all namespaces count, as in Mimir.
        Assert.Equal(
            (400, "per-user rule groups limit (limit: 2 actual: 3) exceeded; join groups or raise ruler_max_rule_groups_per_tenant_by_namespace"), await PutAsync(api, null, "name: h\nrules: []", "wide"));
        Assert.Equal((400, "per-user rule groups limit (limit: 1 actual: 3) exceeded; join groups or raise ruler_max_rule_groups_per_tenant"), await PutAsync(api, null, "name: h\nrules: []", "other"));
    }

    [Fact]
    public async Task Rules_keep_to_the_tenants_limits()
    {
        await using var api = await TenantApi.StartAsync("""
            limits:
              ruler_min_rule_evaluation_interval: 1m
              ruler_max_rules_per_rule_group: 1
              ruler_max_rule_groups_per_tenant: 1
              ruler_max_rule_evaluation_results: 1
              ruler_alerting_rules_evaluation_enabled: false
              ruler_evaluation_delay_duration: 30s
              ruler_protected_namespaces: [guarded]
            """);
        Assert.Equal(
            (400, "the interval of group \"g\", 30s, is below the minimum of 1m; raise it or lower ruler_min_rule_evaluation_interval"),
            await PutAsync(api, null, "name: g\ninterval: 30s\nrules: []"));
        Assert.Equal(
            (400, "per-user rules per rule group limit (limit: 1 actual: 2) exceeded; split the group or raise ruler_max_rules_per_rule_group"),
            await PutAsync(api, null, "name: g\nrules: [{record: a, expr: up}, {record: b, expr: up}]"));
        Assert.Equal(
            (403, "namespace \"guarded\" is protected by ruler_protected_namespaces; to change it, name it in the header X-Mimir-Ruler-Override-Namespace-Protection"),
            await PutAsync(api, null, "name: g\nrules: []", "guarded"));
        Assert.Equal(403, (await api.SendAsync(HttpMethod.Delete, "/prometheus/config/v1/rules/guarded")).Status);
        Assert.Equal(202, (await PutAsync(api, null, "name: g\ninterval: 1m\nrules: [{record: copy, expr: up}]")).Status);
        Assert.Equal(
            (400, "per-user rule groups limit (limit: 1 actual: 2) exceeded; join groups or raise ruler_max_rule_groups_per_tenant"),
            await PutAsync(api, null, "name: h\nrules: []"));

        await api.PushAsync(null, api.Now, "up{i=\"1\"}", "up{i=\"2\"}");
        api.Time.Advance(TimeSpan.FromMinutes(2));
        string rules = "";
        while (!rules.Contains("exceeded", StringComparison.Ordinal)) rules = await api.GetAsync("/prometheus/api/v1/rules");
        Assert.Contains("exceeded limit of 1 with 2 series", rules, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Limits_and_requests_are_metrics_under_mimirs_names()
    {
        await using var api = await TenantApi.StartAsync("multitenancy_enabled: true\noverrides: {shop: {ingestion_rate: 7}}");
        await api.PushAsync("shop", api.Now, "up");
        Assert.Equal(7, await api.MetricAsync("cortex_limits_overrides{limit_name=\"ingestion_rate\",user=\"shop\"}"));
        Assert.Equal(0, await api.MetricAsync("cortex_limits_defaults{limit_name=\"ingestion_rate\"}"));
        Assert.Equal(1, await api.MetricAsync("cortex_request_duration_seconds_count{method=\"POST\",route=\"api_v1_push\",status_code=\"204\"}"));
        Assert.Equal(1, await api.MetricAsync("cortex_ingester_ingested_samples_total{user=\"shop\"}"));
        Assert.Equal(api.Now / 1000.0, await api.MetricAsync("cortex_ingester_tsdb_head_max_timestamp_seconds{user=\"shop\"}"));
    }

    private static async Task<(int Status, string Text)> PutAsync(TenantApi api, string? tenant, string group, string space = "space")
    {
        using var content = new StringContent(group, Encoding.UTF8, "application/yaml");
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, $"/prometheus/config/v1/rules/{space}", tenant, content);
        return (status, text);
    }
}
