using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Pharos.Collector.Http;

/// <summary>
/// Opens connections where the platform's client cannot do what is asked: headers for a proxy that is asked for a tunnel, the addresses of a host in turn.
/// </summary>
/// <param name="proxy">Null: none.</param>
/// <param name="connectHeaders">Sent with CONNECT.</param>
/// <param name="inTurn">Each connection goes to the next of the host's addresses; else to the first that answers.</param>
internal sealed class Connections(
    IWebProxy? proxy, IReadOnlyDictionary<string, string> connectHeaders, bool inTurn, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    /// <summary>Of a proxy's answer to CONNECT; nothing honest is longer.</summary>
    private const int HeadBytesMax = 16 << 10;

    private int turn = -1;

    /// <summary>What the platform's client is told of: it goes to the proxy by itself for http alone, and for https too where there are no headers to send.</summary>
    public IWebProxy? PlainProxy { get; } = proxy is null || connectHeaders.Count == 0 ? proxy : new HttpOnly(proxy);

    /// <exception cref="HttpRequestException">The proxy opens no tunnel.</exception>
    public async ValueTask<Stream> OpenAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var target = context.InitialRequestMessage.RequestUri!;
        if (connectHeaders.Count == 0 || target.Scheme != Uri.UriSchemeHttps || proxy is null || proxy.IsBypassed(target) || proxy.GetProxy(target) is not { } through)
            return await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancel);
        Stream stream = await ConnectAsync(through.Host, through.Port, cancel);
        try
        {
            if (through.Scheme == Uri.UriSchemeHttps)
            {
                var secure = new SslStream(stream);
                stream = secure;
                await secure.AuthenticateAsClientAsync(through.Host);
            }
            await AskForTunnelAsync(stream, through, $"{target.IdnHost}:{target.Port}", cancel);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task<NetworkStream> ConnectAsync(string host, int port, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var addresses = await resolve(host, cancel);
            if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
            if (inTurn) addresses = [addresses[(int)((uint)Interlocked.Increment(ref turn) % addresses.Length)]];
            await socket.ConnectAsync(addresses, port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AskForTunnelAsync(Stream stream, Uri through, string target, CancellationToken cancel)
    {
        var head = new StringBuilder($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if (through.UserInfo.Length > 0) head.Append($"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(through.UserInfo)))}\r\n");
        foreach (var (name, value) in connectHeaders) head.Append($"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(head.Append("\r\n").ToString()), cancel);
        // A byte at a time: what follows the answer is not the proxy's any more.
        byte[] answer = new byte[HeadBytesMax];
        int length = 0;
        while (!answer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            if (length == answer.Length || await stream.ReadAsync(answer.AsMemory(length, 1), cancel) == 0)
                throw new HttpRequestException($"the proxy {through.Host}:{through.Port} gave no answer to CONNECT {target}");
            length++;
        }
        string status = Encoding.ASCII.GetString(answer, 0, length).Split("\r\n")[0];
        if (status.Split(' ') is not [_, ['2', ..], ..]) throw new HttpRequestException($"the proxy {through.Host}:{through.Port} opens no tunnel to {target}: {status}");
    }

    private sealed class HttpOnly(IWebProxy all) : IWebProxy
    {
        public ICredentials? Credentials { get => all.Credentials; set => all.Credentials = value; }

        public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : all.GetProxy(destination);

        public bool IsBypassed(Uri host) => host.Scheme == Uri.UriSchemeHttps || all.IsBypassed(host);
    }
}
