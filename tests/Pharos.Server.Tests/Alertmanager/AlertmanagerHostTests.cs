using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Alertmanager;

public sealed class AlertmanagerHostTests : IAsyncLifetime
{
    private const string Config = """
        route:
          receiver: ops
          group_by: [alertname]
          group_wait: 10s
          routes:
            - {matchers: ['team="a"'], receiver: team-a, continue: true}
            - {matchers: ['severity="page"'], receiver: pager}
        receivers:
          - {name: ops}
          - {name: team-a}
          - {name: pager}
        """;

    private const string Window = "\"startsAt\":\"2026-01-01T00:00:00Z\",\"endsAt\":\"2026-01-02T00:00:00Z\"";

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private readonly HttpClient http = new();
    private AlertmanagerHost host = null!;

    private string ConfigFile => Path.Combine(folder, "am.yml");

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(ConfigFile, Config);
        host = await StartAsync();
        http.BaseAddress = host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        http.Dispose();
        folder.Dispose();
    }

    private Task<AlertmanagerHost> StartAsync(string? external = null, TimeProvider? clock = null) => AlertmanagerHost.StartAsync(
        new AlertmanagerHostOptions { ConfigFile = ConfigFile, StoragePath = Path.Combine(folder, "data"), Port = 0, ExternalUrl = external },
        clock ?? time, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);

    private async Task<(int Status, string Body)> CallAsync(string method, string path, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
        using var reply = await http.SendAsync(request);
        return ((int)reply.StatusCode, await reply.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("POST", "alerts", "[]", 200, "")]
    [InlineData("POST", "alerts", "null", 200, "")]
    [InlineData("POST", "alerts", "", 422, "{\"code\":602,\"message\":\"alerts in body is required\"}")]
    [InlineData("POST", "alerts", "[{\"labels\":{}}]", 400, "\"at least one label pair required\"")]
    [InlineData("POST", "alerts", "[{\"annotations\":{}}]", 422, "{\"code\":602,\"message\":\"0.labels in body is required\"}")]
    [InlineData("POST", "alerts", "[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"2030-01-01T00:00:00Z\",\"endsAt\":\"2029-01-01T00:00:00Z\"}]", 400, "\"start time must be before end time\"")]
    [InlineData("POST", "alerts", "[{\"labels\":{\"a\":\"b\"},\"generatorURL\":\"foo\"}]", 422, "{\"code\":601,\"message\":\"0.generatorURL in body must be of type uri: \\\"foo\\\"\"}")]
    [InlineData("POST", "alerts", "[{\"labels\":{\"a\":\"b\"},\"unknown\":1}]", 200, "")]
    [InlineData("POST", "alerts", "{", 400, null)]
    [InlineData("POST", "alerts", "[{\"labels\":{\"a\":1}}]", 400, null)]
    [InlineData("GET", "alerts?filter=bad", null, 400, "\"bad matcher format: bad\"")]
    [InlineData("GET", "alerts?receiver=%5B", null, 400, null)]
    [InlineData("GET", "alerts?active=foo", null, 200, "[]")]
    [InlineData("PUT", "alerts", "[]", 405, "{\"code\":405,\"message\":\"method PUT is not allowed, but [GET,POST] are\"}")]
    [InlineData("GET", "nope", null, 404, "{\"code\":404,\"message\":\"path /api/v2/nope was not found\"}")]
    [InlineData("GET", "silence/foo", null, 422, "{\"code\":601,\"message\":\"silenceID in path must be of type uuid: \\\"foo\\\"\"}")]
    [InlineData("GET", "silence/aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa", null, 404, "")]
    [InlineData("DELETE", "silence/aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa", null, 404, "")]
    [InlineData("POST", "silences", "{}", 422, "{\"code\":602,\"message\":\"comment in body is required\"}")]
    [InlineData("POST", "silences", "{\"matchers\":[]," + Window + ",\"createdBy\":\"\",\"comment\":\"\"}", 422, "{\"code\":612,\"message\":\"matchers in body should have at least 1 items\"}")]
    [InlineData("POST", "silences", "{\"matchers\":[{\"name\":\"a\",\"value\":\"\",\"isRegex\":false}]," + Window + ",\"createdBy\":\"\",\"comment\":\"\"}", 400, "\"invalid silence: at least one matcher must not match the empty string\"")]
    [InlineData("POST", "silences", "{\"matchers\":[{\"name\":\"a\",\"value\":\"[\",\"isRegex\":true}]," + Window + ",\"createdBy\":\"\",\"comment\":\"\"}", 400, null)]
    [InlineData("POST", "silences", "{\"id\":\"nope\",\"matchers\":[{\"name\":\"a\",\"value\":\"b\",\"isRegex\":false}]," + Window + ",\"createdBy\":\"\",\"comment\":\"\"}", 404, "\"silence not found\"")]
    [InlineData("POST", "silences", "{\"matchers\":[{\"name\":\"a\",\"value\":\"b\",\"isRegex\":false}],\"startsAt\":\"2024-01-01T00:00:00Z\",\"endsAt\":\"2025-01-01T00:00:00Z\",\"createdBy\":\"\",\"comment\":\"\"}", 400, "\"Failed to create silence: end time can't be in the past\"")]
    public async Task Edge_codes_are_Alertmanagers(string method, string path, string? body, int status, string? answer)
    {
        var found = await CallAsync(method, $"api/v2/{path}", body);
        Assert.Equal(status, found.Status);
        if (answer is not null) Assert.Equal(answer, found.Body.TrimEnd('\n'));
    }

    [Fact]
    public async Task Other_media_types_are_refused()
    {
        var found = await CallAsync("POST", "api/v2/alerts", "[]", "text/plain");
        Assert.Equal(415, found.Status);
        Assert.Contains("only [application/json] are allowed", found.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Valid_alerts_are_stored_though_others_are_not()
    {
        var posted = await CallAsync("POST", "api/v2/alerts", "[{\"labels\":{}},{\"labels\":{\"alertname\":\"A\",\"empty\":\"\"}}]");
        Assert.Equal(400, posted.Status);
        var listed = JsonNode.Parse((await CallAsync("GET", "api/v2/alerts")).Body)!.AsArray();
        Assert.Equal("{\"alertname\":\"A\"}", Assert.Single(listed)!["labels"]!.ToJsonString());
    }

    [Fact]
    public async Task Alerts_are_filtered_and_show_what_mutes_them()
    {
        await CallAsync("POST", "api/v2/alerts", "[{\"labels\":{\"alertname\":\"A\",\"team\":\"a\",\"severity\":\"page\"}},{\"labels\":{\"alertname\":\"B\"}}]");
        await CallAsync("POST", "api/v2/silences", "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"B\",\"isRegex\":false}]," + Window + ",\"createdBy\":\"ann\",\"comment\":\"\"}");
        async Task<List<string>> Names(string query) =>
            [.. JsonNode.Parse((await CallAsync("GET", $"api/v2/alerts?{query}")).Body)!.AsArray().Select(a => a!["labels"]!["alertname"]!.ToString()).Order()];
        Assert.Equal(["A", "B"], await Names(""));
        Assert.Equal(["A"], await Names("silenced=false"));
        Assert.Equal(["B"], await Names("active=false"));
        Assert.Equal(["A"], await Names("receiver=pag.%2B"));
        Assert.Equal(["B"], await Names("receiver=ops"));
        Assert.Equal(["B"], await Names("filter=team%3D%22%22"));
        Assert.Equal(["A"], await Names("filter=team%3D~%22.%2B%22&filter=alertname%3DA"));
        Assert.Equal(["A"], await Names("receiver_matchers=name%3D%22team-a%22"));
        var alert = JsonNode.Parse((await CallAsync("GET", "api/v2/alerts?filter=alertname%3DA")).Body)![0]!;
        Assert.Equal(["team-a", "pager"], alert["receivers"]!.AsArray().Select(r => r!["name"]!.ToString()));
        var groups = JsonNode.Parse((await CallAsync("GET", "api/v2/alerts/groups")).Body)!.AsArray();
        Assert.Equal(["pager", "team-a", "ops"], groups.Select(g => g!["receiver"]!["name"]!.ToString()));
    }

    [Fact]
    [Trait("Category", "Conformance")]
    public async Task Every_operation_of_the_description_answers_as_described()
    {
        var api = new OpenApi(Path.Combine(Places.Conformance("http-api"), "alertmanager-v2.openapi.yaml"));
        var run = new ConformanceRun("alertmanager-v2");
        await CallAsync("POST", "api/v2/alerts", "[{\"labels\":{\"alertname\":\"A\",\"team\":\"a\"},\"annotations\":{\"s\":\"t\"},\"generatorURL\":\"http://p/\"}]");
        string silence = "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"A\",\"isRegex\":false}]," + Window + ",\"createdBy\":\"ann\",\"comment\":\"c\"}";
        string id = JsonNode.Parse((await CallAsync("POST", "api/v2/silences", silence)).Body)!["silenceID"]!.ToString();
        var bodies = new Dictionary<string, string> { ["POST /alerts"] = "[]", ["POST /silences"] = silence };
        var operations = api.Operations.ToList();
        foreach (string operation in operations.OrderBy(o => o.StartsWith("DELETE", StringComparison.Ordinal)))
        {
            var parts = operation.Split(' ');
            var answer = await CallAsync(parts[0], "api/v2" + parts[1].Replace("{silenceID}", id, StringComparison.Ordinal), bodies.GetValueOrDefault(operation));
            run.Case(operation, () => answer.Status == 200 && api.Check(operation, answer.Status, answer.Body) is { Count: 0 } ? null : $"{answer.Status} {string.Join("; ", api.Check(operation, answer.Status, answer.Body))}");
        }
        run.Verify(operations.Count);
        // The check sees a wrong answer.
        Assert.NotEmpty(api.Check("GET /alerts", 200, "[{\"labels\":{}}]"));
    }

    [Fact]
    public async Task Silences_keep_their_id_only_while_they_mean_the_same()
    {
        string Silence(string id, string value, string end) =>
            $"{{{id}\"matchers\":[{{\"name\":\"a\",\"value\":\"{value}\",\"isRegex\":false}}],\"startsAt\":\"2026-01-01T00:00:00Z\",\"endsAt\":\"{end}\",\"createdBy\":\"ann\",\"comment\":\"\"}}";
        async Task<string> Post(string body) => JsonNode.Parse((await CallAsync("POST", "api/v2/silences", body)).Body)!["silenceID"]!.ToString();
        string first = await Post(Silence("", "x", "2026-01-02T00:00:00Z"));
        Assert.Equal(first, await Post(Silence($"\"id\":\"{first}\",", "x", "2026-01-03T00:00:00Z")));
        string second = await Post(Silence($"\"id\":\"{first}\",", "y", "2026-01-03T00:00:00Z"));
        Assert.NotEqual(first, second);
        var states = JsonNode.Parse((await CallAsync("GET", "api/v2/silences")).Body)!.AsArray();
        Assert.Equal([$"{second} active", $"{first} expired"], states.Select(s => $"{s!["id"]} {s["status"]!["state"]}"));
        Assert.Equal(200, (await CallAsync("DELETE", $"api/v2/silence/{second}")).Status);
        Assert.Equal(200, (await CallAsync("DELETE", $"api/v2/silence/{second}")).Status);
    }

    [Fact]
    public async Task A_broken_configuration_is_refused_and_the_old_one_goes_on()
    {
        await File.WriteAllTextAsync(ConfigFile, "route: {receiver: nobody}\nreceivers: [{name: ops}]\n");
        var refused = await CallAsync("POST", "-/reload");
        Assert.Equal(500, refused.Status);
        Assert.Contains("am.yml:1:19: undefined receiver \"nobody\" used in route", refused.Body, StringComparison.Ordinal);
        Assert.Contains("alertmanager_config_last_reload_successful 0", (await CallAsync("GET", "metrics")).Body, StringComparison.Ordinal);
        Assert.Contains("team-a", (await CallAsync("GET", "api/v2/receivers")).Body, StringComparison.Ordinal);
        await File.WriteAllTextAsync(ConfigFile, "route: {receiver: new}\nreceivers: [{name: new}]\n");
        Assert.Equal((200, ""), await CallAsync("POST", "-/reload"));
        Assert.Contains("\"new\"", (await CallAsync("GET", "api/v2/receivers")).Body, StringComparison.Ordinal);
        Assert.Contains("alertmanager_config_last_reload_successful 1", (await CallAsync("GET", "metrics")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Management_answers_are_Alertmanagers()
    {
        Assert.Equal((200, "OK"), await CallAsync("GET", "-/healthy"));
        Assert.Equal((200, "OK"), await CallAsync("GET", "-/ready"));
        Assert.Equal(410, (await CallAsync("GET", "api/v1/alerts")).Status);
        Assert.Equal(405, (await CallAsync("GET", "-/reload")).Status);
    }

    [Fact]
    public async Task The_journal_answers_why_nobody_was_paged()
    {
        await CallAsync("POST", "api/v2/alerts", "[{\"labels\":{\"alertname\":\"A\"}}]");
        await host.Router.IdleAsync();
        time.Advance(TimeSpan.FromSeconds(10));
        await host.Router.IdleAsync();
        var events = JsonNode.Parse((await CallAsync("GET", "api/pharos/v1/alerts/journal?labels=%7Balertname%3D%22A%22%7D")).Body)!.AsArray();
        Assert.Equal(["Received", "Routed", "Grouped", "Deduplicated"], events.Select(e => e!["step"]!.ToString()));
        Assert.Equal("receiver ops has no integrations, so nobody is told", events[^1]!["because"]!.ToString());
        Assert.Equal("[]", (await CallAsync("GET", "api/pharos/v1/notifications?limit=5")).Body.Trim());
        Assert.Equal(400, (await CallAsync("GET", "api/pharos/v1/alerts/journal?labels=x")).Status);
    }

    [Fact]
    public async Task Routes_stand_under_the_path_of_the_external_address()
    {
        await host.DisposeAsync();
        host = await StartAsync("https://example.org/alerts/");
        Assert.Equal(200, (await CallAsync("GET", new Uri(host.Address, "alerts/api/v2/status").ToString())).Status);
        Assert.Equal(404, (await CallAsync("GET", new Uri(host.Address, "api/v2/status").ToString())).Status);
    }

    [Fact]
    public async Task Amtool_works()
    {
        string amtool = Places.Program("amtool");
        async Task<(int Code, string Output)> Run(params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(amtool, [$"--alertmanager.url={host.Address}", "--date.format=2006", .. arguments])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            string output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, process.ExitCode == 0 ? output.Trim() : output + await errors);
        }
        // amtool writes times of the real clock.
        await host.DisposeAsync();
        host = await StartAsync(clock: TimeProvider.System);
        Assert.Equal((0, ""), await Run("alert", "add", "alertname=Down", "team=a", "--annotation=summary=\"it is down\""));
        var alerts = await Run("alert", "query", "-o", "json", "team=a");
        Assert.Equal("it is down", JsonNode.Parse(alerts.Output)![0]!["annotations"]!["summary"]!.ToString());
        var added = await Run("silence", "add", "-d", "1h", "-c", "work", "-a", "ann", "alertname=Down");
        Assert.Equal(0, added.Code);
        Assert.Contains(added.Output, (await Run("silence", "query", "-q")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Down", (await Run("alert", "query")).Output, StringComparison.Ordinal);
        Assert.Contains("suppressed", (await Run("alert", "query", "-s")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await Run("silence", "expire", added.Output)).Code);
        Assert.Equal("", (await Run("silence", "query", "-q")).Output);
        Assert.Equal((0, "team-a,pager"), await Run("config", "routes", "test", "team=a", "severity=page"));
        Assert.Equal(1, (await Run("config", "routes", "test", "--verify.receivers=pager", "team=a")).Code);
        Assert.Contains("group_by: [alertname]", (await Run("config", "show")).Output, StringComparison.Ordinal);
        Assert.Contains("disabled", (await Run("cluster", "show")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_keeps_alerts_and_silences()
    {
        await CallAsync("POST", "api/v2/alerts", "[{\"labels\":{\"alertname\":\"A\"}}]");
        await CallAsync("POST", "api/v2/silences", "{\"matchers\":[{\"name\":\"a\",\"value\":\"b\",\"isRegex\":false}]," + Window + ",\"createdBy\":\"\",\"comment\":\"\"}");
        await host.DisposeAsync();
        host = await StartAsync();
        using var again = new HttpClient { BaseAddress = host.Address };
        Assert.Single(JsonNode.Parse(await again.GetStringAsync("api/v2/alerts"))!.AsArray());
        Assert.Single(JsonNode.Parse(await again.GetStringAsync("api/v2/silences"))!.AsArray());
    }
}
