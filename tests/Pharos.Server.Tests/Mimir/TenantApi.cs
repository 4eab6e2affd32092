using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Mimir;

/// <summary>A whole server with a configuration, on a clock that stands still, reached over HTTP.</summary>
internal sealed class TenantApi : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private HttpClient? http;
    private PharosServer server = null!;

    public ManualTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public long Now => Time.UnixMs();

    public Uri Address => server.Address;

    public string ConfigFile => Path.Combine(folder, "pharos.yml");

    public string RuntimeFile => Path.Combine(folder, "runtime.yml");

    public static async Task<TenantApi> StartAsync(string config, string? runtime = null)
    {
        var api = new TenantApi();
        await File.WriteAllTextAsync(api.ConfigFile, runtime is null ? config : config + "\nruntime_config: {file: runtime.yml}\n");
        if (runtime is not null) await File.WriteAllTextAsync(api.RuntimeFile, runtime);
        await api.StartAsync();
        return api;
    }

    public async Task RestartAsync()
    {
        await server.DisposeAsync();
        await StartAsync();
    }

    /// <param name="series">Label sets as in a query, with value 1 at the time given.</param>
    public async Task<(int Status, string Text, HttpResponseHeaders Headers)> PushAsync(string? tenant, long ms, params string[] series)
    {
        using var batch = new MetricBatch();
        foreach (string text in series) batch.AddSample(batch.AddSeries(LabelsOf(text)), ms, 1);
        return await PushAsync(tenant, batch);
    }

    public async Task<(int Status, string Text, HttpResponseHeaders Headers)> PushAsync(string? tenant, MetricBatch batch)
    {
        using var content = new ByteArrayContent(new RemoteWriteEncoder().Encode(batch, RemoteWriteVersion.V1).ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-protobuf");
        content.Headers.ContentEncoding.Add("snappy");
        return await SendAsync(HttpMethod.Post, "/api/v1/push", tenant, content);
    }

    public async Task<(int Status, string Text, HttpResponseHeaders Headers)> SendAsync(HttpMethod method, string path, string? tenant = null, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (tenant is not null) request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http!.SendAsync(request);
        return ((int)response.StatusCode, (await response.Content.ReadAsStringAsync()).TrimEnd('\n'), response.Headers);
    }

    /// <summary>The body of an answer 200.</summary>
    public async Task<byte[]> BytesAsync(string path, string tenant, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("X-Scope-OrgID", tenant);
        using var response = await http!.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.StatusCode == System.Net.HttpStatusCode.OK, $"{path}: {response.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
        return body;
    }

    public async Task<string> GetAsync(string path, string? tenant = null, int status = 200)
    {
        var (actual, text, _) = await SendAsync(HttpMethod.Get, path, tenant);
        Assert.True(actual == status, $"{path}: {actual} {text}");
        return text;
    }

    public async Task<JsonElement> DataAsync(string path, string? tenant = null)
    {
        using var document = JsonDocument.Parse(await GetAsync(path, tenant));
        return document.RootElement.GetProperty("data").Clone();
    }

    /// <summary>The series that a selector finds, as <c>name{label="value"}</c>, sorted.</summary>
    public async Task<string[]> SeriesAsync(string selector, string? tenant = null)
    {
        var data = await DataAsync($"/prometheus/api/v1/series?match[]={Uri.EscapeDataString(selector)}", tenant);
        return [.. data.EnumerateArray().Select(s => Labels.Of(s.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))).ToString())];
    }

    /// <summary>A metric of the server's own; 0 where it is missing.</summary>
    public async Task<double> MetricAsync(string nameAndLabels)
    {
        string line = (await GetAsync("/metrics")).Split('\n').FirstOrDefault(l => l.StartsWith(nameAndLabels + " ", StringComparison.Ordinal)) ?? "x 0";
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        http?.Dispose();
        if (server is not null) await server.DisposeAsync();
        folder.Dispose();
    }

    public static Labels LabelsOf(string text)
    {
        var matchers = PromQL.PromQlLanguage.ParseSelector(text);
        return Labels.Of(matchers.Select(m => KeyValuePair.Create(m.Name, m.Value)));
    }

    private async Task StartAsync()
    {
        var config = ServerConfig.Load(await File.ReadAllTextAsync(ConfigFile), ConfigFile);
        server = await PharosServer.StartAsync(
            new ServerOptions { Port = 0, DataFolder = Path.Combine(folder, "data"), Config = config }, Time, NullLoggerFactory.Instance, CancellationToken.None);
        http?.Dispose();
        http = new HttpClient { BaseAddress = server.Address };
    }
}
