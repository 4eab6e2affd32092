using System.Net;

namespace Pharos.Collector.Discovery;

/// <summary>Targets from a web server.</summary>
internal sealed class HttpDiscoverer(HttpOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string url = options.Url.ToString();
        using var request = DiscoveryHttp.Request(HttpMethod.Get, url, ("X-Prometheus-Refresh-Interval-Seconds", options.RefreshInterval.TotalSeconds.ToString()));
        using var response = await http.AnswerAsync(request, cancel);
        if (response.StatusCode != HttpStatusCode.OK) throw new DiscoveryException($"{url} answered HTTP status {(int)response.StatusCode}");
        if (response.Content.Headers.ContentType?.MediaType != "application/json") throw new DiscoveryException($"{url}: unsupported content type \"{response.Content.Headers.ContentType}\"");
        return new FoundTargets(TargetGroups.Read(await response.Content.ReadAsStringAsync(cancel), json: true, "__meta_url", url));
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();
}
