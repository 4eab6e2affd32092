using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;

namespace Pharos.Collector.Runtime;

/// <summary>
/// Metrics pages of components, reachable inside the process at <c>http://alloy.internal:12345/api/v0/component/ID/metrics</c>,
/// so that an exporter needs no socket.
/// </summary>
public sealed class InternalEndpoints
{
    /// <summary>The address that targets of in-process exporters carry.</summary>
    public const string Address = "alloy.internal:12345";

    private readonly ConcurrentDictionary<string, Func<CancellationToken, ValueTask<MetricsPage>>> pages = new(StringComparer.Ordinal);

    /// <summary>Shows a component's metrics until the result is disposed of.</summary>
    /// <param name="componentId">Whole id of the component.</param>
    internal IDisposable Add(string componentId, Func<CancellationToken, ValueTask<MetricsPage>> page)
    {
        pages[componentId] = page;
        return new Removal(() => pages.TryRemove(KeyValuePair.Create(componentId, page)));
    }

    internal static string MetricsPath(string componentId) => $"/api/v0/component/{componentId}/metrics";

    /// <summary>The page of a component; null where it has none.</summary>
    public async ValueTask<MetricsPage?> ReadAsync(string componentId, CancellationToken cancel) =>
        pages.TryGetValue(componentId, out var page) ? await page(cancel).ConfigureAwait(false) : null;

    /// <summary>A handler that answers requests to <see cref="Address"/> itself and passes all others on.</summary>
    public HttpMessageHandler Wrap(HttpMessageHandler inner) => new Handler(this) { InnerHandler = inner };

    private sealed class Handler(InternalEndpoints endpoints) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var url = request.RequestUri!;
            if (url.Host != "alloy.internal") return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            const string prefix = "/api/v0/component/", suffix = "/metrics";
            string path = Uri.UnescapeDataString(url.AbsolutePath);
            MetricsPage? page = null;
            if (path.StartsWith(prefix, StringComparison.Ordinal) && path.EndsWith(suffix, StringComparison.Ordinal) && path.Length > prefix.Length + suffix.Length)
                page = await endpoints.ReadAsync(path[prefix.Length..^suffix.Length], cancellationToken).ConfigureAwait(false);
            if (page is null) return new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request, Content = new StringContent($"no component serves {path}") };
            var content = new ByteArrayContent(page.Body);
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(page.ContentType);
            return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request, Content = content };
        }
    }

    private sealed class Removal(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}

/// <summary>One answer to a scrape.</summary>
public sealed record MetricsPage(byte[] Body, string ContentType);
