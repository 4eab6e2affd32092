using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Hosting;
using Pharos.Collector.Http;

namespace Pharos.Collector.Cli;

/// <summary>
/// The collector's own server. Plain HTTP or TLS is decided by the configuration it starts with; new certificates of a reload are used
/// from the next connection on.
/// </summary>
internal sealed class CollectorPage(CollectorHost collector, string host, int port) : IAsyncDisposable
{
    private Socket? socket;
    private WebApplication? web;

    /// <summary>Takes the address; nothing is answered yet.</summary>
    /// <exception cref="IOException">It cannot be bound; the message says why and what to do.</exception>
    public void Bind()
    {
        try
        {
            var address = host.Length == 0 || host == "*" ? IPAddress.IPv6Any : IPAddress.TryParse(host, out var given) ? given : Dns.GetHostAddresses(host)[0];
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(new IPEndPoint(address, port));
        }
        catch (SocketException failure)
        {
            socket?.Dispose();
            throw new IOException($"cannot listen on {host}:{port}: {failure.Message}; choose another with --server.http.listen-addr", failure);
        }
    }

    /// <summary>Answers from now on.</summary>
    /// <returns>The address, with the port that was picked.</returns>
    public async Task<string> ListenAsync(CancellationToken cancel)
    {
        var bound = (IPEndPoint)socket!.LocalEndPoint!;
        var atStart = collector.Tls;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSockets(transport => transport.CreateBoundListenSocket = _ => socket);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(bound, listen =>
            {
                if (atStart is null) return;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult((collector.Tls ?? atStart).Authentication) });
            });
        });
        web = builder.Build();
        CollectorRoutes.Map(web, collector);
        await web.StartAsync(cancel);
        return $"{(atStart is null ? "http" : "https")}://{bound}";
    }

    public async ValueTask DisposeAsync()
    {
        if (web is not null)
        {
            await web.StopAsync(CancellationToken.None);
            await web.DisposeAsync();
        }
        socket?.Dispose();
    }
}
