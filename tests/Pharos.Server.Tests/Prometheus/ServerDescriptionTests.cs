using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>The central server describes Prometheus's API where it serves it, and tells listeners when it ends.</summary>
public sealed class ServerDescriptionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_description_is_of_the_api_under_its_prefix_wherever_it_is_asked()
    {
        using var folder = Places.NewFolder();
        await using var server = await StartAsync(folder);
        using var client = new HttpClient { BaseAddress = server.Address };
        string text = await client.GetStringAsync("/prometheus/api/v1/openapi.yaml", Cancel);
        Assert.Equal(text, await client.GetStringAsync("/api/v1/openapi.yaml", Cancel));
        Assert.Contains("- url: /prometheus/api/v1\n", text, StringComparison.Ordinal);
        string file = Path.Combine(folder, "own.yaml");
        await File.WriteAllTextAsync(file, text, Cancel);
        var described = new OpenApi(file).Operations.ToList();
        // Without the prefix, this path takes a tenant's alert routing: Mimir's, not Prometheus's.
        Assert.Equal(["GET /alerts"], described.Where(o => o.EndsWith(" /alerts", StringComparison.Ordinal)));
        foreach (string operation in described.Where(o => o.StartsWith("GET ", StringComparison.Ordinal) && !o.Contains('{', StringComparison.Ordinal)))
        {
            using var answer = await client.GetAsync("/prometheus/api/v1" + operation[4..], HttpCompletionOption.ResponseHeadersRead, Cancel);
            Assert.True((int)answer.StatusCode is not (404 or 405 or 500), $"{operation}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Listeners_hear_that_the_server_ends()
    {
        using var folder = Places.NewFolder();
        using var client = new HttpClient();
        StreamReader live;
        await using (var server = await StartAsync(folder))
            live = new StreamReader(await client.GetStreamAsync(new Uri(server.Address, "/prometheus/api/v1/notifications/live"), Cancel));
        using (live) Assert.Contains("Pharos is shutting down", await live.ReadToEndAsync(Cancel), StringComparison.Ordinal);
    }

    private static Task<PharosServer> StartAsync(string folder) => PharosServer.StartAsync(
        new ServerOptions { Port = 0, DataFolder = folder, Config = new ServerConfig() }, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
}
