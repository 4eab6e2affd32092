using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Prometheus;
using Pharos.Server.Tests.Support;

namespace Pharos.Server.Tests.Prometheus;

public sealed class InfluxRoutesTests : IAsyncLifetime
{
    private readonly RecordingSink sink = new();
    private readonly HttpClient http = new();
    private HttpHost host = null!;

    public async ValueTask InitializeAsync()
    {
        host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance, app => InfluxRoutes.Map(app, sink, new ManualTimeProvider(DateTimeOffset.FromUnixTimeSeconds(7)), new Instruments()), CancellationToken.None);
        http.BaseAddress = host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        http.Dispose();
    }

    [Theory, InlineData("/api/v1/push/influx/write"), InlineData("/api/v2/write?bucket=b&org=o"), InlineData("/write?db=x")]
    public async Task Good_lines_are_answered_204(string path)
    {
        using var response = await http.PostAsync(path, new StringContent("cpu,host=a usage=1.5\n"));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(["{__name__=\"cpu_usage\", host=\"a\"} 7000 1.5"], sink.Seen);
    }

    [Fact]
    public async Task A_wrong_line_is_answered_400_and_the_others_are_stored()
    {
        using var response = await http.PostAsync("/api/v2/write?precision=s", new StringContent("cpu value=1 5\ncpu\ncpu value=2 6\n"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("invalid", answer.RootElement.GetProperty("code").GetString());
        Assert.Equal("partial write: line 2: missing fields dropped=1", answer.RootElement.GetProperty("message").GetString());
        Assert.Equal(["{__name__=\"cpu\"} 5000 1", "{__name__=\"cpu\"} 6000 2"], sink.Seen);
    }

    [Fact]
    public async Task An_unknown_precision_is_400_and_a_limit_429()
    {
        using var precision = await http.PostAsync("/write?precision=days", new StringContent("cpu value=1"));
        Assert.Equal(HttpStatusCode.BadRequest, precision.StatusCode);
        sink.Answer = new AppendResult(0, 0, 0, [new AppendError(AppendErrorKind.Limit, "c", "too fast")]);
        using var limit = await http.PostAsync("/write", new StringContent("cpu value=1"));
        Assert.Equal((429, true), ((int)limit.StatusCode, limit.Headers.RetryAfter is not null));
    }
}
