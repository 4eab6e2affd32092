using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;
using Pharos.Wire.Signing;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>Alerts to an Alertmanager behind AWS's signatures.</summary>
public sealed class AlertmanagerSigningTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_request_carries_a_signature_of_its_body()
    {
        var taken = new TaskCompletionSource<(IHeaderDictionary Headers, byte[] Body)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var alertmanager = await HttpHost.StartAsync("127.0.0.1", 0, NullLoggerFactory.Instance, application => application.MapPost("/am/api/v2/alerts", async (HttpContext http) =>
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            taken.TrySetResult((new HeaderDictionary(http.Request.Headers.ToDictionary()), body.ToArray()));
        }), Cancel);
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(Path.Combine(folder, "r.yml"), "groups: [{name: g, interval: 100ms, rules: [{alert: Always, expr: vector(1)}]}]\n", Cancel);
        await File.WriteAllTextAsync(config, $$"""
            rule_files: [r.yml]
            alerting:
              alertmanagers:
              - path_prefix: /am
                sigv4: {region: eu-west-1, access_key: AKID, secret_key: hidden}
                static_configs: [{targets: ['{{alertmanager.Address.Authority}}']}]
            """, Cancel);
        await using var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0 }, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        var (headers, body) = await taken.Task.WaitAsync(Cancel);
        var at = DateTimeOffset.ParseExact(headers["X-Amz-Date"].ToString(), "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        var expected = new SignatureV4("eu-west-1", "aps").Sign(
            "POST", new Uri(alertmanager.Address, "am/api/v2/alerts"), [("Content-Type", headers.ContentType.ToString())], body, new AwsCredentials("AKID", "hidden"), at);
        Assert.All(expected, e => Assert.Equal(e.Value, headers[e.Name].ToString()));
        using var http = new HttpClient { BaseAddress = host.Address };
        Assert.DoesNotContain("hidden", await http.GetStringAsync("/api/v1/status/config", Cancel), StringComparison.Ordinal);
    }
}
