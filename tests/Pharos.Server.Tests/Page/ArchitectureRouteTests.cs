using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Page;

/// <summary>GET /api/pharos/v1/architecture of a whole server in simulated time.</summary>
public sealed class ArchitectureRouteTests
{
    [Fact]
    public async Task A_tenants_map_counts_its_own_lines_and_streams_alone()
    {
        using var folder = Places.NewFolder();
        var time = new SimulatedTimeProvider();
        await using var server = await PharosServer.StartAsync(
            new ServerOptions { Port = 0, DataFolder = folder.Path, Config = new ServerConfig { MultitenancyEnabled = true } },
            time, NullLoggerFactory.Instance, CancellationToken.None);
        using var client = new HttpClient { BaseAddress = server.Address };

        time.Advance(TimeSpan.FromSeconds(2));
        await PushLinesAsync(client, "busy", time, lines: 20);
        await PushLinesAsync(client, "calm", time, lines: 4);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal((1, 5), await LogsAsync(client, "busy"));
        Assert.Equal((1, 1), await LogsAsync(client, "calm"));
        Assert.Equal((0, 0), await LogsAsync(client, "silent"));
    }

    private static async Task PushLinesAsync(HttpClient client, string tenant, TimeProvider time, int lines)
    {
        string now = (time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000).ToString(CultureInfo.InvariantCulture);
        string values = string.Join(',', Enumerable.Range(0, lines).Select(i => $"[\"{now}\",\"line {i}\"]"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/loki/api/v1/push")
        {
            Content = new StringContent($$"""{"streams":[{"stream":{"job":"a"},"values":[{{values}}]}]}""", Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var answer = await client.SendAsync(request);
        Assert.Equal(204, (int)answer.StatusCode);
    }

    /// <summary>Streams and lines/s on the map's part for logs.</summary>
    private static async Task<(double Streams, double LinesPerSecond)> LogsAsync(HttpClient client, string tenant)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/pharos/v1/architecture");
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var answer = await client.SendAsync(request);
        using var map = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        var figures = map.RootElement.GetProperty("nodes").EnumerateArray().Single(n => n.GetProperty("id").GetString() == "logs")
            .GetProperty("figures").EnumerateArray().ToDictionary(f => f.GetProperty("label").GetString()!, f => f.GetProperty("value").GetDouble());
        return (figures["streams"], figures["lines/s"]);
    }
}
