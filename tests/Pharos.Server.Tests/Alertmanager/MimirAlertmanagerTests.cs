using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Alertmanager;
using Pharos.Server.Http;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Tests.Alertmanager;

/// <summary>Configurations of several tenants in one router.</summary>
public sealed class MimirAlertmanagerTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private readonly HttpClient http = new();
    private SqliteCatalogue catalogue = null!;
    private AlertRouter router = null!;
    private WebApplication app = null!;

    public async ValueTask InitializeAsync()
    {
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        router = new AlertRouter(new AlertRouterOptions { Limits = t => t.Name == "tight" ? Tight : new AlertLimits() }, catalogue, new AlertJournal(), time, null, new Instruments(), NullLogger.Instance);
        router.Start();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.UseTenancy(multitenancy: true);
        MimirAlertmanagerRoutes.Map(app, router);
        AlertmanagerV2Routes.Map(app.MapGroup("/alertmanager"), router, time, new Instruments());
        await app.StartAsync();
        http.BaseAddress = new Uri(app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await router.DisposeAsync();
        await catalogue.DisposeAsync();
        http.Dispose();
        folder.Dispose();
    }

    private async Task<(int Status, string Body)> CallAsync(string tenant, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("X-Scope-OrgID", tenant);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, path.Contains("v2") ? "application/json" : "application/yaml");
        using var reply = await http.SendAsync(request);
        return ((int)reply.StatusCode, await reply.Content.ReadAsStringAsync());
    }

    private static readonly AlertLimits Tight = new() { ConfigBytesMax = 90, TemplatesMax = 1, TemplateBytesMax = 20, AlertsMax = 2, AlertBytesMax = 110 };

    private const string Good = """
        template_files:
          a.tmpl: '{{ define "x" }}y{{ end }}'
        alertmanager_config: |
          templates: [a.tmpl]
          route: {receiver: mine}
          receivers: [{name: mine}]
        """;

    [Fact]
    public async Task A_tenants_configuration_keeps_to_its_limits()
    {
        const string small = "alertmanager_config: 'route: {receiver: a}\n\n  receivers: [{name: a}]'\n";
        Assert.Equal(201, (await CallAsync("tight", "POST", "/api/v1/alerts", small)).Status);
        var answer = await CallAsync("tight", "POST", "/api/v1/alerts", Good.Replace("route", "# " + new string('x', 60) + "\n  route", StringComparison.Ordinal).Replace("'}", "', y: 'more text'}", StringComparison.Ordinal)
            .Replace("a.tmpl: ", "b.tmpl: 'b'\n  a.tmpl: ", StringComparison.Ordinal));
        Assert.Equal(400, answer.Status);
        Assert.Contains("Alertmanager configuration is too big, limit: 90 bytes (alertmanager_max_config_size_bytes)", answer.Body, StringComparison.Ordinal);
        Assert.Contains("too many templates in the configuration: 2 (limit: 1, alertmanager_max_templates_count)", answer.Body, StringComparison.Ordinal);
        Assert.Contains("template a.tmpl is too big: 26 bytes (limit: 20 bytes, alertmanager_max_template_size_bytes)", answer.Body, StringComparison.Ordinal);
        Assert.Equal(201, (await CallAsync("free", "POST", "/api/v1/alerts", Good)).Status);
    }

    [Fact]
    public async Task A_tenants_alerts_keep_to_its_limits()
    {
        Assert.Equal(200, (await PostAsync("tight", "a", "")).Status);
        var big = await PostAsync("tight", "b", new string('x', 100));
        Assert.Equal(400, big.Status);
        Assert.Contains("alerts are too big, the limit of 110 bytes in all is reached (alertmanager_max_alerts_size_bytes)", big.Body, StringComparison.Ordinal);
        // One that is there may come again, but not grow over the limit.
        Assert.Equal(400, (await PostAsync("tight", "a", new string('x', 100))).Status);
        Assert.Equal(200, (await PostAsync("tight", "a", "")).Status);
        Assert.Equal(200, (await PostAsync("tight", "b", "")).Status);
        var many = await PostAsync("tight", "c", "");
        Assert.Equal(400, many.Status);
        Assert.Contains("the limit of 2 alerts is reached (alertmanager_max_alerts_count)", many.Body, StringComparison.Ordinal);
        Assert.Equal(200, (await PostAsync("free", "c", new string('x', 1000))).Status);

        Task<(int Status, string Body)> PostAsync(string tenant, string name, string text) =>
            CallAsync(tenant, "POST", "/alertmanager/api/v2/alerts", $$$"""[{"labels":{"alertname":"{{{name}}}"},"annotations":{"text":"{{{text}}}"}}]""");
    }

    [Fact]
    public async Task A_tenant_sets_reads_and_deletes_its_configuration_alone()
    {
        Assert.Equal(404, (await CallAsync("a", "GET", "/api/v1/alerts")).Status);
        Assert.Equal((201, ""), await CallAsync("a", "POST", "/api/v1/alerts", Good));
        var read = await CallAsync("a", "GET", "/api/v1/alerts");
        Assert.Equal(200, read.Status);
        Assert.Contains("route: {receiver: mine}", read.Body, StringComparison.Ordinal);
        // What was read can be posted again.
        Assert.Equal(201, (await CallAsync("a", "POST", "/api/v1/alerts", read.Body)).Status);
        Assert.Contains("mine", (await CallAsync("a", "GET", "/alertmanager/api/v2/receivers")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain("mine", (await CallAsync("b", "GET", "/alertmanager/api/v2/receivers")).Body, StringComparison.Ordinal);
        Assert.Contains("a:\n", (await CallAsync("b", "GET", "/multitenant_alertmanager/configs")).Body, StringComparison.Ordinal);
        Assert.Equal(200, (await CallAsync("a", "DELETE", "/api/v1/alerts")).Status);
        Assert.DoesNotContain("mine", (await CallAsync("a", "GET", "/alertmanager/api/v2/receivers")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_all_tenants_configured_is_listed_without_their_secrets()
    {
        string config = Good.Replace("receivers: [{name: mine}]", "receivers: [{name: mine, webhook_configs: [{url: \"http://ops/hook?key=hidden\"}]}]", StringComparison.Ordinal);
        Assert.Equal(201, (await CallAsync("a", "POST", "/api/v1/alerts", config)).Status);
        string listed = (await CallAsync("b", "GET", "/multitenant_alertmanager/configs")).Body;
        Assert.Contains("url: <secret>", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", listed, StringComparison.Ordinal);
        Assert.Contains("hidden", (await CallAsync("a", "GET", "/api/v1/alerts")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alertmanager_config: ''", "configuration provided is empty")]
    [InlineData("alertmanager_config: 'route: {receiver: x}'", "undefined receiver")]
    [InlineData("nonsense: 1", "field nonsense not found in the body")]
    [InlineData("alertmanager_config: \"templates: [/etc/passwd]\\nroute: {receiver: x}\\nreceivers: [{name: x}]\"", "was not uploaded")]
    [InlineData("template_files: {a.tmpl: '{{ nope'}\nalertmanager_config: \"templates: [a.tmpl]\\nroute: {receiver: x}\\nreceivers: [{name: x}]\"", "a.tmpl")]
    public async Task What_cannot_be_used_is_answered_400_with_the_cause(string body, string cause)
    {
        await CallAsync("a", "POST", "/api/v1/alerts", Good);
        var refused = await CallAsync("a", "POST", "/api/v1/alerts", body);
        Assert.Equal(400, refused.Status);
        Assert.Contains(cause, refused.Body, StringComparison.Ordinal);
        Assert.Contains("mine", (await CallAsync("a", "GET", "/alertmanager/api/v2/receivers")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Alerts_and_silences_of_tenants_are_apart()
    {
        Assert.Equal(200, (await CallAsync("a", "POST", "/alertmanager/api/v2/alerts", "[{\"labels\":{\"alertname\":\"A\"}}]")).Status);
        Assert.Contains("\"A\"", (await CallAsync("a", "GET", "/alertmanager/api/v2/alerts")).Body, StringComparison.Ordinal);
        Assert.Equal("[]\n", (await CallAsync("b", "GET", "/alertmanager/api/v2/alerts")).Body);
    }
}
