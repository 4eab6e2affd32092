using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Http;

namespace Pharos.Server.Tests.Http;

public sealed class RequestMetricsTests
{
    [Fact]
    public async Task A_request_that_breaks_the_handler_counts_as_500_and_is_told_where_to_look()
    {
        var instruments = new Instruments();
        await using var host = await HttpHost.StartAsync("127.0.0.1", 0, NullLoggerFactory.Instance, app =>
        {
            app.UseRequestMetrics(instruments, TimeProvider.System);
            app.MapGet("/broken", Task (HttpContext _) => throw new InvalidOperationException("broken"));
        }, CancellationToken.None);
        using var client = new HttpClient { BaseAddress = host.Address };
        using var answer = await client.GetAsync("/broken");
        Assert.Equal(500, (int)answer.StatusCode);
        Assert.Matches("^internal error; the server's log says more under request [0-9A-Z]+:[0-9A-F]+\n$", await answer.Content.ReadAsStringAsync());
        var cell = Assert.Single(instruments.Read().Single(f => f.Name == "pharos_http_request_duration_seconds").Cells);
        Assert.Equal(["GET", "/broken", "500"], cell.LabelValues);
    }
}
