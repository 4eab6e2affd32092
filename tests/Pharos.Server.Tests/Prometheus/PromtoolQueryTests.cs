using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>The real promtool as a client.</summary>
public sealed class PromtoolQueryTests
{
    private const long Now = QueryApi.NowMs / 1000;

    [Fact]
    public async Task Promtool_queries_instants_ranges_series_and_labels()
    {
        string promtool = Places.Program("promtool");
        await using var api = await QueryApi.StartAsync();
        api.FillRequests();
        string url = api.Address.ToString();
        Assert.Equal(
            "{job=\"shop\", path=\"/c\"} => 2.9999999999999996 @[1767225600]\n",
            await RunAsync(promtool, "query", "instant", $"--time={Now}", url, "rate(requests_total{path='/c'}[5m])"));
        Assert.Equal(
            "{} =>\n5.999999999999999 @[1767225540]\n5.999999999999999 @[1767225600]\n",
            await RunAsync(promtool, "query", "range", $"--start={Now - 60}", $"--end={Now}", "--step=60s", url, "sum(rate(requests_total[5m]))"));
        Assert.Equal(
            "{__name__=\"requests_total\", job=\"shop\", path=\"/a\"}\n",
            await RunAsync(promtool, "query", "series", "--match=requests_total{path=\"/a\"}", $"--start={Now - 600}", $"--end={Now}", url));
        Assert.Equal("/a\n/b\n/c\n", await RunAsync(promtool, "query", "labels", $"--start={Now - 600}", $"--end={Now}", url, "path"));
    }

    [Fact]
    public async Task Promtool_finds_the_server_healthy_and_ready()
    {
        string promtool = Places.Program("promtool");
        using var folder = Places.NewFolder();
        await using var server = await PharosServer.StartAsync(
            new ServerOptions { Port = 0, DataFolder = folder }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        string url = server.Address.ToString().TrimEnd('/');
        await RunAsync(promtool, "check", "healthy", $"--url={url}");
        await RunAsync(promtool, "check", "ready", $"--url={url}");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        string output = await process.StandardOutput.ReadToEndAsync(patience.Token), error = await process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }
}
