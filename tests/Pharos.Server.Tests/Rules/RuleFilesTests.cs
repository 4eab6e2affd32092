using System.Text;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Tests.Mimir;

namespace Pharos.Server.Tests.Rules;

/// <summary>Rule files in a folder for each tenant, as local rule storage of Loki and Mimir has them.</summary>
public sealed class RuleFilesTests : IDisposable
{
    private const string LogRules = """
        groups:
        - name: panics
          rules:
          - {alert: Panic, expr: 'sum by (app) (count_over_time({app="web"} |= "panic" [1h])) > 0'}
          - {record: app:panics:count, expr: 'sum by (app) (count_over_time({app="web"} |= "panic" [1h]))'}

        """;

    private readonly TemporaryFolder folder = Places.NewFolder();

    private string Config => $$"""
        multitenancy_enabled: true
        ruler:
          storage:
            type: local
            local: {directory: "{{Path.Combine(folder, "logs")}}"}
          rule_path: /tmp/rules
          ring:
            kvstore: {store: inmemory}
          enable_api: true
          poll_interval: 30s
          evaluation_interval: 20s
        ruler_storage:
          backend: local
          local: {directory: "{{Path.Combine(folder, "metrics")}}"}
        """;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Rules_of_both_kinds_run_from_files_and_change_with_them()
    {
        Write("logs", "shop", "web.yml", LogRules);
        Write("metrics", "shop", "m.yml", "groups: [{name: g, rules: [{record: two, expr: vector(2)}]}]\n");
        Write("metrics", "lab", ".hidden", "no rules");
        await using var api = await TenantApi.StartAsync(Config);
        string push = $"{{\"streams\":[{{\"stream\":{{\"app\":\"web\"}},\"values\":[[\"{api.Now}000000\",\"panic: nil map\"]]}}]}}";
        Assert.Equal(204, (await api.SendAsync(HttpMethod.Post, "/loki/api/v1/push", "shop", new StringContent(push, Encoding.UTF8, "application/json"))).Status);
        await PassAsync(api, async () => await ValueAsync(api, "two") == "2" && await ValueAsync(api, "app:panics:count") == "1");

        var groups = (await api.DataAsync("/loki/prometheus/api/v1/rules", "shop")).GetProperty("groups");
        Assert.Equal(("panics", "web.yml", 20), (groups[0].GetProperty("name").GetString(), groups[0].GetProperty("file").GetString(), groups[0].GetProperty("interval").GetDouble()));
        Assert.StartsWith("web.yml:\n", await api.GetAsync("/loki/api/v1/rules", "shop"), StringComparison.Ordinal);
        Assert.Contains("record: two", await api.GetAsync("/prometheus/config/v1/rules/m.yml/g", "shop"), StringComparison.Ordinal);
        Assert.Equal("no rule groups found", await api.GetAsync("/loki/api/v1/rules", "lab", 404));

        // Nothing is changed by API, and the answer says where to change it.
        var (status, text, _) = await api.SendAsync(HttpMethod.Post, "/loki/api/v1/rules/ns", "shop", new StringContent("name: g\nrules: [{record: r, expr: 'vector(1)'}]\n"));
        Assert.Equal((403, $"rules over logs are read from files in {Path.Combine(folder, "logs")}, and cannot be changed here; change the files"), (status, text));
        Assert.Equal(403, (await api.SendAsync(HttpMethod.Delete, "/prometheus/config/v1/rules/m.yml", "shop")).Status);
        await api.SendAsync(HttpMethod.Post, "/ruler/delete_tenant_config", "shop");
        Assert.Contains("record: two", await api.GetAsync("/prometheus/config/v1/rules/m.yml/g", "shop"), StringComparison.Ordinal);

        // A changed file, a new tenant, a file that is gone.
        Write("metrics", "shop", "m.yml", "groups: [{name: g, rules: [{record: three, expr: vector(3)}]}]\n");
        Write("metrics", "lab", "m.yml", "groups: [{name: g, rules: [{record: four, expr: vector(4)}]}]\n");
        File.Delete(Path.Combine(folder, "logs", "shop", "web.yml"));
        await PassAsync(api, async () => await ValueAsync(api, "three") == "3" && await ValueAsync(api, "four", "lab") == "4");
        Assert.Equal(0, (await api.DataAsync("/loki/prometheus/api/v1/rules", "shop")).GetProperty("groups").GetArrayLength());
    }

    [Fact]
    public async Task A_file_with_mistakes_runs_as_it_was_and_the_others_change()
    {
        Write("logs", "shop", "a.yml", "groups: [{name: a, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        Write("logs", "shop", "b.yml", "groups: [{name: b, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        await using var api = await TenantApi.StartAsync(Config);
        Assert.Equal(["a", "b"], await GroupsAsync(api));
        Write("logs", "shop", "a.yml", "groups: [{name: changed, rules: [{record: r, expr: 'rate({app=}[1m])'}]}]\n");
        Write("logs", "shop", "b.yml", "groups: [{name: c, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        await api.SendAsync(HttpMethod.Post, "/-/reload");
        await PassAsync(api, async () => (await GroupsAsync(api)).SequenceEqual(["a", "c"]));
        Assert.Equal(0, await api.MetricAsync("loki_ruler_config_last_reload_successful{user=\"shop\"}"));
        Write("logs", "shop", "a.yml", "groups: [{name: mended, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        await PassAsync(api, async () => (await GroupsAsync(api)).SequenceEqual(["mended", "c"]));
        Assert.Equal(1, await api.MetricAsync("loki_ruler_config_last_reload_successful{user=\"shop\"}"));

        // Without the folder all runs on as it was.
        Directory.Move(Path.Combine(folder, "logs"), Path.Combine(folder, "elsewhere"));
        await PassAsync(api, async () => await api.MetricAsync("loki_ruler_config_last_reload_successful{user=\"shop\"}") == 0);
        Assert.Equal(["mended", "c"], await GroupsAsync(api));
    }

    [Fact]
    public async Task Without_tenants_the_folder_of_Loki_s_only_one_counts_and_the_API_can_be_off()
    {
        Write("logs", "fake", "a.yml", "groups: [{name: a, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        Write("logs", "other", "b.yml", "groups: [{name: b, rules: [{record: r, expr: 'vector(1)'}]}]\n");
        await using var api = await TenantApi.StartAsync($"ruler: {{storage: {{type: local, local: {{directory: {Path.Combine(folder, "logs")}}}}}, enable_api: false}}");
        Assert.Equal(["a"], await GroupsAsync(api, null));
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Get, "/loki/api/v1/rules")).Status);
    }

    [Theory]
    [InlineData("ruler: {storage: {type: s3, s3: {bucketnames: b}}}", "rules cannot be read from \"s3\"")]
    [InlineData("ruler: {storage: {type: local}}", "local is not set")]
    [InlineData("ruler_storage: {backend: local, local: {}}", "directory is not set")]
    [InlineData("ruler: {evaluation: {mode: remote}}", "rules cannot be evaluated \"remote\"")]
    [InlineData("ruler: {poll_interval: 0s}", "poll_interval must be above zero")]
    public void Mistakes_are_named(string config, string message) =>
        Assert.Contains(message, Assert.Throws<ConfigurationException>(() => ServerConfig.Load(config, "pharos.yml")).Message, StringComparison.Ordinal);

    private void Write(string kind, string tenant, string file, string text)
    {
        string place = Path.Combine(folder, kind, tenant);
        Directory.CreateDirectory(place);
        File.WriteAllText(Path.Combine(place, file), text);
    }

    private static async Task<List<string>> GroupsAsync(TenantApi api, string? tenant = "shop") =>
        [.. (await api.DataAsync("/loki/prometheus/api/v1/rules", tenant)).GetProperty("groups").EnumerateArray().Select(g => g.GetProperty("name").GetString()!)];

    private static async Task<string> ValueAsync(TenantApi api, string series, string tenant = "shop")
    {
        var result = (await api.DataAsync($"/prometheus/api/v1/query?query={series}&time={api.Now / 1000}", tenant)).GetProperty("result");
        return result.GetArrayLength() == 0 ? "" : result[0].GetProperty("value")[1].GetString()!;
    }

    private static async Task PassAsync(TenantApi api, Func<Task<bool>> holds)
    {
        while (!await holds())
        {
            api.Time.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }
    }
}
