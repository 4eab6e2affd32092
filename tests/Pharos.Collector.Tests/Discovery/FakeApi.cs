using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Discovery;
using Pharos.Collector.Http;
using Pharos.Core;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>
/// A local HTTP server that stands for the API of a platform. Requests to any host reach it; the host asked for stays in a header.
/// </summary>
internal sealed class FakeApi : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ConcurrentDictionary<string, Func<HttpContext, string, Task>> routes = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Asked> asked = new();

    public FakeApi()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        application = builder.Build();
        application.Run(AnswerAsync);
        application.StartAsync().GetAwaiter().GetResult();
        Address = new Uri(application.Urls.First());
    }

    public sealed record Reply(string Body, int Status = 200, string ContentType = "application/json", params IReadOnlyList<(string Name, string Value)> Headers);

    /// <param name="Url">Path and query.</param>
    public sealed record Asked(string Method, string Host, string Url, string Body, IReadOnlyDictionary<string, string> Headers)
    {
        public override string ToString() => $"{Method} {Host}{Url}";
    }

    public Uri Address { get; }

    /// <summary>All requests so far, in order.</summary>
    public IReadOnlyList<Asked> Requests => [.. asked];

    /// <summary>Method, host, path and query of all requests so far.</summary>
    public IReadOnlyList<string> Lines => [.. asked.Select(a => a.ToString())];

    public DiscoveryContext Context { get; private set; } = null!;

    /// <summary>A context whose every request comes here.</summary>
    public DiscoveryContext NewContext(TimeProvider? time = null)
    {
        var clock = time ?? TimeProvider.System;
        var real = HttpHandlers.Create(TimeProvider.System);
        // The credentials come from the real handler; only the way out is another.
        return Context = new DiscoveryContext(options => new ToHere(Address) { InnerHandler = real(options) }, clock, new Instruments(), NullLogger.Instance);
    }

    /// <summary>Answers a path, with its query, always with the same body.</summary>
    public FakeApi Get(string url, string body, params (string Name, string Value)[] headers) => On("GET " + url, (_, _) => new Reply(body, Headers: headers));

    /// <param name="route">Method, path and query.</param>
    public FakeApi On(string route, Func<HttpRequest, string, Reply> answer) => Stream(route, async (http, body) =>
    {
        var reply = answer(http.Request, body);
        http.Response.StatusCode = reply.Status;
        if (reply.Status == 304) return;
        http.Response.ContentType = reply.ContentType;
        foreach (var (name, value) in reply.Headers) http.Response.Headers[name] = value;
        await http.Response.WriteAsync(reply.Body);
    });

    /// <summary>Answers as long as it likes.</summary>
    /// <param name="route">Method, path and query.</param>
    public FakeApi Stream(string route, Func<HttpContext, string, Task> answer)
    {
        routes[route] = answer;
        return this;
    }

    /// <summary>What one look of a discovery finds.</summary>
    public async Task<IReadOnlyList<Labels>> FindAsync(DiscoveryOptions options, TimeProvider? time = null)
    {
        await using var discoverer = options.Open(NewContext(time));
        return (await discoverer.RefreshAsync(TestContext.Current.CancellationToken)).Targets;
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        string body = await new StreamReader(http.Request.Body, Encoding.UTF8).ReadToEndAsync();
        string url = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        asked.Enqueue(new Asked(
            http.Request.Method, http.Request.Headers["X-Original-Host"].ToString(), url, body, http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        if (routes.TryGetValue($"{http.Request.Method} {url}", out var answer))
        {
            await answer(http, body);
            return;
        }
        http.Response.StatusCode = 404;
        await http.Response.WriteAsync($"no route {http.Request.Method} {url}");
    }

    private sealed class ToHere(Uri address) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var url = request.RequestUri!;
            string host = url.Authority == address.Authority ? "" : $"{url.Scheme}://{url.Authority}";
            request.Headers.TryAddWithoutValidation("X-Original-Host", host);
            request.RequestUri = new Uri(address, url.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
