using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Http;
using Pharos.Server.Rules;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Tests.Rules;

public sealed class RulerRoutesTests : IAsyncLifetime
{
    private const string Group = "name: g\ninterval: 1m\nrules:\n    - alert: Up\n      expr: up\n      labels:\n          severity: page\n    - record: a:b\n      expr: up\n";

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private readonly HttpClient http = new();
    private SqliteCatalogue catalogue = null!;
    private TenantRulers rulers = null!;
    private WebApplication app = null!;

    public async ValueTask InitializeAsync()
    {
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        var store = new RuleStore(catalogue, new FixedTenantLimits(new TenantLimits { RuleGroupsMax = 2, RulesPerGroupMax = 2 }), NullLogger.Instance);
        rulers = new TenantRulers(
            new TenantRulersOptions(), store, _ => new OneSeries(), _ => new NoSink(), _ => new NoAlerts(), new AlertJournal(), catalogue, time, new Instruments(), NullLogger.Instance);
        await rulers.StartAsync(TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.UseTenancy(multitenancy: true);
        app.UseRouting();
        RulesRoutes.Map(app, t => rulers.Groups(t, RulePlacement.Metrics));
        RulesRoutes.MapLogs(app, t => rulers.Groups(t, RulePlacement.Logs));
        RulesRoutes.MapAll(app, rulers.Groups);
        RulerConfigRoutes.Map(app.MapGroup("/prometheus"), rulers);
        RulerConfigRoutes.MapLogs(app, rulers);
        await app.StartAsync();
        http.BaseAddress = new Uri(app.Urls.Single());
        http.DefaultRequestHeaders.Add("X-Scope-OrgID", "team");
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await rulers.DisposeAsync();
        await catalogue.DisposeAsync();
        http.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_group_is_stored_listed_and_deleted()
    {
        Assert.Equal((HttpStatusCode.OK, "{}\n"), await GetAsync("/prometheus/config/v1/rules"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/prometheus/config/v1/rules/my%2Fspace%20x", Group));
        Assert.Equal((HttpStatusCode.OK, Group), await GetAsync("/prometheus/config/v1/rules/my%2Fspace%20x/g"));
        string listed = "my/space x:\n    - " + Group.TrimEnd('\n').Replace("\n", "\n      ", StringComparison.Ordinal) + "\n";
        Assert.Equal((HttpStatusCode.OK, listed), await GetAsync("/prometheus/config/v1/rules"));
        Assert.Equal((HttpStatusCode.OK, listed), await GetAsync("/prometheus/config/v1/rules/my%2Fspace%20x"));
        Assert.Equal((HttpStatusCode.NotFound, "group does not exist\n"), await GetAsync("/prometheus/config/v1/rules/my%2Fspace%20x/other"));
        using var other = new HttpRequestMessage(HttpMethod.Get, "/prometheus/config/v1/rules") { Headers = { { "X-Scope-OrgID", "someone-else" } } };
        Assert.Equal("{}\n", await (await http.SendAsync(other)).Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Accepted, (await http.DeleteAsync("/prometheus/config/v1/rules/my%2Fspace%20x/g")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.DeleteAsync("/prometheus/config/v1/rules/my%2Fspace%20x/g")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.DeleteAsync("/prometheus/config/v1/rules/my%2Fspace%20x")).StatusCode);
    }

    [Fact]
    public async Task A_bad_group_and_a_passed_limit_are_answered_400_with_the_reason()
    {
        var (status, text) = await PostTextAsync("/prometheus/config/v1/rules/ns", "name: g\nrules:\n  - alert: a\n    expr: is bad\n    fore: 1m\n");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("4:11: group \"g\", rule 1, \"a\": could not parse expression: unexpected bad", text);
        Assert.Contains("5:5: field fore not found in rule", text);
        (status, text) = await PostTextAsync("/prometheus/config/v1/rules/ns", "name: g\nrules: [{record: a, expr: x}, {record: b, expr: x}, {record: c, expr: x}]");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("limit: 2 actual: 3", text);
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/prometheus/config/v1/rules/ns", "name: one\nrules: []"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/prometheus/config/v1/rules/ns", "name: two\nrules: []"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/prometheus/config/v1/rules/ns", "name: two\nrules: []"));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/prometheus/config/v1/rules/ns", "name: three\nrules: []"));
    }

    [Fact]
    public async Task State_is_shown_as_Prometheus_shows_it()
    {
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/prometheus/config/v1/rules/ns", "name: g\nalign_evaluation_time_on_interval: true\nrules:\n  - {alert: Up, expr: up, keep_firing_for: 1m, labels: {severity: page}, annotations: {a: b}}\n  - {record: a:b, expr: up}\n"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/loki/api/v1/rules/ns", "name: l\nrules:\n  - {record: c, expr: up}\n"));
        string unknown = await DataAsync("/api/v1/rules?rule_name[]=Up");
        Assert.Contains("\"state\":\"unknown\"", unknown);
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(
            """
            {"groups":[{"name":"g","file":"ns","rules":[{"state":"firing","name":"Up","query":"up","duration":0,"keepFiringFor":60,"labels":{"severity":"page"},"annotations":{"a":"b"},"alerts":[{"labels":{"alertname":"Up","job":"x","severity":"page"},"annotations":{"a":"b"},"state":"firing","activeAt":"2026-01-01T00:01:00Z","value":"1e\u002B00"}],"health":"ok","evaluationTime":0,"lastEvaluation":"2026-01-01T00:01:00Z","type":"alerting"},{"name":"a:b","query":"up","health":"ok","evaluationTime":0,"lastEvaluation":"2026-01-01T00:01:00Z","type":"recording"}],"interval":60,"limit":0,"evaluationTime":0,"lastEvaluation":"2026-01-01T00:01:00Z"}]}
            """,
            (await DataAsync("/api/v1/rules")).Replace("1e+00", "1e\\u002B00", StringComparison.Ordinal));
        Assert.Equal(1, JsonDocument.Parse(await DataAsync("/api/v1/alerts")).RootElement.GetProperty("alerts").GetArrayLength());
        Assert.Equal("""{"groups":[]}""", await DataAsync("/api/v1/rules?file[]=other"));
        Assert.DoesNotContain("recording", await DataAsync("/api/v1/rules?type=alert"));
        Assert.DoesNotContain("\"activeAt\"", await DataAsync("/api/v1/rules?exclude_alerts=true"));
        Assert.Contains("\"Up\"", await DataAsync("/api/v1/rules?match[]={severity=\"page\"}"));
        Assert.Equal("""{"groups":[]}""", await DataAsync("/api/v1/rules?match[]={severity=\"info\"}"));
        var both = JsonDocument.Parse(await DataAsync("/api/pharos/v1/rules")).RootElement.GetProperty("groups");
        Assert.Equal(["g metrics", "l logs"], both.EnumerateArray().Select(g => $"{g.GetProperty("name")} {g.GetProperty("placement")}"));
        Assert.Contains("\"name\":\"l\"", await DataAsync("/loki/prometheus/api/v1/rules"));
        foreach (string bad in new[] { "type=x", "exclude_alerts=x", "group_limit=0", "group_next_token=x", "match[]={" })
            Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/api/v1/rules?" + bad)).StatusCode);
    }

    [Fact]
    public async Task Groups_come_page_by_page()
    {
        await PostAsync("/prometheus/config/v1/rules/ns", "name: a\nrules: [{record: r, expr: up}]");
        await PostAsync("/prometheus/config/v1/rules/ns", "name: b\nrules: [{record: r, expr: up}]");
        var first = JsonDocument.Parse(await DataAsync("/api/v1/rules?group_limit=1")).RootElement;
        Assert.Equal("a", first.GetProperty("groups")[0].GetProperty("name").GetString());
        string token = first.GetProperty("groupNextToken").GetString()!;
        var second = JsonDocument.Parse(await DataAsync($"/api/v1/rules?group_limit=1&group_next_token={token}")).RootElement;
        Assert.Equal("b", second.GetProperty("groups")[0].GetProperty("name").GetString());
        Assert.False(second.TryGetProperty("groupNextToken", out _));
        await http.DeleteAsync("/prometheus/config/v1/rules/ns/b");
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync($"/api/v1/rules?group_limit=1&group_next_token={token}")).StatusCode);
    }

    [Fact]
    public async Task Rules_over_logs_have_the_paths_of_Loki()
    {
        Assert.Equal((HttpStatusCode.NotFound, "no rule groups found\n"), await GetAsync("/loki/api/v1/rules"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync("/api/prom/rules/ns", Group));
        Assert.Equal((HttpStatusCode.OK, Group), await GetAsync("/loki/api/v1/rules/ns/g"));
        Assert.Equal((HttpStatusCode.OK, "{}\n"), await GetAsync("/prometheus/config/v1/rules"));
        Assert.Equal(HttpStatusCode.Accepted, (await http.DeleteAsync("/loki/api/v1/rules/ns")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/loki/api/v1/rules")).StatusCode);
    }

    private async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using var response = await http.GetAsync(path);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<string> DataAsync(string path)
    {
        var root = JsonDocument.Parse((await GetAsync(path)).Text).RootElement;
        Assert.Equal("success", root.GetProperty("status").GetString());
        return root.GetProperty("data").GetRawText();
    }

    private async Task<HttpStatusCode> PostAsync(string path, string yaml) => (await PostTextAsync(path, yaml)).Status;

    private async Task<(HttpStatusCode Status, string Text)> PostTextAsync(string path, string yaml)
    {
        using var content = new StringContent(yaml, Encoding.UTF8, new MediaTypeHeaderValue("application/yaml"));
        using var response = await http.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private sealed class OneSeries : IRuleLanguage
    {
        public ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel) =>
            ValueTask.FromResult(new InstantResult([new VectorSample(Labels.Of(("__name__", "up"), ("job", "x")), timestampMs, 1)], []));

        public IReadOnlyList<Diagnostic> Check(string expression) =>
            expression == "is bad" ? [Diagnostic.Error(new SourcePosition("", 1, 1), "unexpected bad")] : [];

        public string Format(string expression) => expression;
    }

    private sealed class NoSink : IMetricSink
    {
        public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel) =>
            ValueTask.FromResult(new AppendResult(0, 0, 0, []));
    }

    private sealed class NoAlerts : IAlertSink
    {
        public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel) => ValueTask.CompletedTask;
    }
}
