using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Hosting;

/// <summary>Kestrel on one address, the same way for every command: bind errors explained, clean stop, requests measured.</summary>
public sealed class HttpHost : IAsyncDisposable
{
    private const int BodyBytesMax = 16 << 20;

    /// <summary>
    /// Bytes of a request's first line: the longest LogQL query, 128 KiB, with each byte escaped, and what else stands in an address. The systems that
    /// Pharos stands in for take up to 1 MiB of line and headers together.
    /// </summary>
    private const int RequestLineBytesMax = 512 << 10;

    private const int HeaderBytesMax = 128 << 10;

    private readonly WebApplication application;

    private HttpHost(WebApplication application, Uri address)
    {
        this.application = application;
        Address = address;
    }

    /// <summary>The address listened on, with the port that was picked.</summary>
    public Uri Address { get; }

    /// <param name="host">Name or address to bind; empty for all addresses.</param>
    /// <param name="port">0 picks a free port.</param>
    /// <param name="map">Adds middleware and routes.</param>
    /// <param name="web">Asked for each connection and request; TLS or not is decided at the start. Null: plain HTTP for everybody.</param>
    /// <param name="before">Awaited when all routes are there, before anything is listened to; what it throws goes on.</param>
    /// <exception cref="IOException">The address cannot be bound; the message says why and what to do.</exception>
    public static async Task<HttpHost> StartAsync(
        string host, int port, ILoggerFactory loggers, Action<WebApplication> map, CancellationToken cancel, Func<WebConfig>? web = null, Func<Task>? before = null)
    {
        var atStart = web?.Invoke() ?? new WebConfig();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRouting();
        ResponseEncoding.Add(builder.Services);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(loggers);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Every route that takes a body has its own bound, in its own words; this one is for what none reads.
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
            kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
            // Slow links may be slow; one that sends nothing does not hold a connection for ever.
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(30));
            if (host.Length == 0 || host == "*") kestrel.ListenAnyIP(port, Secure);
            else if (IPAddress.TryParse(host, out var address)) kestrel.Listen(address, port, Secure);
            else if (host == "localhost" && port != 0) kestrel.ListenLocalhost(port, Secure);
            else kestrel.Listen(Resolve(host), port, Secure);
        });
        var application = builder.Build();
        // Labels and log lines are hostile text: no browser may take an answer for a page that is none.
        application.Use((http, next) =>
        {
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return next(http);
        });
        if (web is not null) Protect(application, web);
        application.UseResponseEncoding();
        application.UseWebSockets();
        application.UseBrokenHandlers(loggers.CreateLogger("Http"));
        map(application);
        try
        {
            await (before?.Invoke() ?? Task.CompletedTask);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }
        try
        {
            await application.StartAsync(cancel);
        }
        catch (IOException e)
        {
            await application.DisposeAsync();
            throw new IOException(Explain(host, port, e), e);
        }
        catch (SocketException e)
        {
            await application.DisposeAsync();
            throw new IOException(Explain(host, port, e), e);
        }
        var bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new HttpHost(application, new Uri(bound.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)));

        void Secure(ListenOptions listen)
        {
            if (atStart.Tls is null) return;
            if (!atStart.Http2) listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult((web!().Tls ?? atStart.Tls).Authentication) });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
    }

    private static void Protect(WebApplication application, Func<WebConfig> web)
    {
        var authentication = new BasicAuthentication(() => web().Users);
        application.Use((http, next) =>
        {
            foreach (var (name, value) in web().Headers) http.Response.Headers[name] = value;
            return authentication.InvokeAsync(http, next);
        });
    }

    private static IPAddress Resolve(string host)
    {
        try
        {
            var addresses = Dns.GetHostAddresses(host);
            return addresses.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {host}: the name does not resolve ({e.Message}); give an address such as 127.0.0.1", e);
        }
    }

    private static string Explain(string host, int port, Exception e)
    {
        string text = e.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } || e.Message.Contains("already in use", StringComparison.Ordinal)
            ? $"port {port} on {host} is in use by another program; stop it, or choose another port (port 0 picks a free one)"
            : $"cannot listen on {host}:{port}: {e.GetBaseException().Message}";
        return text;
    }
}
