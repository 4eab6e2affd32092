using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Hosting;
using Pharos.Server.Prometheus;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>The query routes on a port of their own, over a store in memory.</summary>
internal sealed class QueryApi : IAsyncDisposable
{
    /// <summary>The API's idea of now: 2026-01-01T00:00:00Z, behind an hour of samples.</summary>
    public const long NowMs = 1_767_225_600_000;

    private readonly PromQlEngine engine;
    private readonly HttpHost host;
    private readonly HttpClient client;

    private QueryApi(MemoryMetrics store, PromQlEngine engine, HttpHost host)
    {
        Store = store;
        this.engine = engine;
        this.host = host;
        client = new HttpClient { BaseAddress = host.Address };
    }

    public MemoryMetrics Store { get; }

    public Uri Address => host.Address;

    public static async Task<QueryApi> StartAsync(TenantLimits? limits = null, PromQlOptions? options = null, PrometheusStatus? status = null)
    {
        var store = new MemoryMetrics();
        var time = new ManualTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(NowMs));
        var engine = new PromQlEngine(store, options ?? new PromQlOptions(), time, new Instruments(), new FixedTenantLimits(limits));
        var host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance,
            app =>
            {
                PrometheusQueryRoutes.Map(app, engine, store, time, status ?? new PrometheusStatus());
                QueryListRoutes.Map(app, engine.Queries);
            },
            CancellationToken.None);
        return new QueryApi(store, engine, host);
    }

    /// <summary>A counter per path, one sample every 15 s for the hour before now, growing 1, 2 and 3 per second.</summary>
    public void FillRequests()
    {
        string[] paths = ["/a", "/b", "/c"];
        for (int p = 0; p < paths.Length; p++)
        {
            var labels = Labels.Of((Labels.MetricName, "requests_total"), ("job", "shop"), ("path", paths[p]));
            for (int i = 0; i <= 240; i++) Store.Add(labels, NowMs - 3_600_000 + (i * 15_000L), (p + 1) * i * 15.0);
        }
        Store.Add(new MetricMetadata("requests_total", MetricType.Counter, "Requests served.", ""));
    }

    public async Task<string> TextAsync(string path, int status = 200, string media = "application/json")
    {
        using var response = await client.GetAsync(path);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{path}: {(int)response.StatusCode} {text}");
        Assert.Equal(media, response.Content.Headers.ContentType?.MediaType);
        return text;
    }

    public async Task<string> PostAsync(string path, params (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        using var response = await client.PostAsync(path, content);
        return await response.Content.ReadAsStringAsync();
    }

    public async Task<JsonElement> DataAsync(string path)
    {
        using var document = JsonDocument.Parse(await TextAsync(path));
        Assert.Equal("success", document.RootElement.GetProperty("status").GetString());
        return document.RootElement.GetProperty("data").Clone();
    }

    public async Task<(string Type, string Message)> ErrorAsync(string path, int status)
    {
        using var document = JsonDocument.Parse(await TextAsync(path, status));
        Assert.Equal("error", document.RootElement.GetProperty("status").GetString());
        return (document.RootElement.GetProperty("errorType").GetString()!, document.RootElement.GetProperty("error").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await host.DisposeAsync();
        engine.Dispose();
    }
}
