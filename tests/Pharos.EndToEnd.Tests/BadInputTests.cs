using System.Net;
using System.Net.Http.Json;
using System.Text;
using Pharos.Core;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

/// <summary>Each mistake gets its own clear answer, and the server goes on working.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData("config", "scrape_configs:\n  - job_name: a\n    scrape_interval: 15\n", ":3:22")]
    [InlineData("rules", "groups:\n  - name: a\n    rules:\n      - record: x\n        expr: sum(\n", ":5:")]
    [InlineData("alertmanager", "route:\n  receiver: a\n  group_wait: soon\nreceivers:\n  - name: a\n", ":3:15")]
    [InlineData("collector", "prometheus.scrape \"a\" {\n\ttargets = [\n}\n", ":3:1")]
    public async Task A_malformed_configuration_is_refused_with_its_place(string kind, string text, string place)
    {
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "file");
        await File.WriteAllTextAsync(file, text);
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "check", kind, file);
        Assert.Equal(1, exit);
        Assert.Contains(file + place, output);
    }

    [Fact]
    public async Task A_malformed_server_configuration_is_refused_with_every_mistake()
    {
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "pharos.yml");
        await File.WriteAllTextAsync(file, "sync: sometimes\nlimits:\n  max_serie: 1\n  query_timeout: 5\n  retention_series:\n    - selector: '{job='\n      period: 3d\n");
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "server", "--listen", "127.0.0.1:0", "--data-dir", folder, "--config", file);
        Assert.Equal(1, exit);
        Assert.Contains($"{file}:1:7: sync \"sometimes\" is not known", output);
        Assert.Contains($"{file}:3:3: field max_serie not found in the limits", output);
        Assert.Contains($"{file}:4:18: duration \"5\" has no unit", output);
        Assert.Contains($"{file}:6:17: selector {{job=: ", output);
    }

    [Fact]
    public async Task Broken_and_oversized_bodies_and_bad_queries_are_answered_and_the_server_goes_on()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        await using var _ = server;
        using var __ = http;

        using (var broken = await PushAsync(http, [1, 2, 3, 4, 5])) Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);

        // Says it unpacks to 3 GiB: refused before anything of that size is allocated.
        using (var bomb = await PushAsync(http, [0x80, 0x80, 0x80, 0x80, 0x0c, 0, 0]))
        {
            Assert.Equal(HttpStatusCode.BadRequest, bomb.StatusCode);
            Assert.Contains("3221225472", await bomb.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        // Valid snappy around bytes that are no protobuf message.
        using (var nonsense = await PushAsync(http, [3, 8, 0xff, 0xff, 0xff])) Assert.Equal(HttpStatusCode.BadRequest, nonsense.StatusCode);

        using (var query = await http.GetAsync("/api/v1/query?query=" + Uri.EscapeDataString("sum by (job (up)")))
        {
            Assert.Equal(HttpStatusCode.BadRequest, query.StatusCode);
            string text = await query.Content.ReadAsStringAsync();
            Assert.Contains("1:13", text);
        }
        using (var query = await http.GetAsync("/loki/api/v1/query_range?query=" + Uri.EscapeDataString("{job=\"a\"} |")))
        {
            Assert.Equal(HttpStatusCode.BadRequest, query.StatusCode);
            Assert.Contains("line 1, col", await query.Content.ReadAsStringAsync());
        }
        using (var old = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "a" }, values = new[] { new[] { "1000000000", "very old" } } } } }))
        {
            Assert.Equal(HttpStatusCode.BadRequest, old.StatusCode);
            Assert.Contains("timestamp too old", await old.Content.ReadAsStringAsync());
        }
        string now = TimeProvider.System.UnixNs().ToString(System.Globalization.CultureInfo.InvariantCulture);
        var labels = Enumerable.Range(0, 40).ToDictionary(i => $"l{i}", i => "v");
        using (var many = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = labels, values = new[] { new[] { now, "x" } } } } }))
        {
            Assert.Equal(HttpStatusCode.BadRequest, many.StatusCode);
            Assert.Contains("limit", await many.Content.ReadAsStringAsync());
        }
        using (var rules = await http.PostAsync("/prometheus/config/v1/rules/a", new StringContent("name: a\nrules:\n  - alert: x\n    expr: up ==\n", Encoding.UTF8, "application/yaml")))
        {
            Assert.Equal(HttpStatusCode.BadRequest, rules.StatusCode);
        }
        using (var good = await http.PostAsJsonAsync("/loki/api/v1/push", new { streams = new[] { new { stream = new { job = "a" }, values = new[] { new[] { now, "fine" } } } } }))
        {
            Assert.Equal(HttpStatusCode.NoContent, good.StatusCode);
        }
        Assert.False(server.HasExited);
    }

    [Fact]
    public async Task Without_other_orders_the_server_listens_on_loopback_only()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(folder);
        await using var _ = server;
        using var __ = http;
        string hex = http.BaseAddress!.Port.ToString("X4", System.Globalization.CultureInfo.InvariantCulture);
        var listening = (await File.ReadAllLinesAsync("/proc/net/tcp")).Concat(await File.ReadAllLinesAsync("/proc/net/tcp6"))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(f => f.Length > 3 && f[3] == "0A" && f[1].EndsWith(":" + hex, StringComparison.Ordinal))
            .Select(f => f[1]).ToList();
        Assert.Equal([$"0100007F:{hex}"], listening);
    }

    private static async Task<HttpResponseMessage> PushAsync(HttpClient http, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Add("Content-Type", "application/x-protobuf");
        content.Headers.Add("Content-Encoding", "snappy");
        return await http.PostAsync("/api/v1/push", content);
    }
}
