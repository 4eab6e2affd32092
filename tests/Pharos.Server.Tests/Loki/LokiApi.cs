using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs;
using Pharos.Server.Hosting;
using Pharos.Server.Http;
using Pharos.Server.Loki;
using Pharos.Server.Prometheus;
using Pharos.Storage.WriteLog;

namespace Pharos.Server.Tests.Loki;

/// <summary>The Loki routes on a port of their own, over a real store. Now is 2026-01-01T00:00:00Z.</summary>
internal sealed class LokiApi : IAsyncDisposable
{
    public const long NowNs = 1_767_225_600_000_000_000;

    private readonly TemporaryFolder folder = Places.NewFolder();
    private FileWriteLog log = null!;
    private HttpHost host = null!;
    private LogServices services = null!;

    public HttpClient Client { get; } = new();

    public LogStore Store { get; private set; } = null!;

    public string LogsFolder => Path.Combine(folder, "logs");

    public QueryRegistry Running { get; private set; } = null!;

    public Uri Address => host.Address;

    public ManualTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(NowNs / 1_000_000));

    public Instruments Instruments { get; } = new();

    /// <param name="tenants">True: requests name their tenant, as <see cref="ForTenant"/> does.</param>
    public static async Task<LokiApi> StartAsync(TenantLimits? limits = null, bool tenants = false, Func<WriteLogOptions, WriteLogOptions>? log = null, string? externalUrl = null)
    {
        var api = new LokiApi();
        var time = api.Time;
        var instruments = api.Instruments;
        var tenantLimits = new FixedTenantLimits(limits);
        var options = new WriteLogOptions { Folder = Path.Combine(api.folder, "write-log"), Sync = SyncPolicy.Os };
        api.log = new FileWriteLog(log?.Invoke(options) ?? options, time, instruments, NullLogger.Instance);
        api.Store = new LogStore(new LogStoreOptions { Folder = Path.Combine(api.folder, "logs"), FilterLanguage = new LogQlFilterLanguage(time) }, api.log, tenantLimits, time, instruments, NullLogger.Instance);
        api.Store.Start();
        api.Running = new QueryRegistry(time, TimeSpan.FromSeconds(5));
        var services = api.services = new LogServices(api.Store, api.Running, tenantLimits, time, instruments, externalUrl);
        api.host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance, app =>
            {
                app.UseTenancy(tenants, 0);
                LokiRoutes.Map(app, services);
                QueryListRoutes.Map(app, api.Running);
            }, CancellationToken.None);
        api.Client.BaseAddress = api.host.Address;
        return api;
    }

    public LokiApi ForTenant(string name)
    {
        Client.DefaultRequestHeaders.Remove("X-Scope-OrgID");
        Client.DefaultRequestHeaders.Add("X-Scope-OrgID", name);
        return this;
    }

    /// <summary>The value of a counter by its label values.</summary>
    public double Counted(string name, params string[] labels) =>
        Instruments.Read().Single(f => f.Name == name).Cells.Where(c => c.LabelValues.SequenceEqual(labels)).Sum(c => c.Value);

    /// <summary>Posts a push body as JSON; the answer's status and text.</summary>
    public async Task<(int Status, string Text)> PushAsync(string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync("/loki/api/v1/push", content);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, string Text)> PushAsync(byte[] body, string type, string? encoding)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (encoding is not null) content.Headers.ContentEncoding.Add(encoding);
        using var response = await Client.PostAsync("/loki/api/v1/push", content);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Three lines of two streams, one second apart, the newest now.</summary>
    public async Task FillAsync()
    {
        string json =
            $$"""
            {"streams":[
              {"stream":{"app":"shop","pod":"a"},"values":[["{{NowNs - 2_000_000_000}}","level=info took=5ms"],["{{NowNs}}","level=error took=70ms",{"trace_id":"7f"}]]},
              {"stream":{"app":"shop","pod":"b"},"values":[["{{NowNs - 1_000_000_000}}","{\"level\":\"warn\",\"n\":1.5}"]]}
            ]}
            """;
        Assert.Equal((204, ""), await PushAsync(json));
    }

    public async Task<string> GetAsync(string path, int status = 200, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var response = await Client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{path}: {(int)response.StatusCode} {text}");
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await host.DisposeAsync();
        services.Dispose();
        await Store.DisposeAsync();
        await log.DisposeAsync();
        folder.Dispose();
    }
}
