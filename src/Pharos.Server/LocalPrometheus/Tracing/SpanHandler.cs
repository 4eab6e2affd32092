using System.Diagnostics;
using Pharos.Collector;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus.Tracing;

/// <summary>Makes a span of each request, from its sending to the head of the answer, and tells the other side of it.</summary>
/// <param name="root">Each request begins a trace; otherwise it belongs to what runs now.</param>
internal sealed class SpanHandler(ActivitySource source, string name, bool root, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Handlers as another factory makes them, with spans.</summary>
    public static HttpHandlerFactory Around(HttpHandlerFactory http, ActivitySource source, string name, bool root) =>
        options => new SpanHandler(source, name, root, http(options));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using var span = root ? source.StartRoot(name, ActivityKind.Client) : source.StartActivity(name, ActivityKind.Client);
        if (span is null) return await base.SendAsync(request, cancel);
        if (request.RequestUri is { } url)
        {
            span.SetTag("http.request.method", request.Method.Method);
            span.SetTag("server.address", url.Host);
            span.SetTag("server.port", url.Port);
            span.SetTag("url.path", url.AbsolutePath);
        }
        DistributedContextPropagator.Current.Inject(span, request, static (carrier, field, value) => ((HttpRequestMessage)carrier!).Headers.TryAddWithoutValidation(field, value));
        try
        {
            var response = await base.SendAsync(request, cancel);
            span.SetTag("http.response.status_code", (int)response.StatusCode);
            if (!response.IsSuccessStatusCode) span.SetStatus(ActivityStatusCode.Error, response.ReasonPhrase);
            return response;
        }
        catch (Exception e)
        {
            span.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }
}
