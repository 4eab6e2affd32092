using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Pharos.Collector.Http;

namespace Pharos.Collector.Tests.Http;

/// <summary>Settings of HTTP clients against sockets that write down what comes.</summary>
public sealed class HttpHandlersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("TLS12", "", SslProtocols.Tls12)]
    [InlineData("", "TLS13", SslProtocols.Tls13)]
    public async Task Headers_go_to_the_proxy_with_connect_and_the_version_of_tls_is_bounded(string max, string min, SslProtocols expected)
    {
        var seen = SslProtocols.None;
        using var certificate = Certificate();
        await using var proxy = new RawServer(async (server, stream, _) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"u8.ToArray());
            await using var secure = new SslStream(stream);
            await secure.AuthenticateAsServerAsync(certificate);
            seen = secure.SslProtocol;
            await server.HeadAsync(secure);
            await RawServer.AnswerAsync(secure, "ok");
        });
        using var client = Client(new HttpClientOptions
        {
            ProxyUrl = new Uri($"http://user:p%40ss@127.0.0.1:{proxy.Port}"),
            ProxyConnectHeaders = new Dictionary<string, string> { ["X-Tenant"] = "shop" },
            Tls = new TlsOptions { InsecureSkipVerify = true, MaxVersion = max, MinVersion = min },
        });
        Assert.Equal("ok", await client.GetStringAsync("https://shop.example/x", Cancel));
        Assert.Equal(
            $"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\nProxy-Authorization: Basic {Convert.ToBase64String("user:p@ss"u8)}\r\nX-Tenant: shop\r\n\r\n", proxy.Heads[0]);
        Assert.StartsWith("GET /x HTTP/1.1\r\n", proxy.Heads[1], StringComparison.Ordinal);
        Assert.DoesNotContain("X-Tenant", proxy.Heads[1], StringComparison.Ordinal);
        Assert.Equal(expected, seen);
    }

    [Fact]
    public async Task Plain_requests_go_through_the_proxy_without_its_headers_and_a_refused_tunnel_says_so()
    {
        await using var proxy = new RawServer((_, stream, head) => RawServer.AnswerAsync(stream, "plain", head.StartsWith("CONNECT", StringComparison.Ordinal) ? "403 Forbidden" : "200 OK"));
        using var client = Client(new HttpClientOptions
        {
            ProxyUrl = new Uri($"http://127.0.0.1:{proxy.Port}"), ProxyConnectHeaders = new Dictionary<string, string> { ["X-Tenant"] = "shop" },
        });
        Assert.Equal("plain", await client.GetStringAsync("http://shop.example/y", Cancel));
        Assert.StartsWith("GET http://shop.example/y HTTP/1.1\r\n", proxy.Heads[0], StringComparison.Ordinal);
        Assert.DoesNotContain("X-Tenant", proxy.Heads[0], StringComparison.Ordinal);
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("https://shop.example/", Cancel));
        Assert.Contains($"the proxy 127.0.0.1:{proxy.Port} opens no tunnel to shop.example:443: HTTP/1.1 403 Forbidden", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_connection_goes_to_the_next_address()
    {
        await using var server = new RawServer((_, stream, head) => RawServer.AnswerAsync(stream, "ok"), IPAddress.Any);
        using var client = Client(new HttpClientOptions { RoundRobinDns = true }, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")]));
        for (int i = 0; i < 4; i++) await client.GetStringAsync($"http://shop.example:{server.Port}/", Cancel);
        Assert.Equal(["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"], server.Addresses);
    }

    [Fact]
    public async Task Tokens_are_asked_for_through_their_own_proxy_and_names_come_from_files()
    {
        await using var proxy = new RawServer((_, stream, head) => RawServer.AnswerAsync(stream, """{"access_token":"t","expires_in":3600}"""));
        await using var server = new RawServer((_, stream, head) => RawServer.AnswerAsync(stream, "ok"));
        using (var client = Client(new HttpClientOptions
        {
            OAuth2 = new OAuth2Options { ClientId = "c", ClientSecret = "s", TokenUrl = new Uri("http://token.example/"), Http = new HttpClientOptions { ProxyUrl = new Uri($"http://127.0.0.1:{proxy.Port}") } },
        }))
        {
            await client.GetStringAsync($"http://127.0.0.1:{server.Port}/", Cancel);
        }
        Assert.StartsWith("POST http://token.example/ HTTP/1.1\r\n", proxy.Heads.Single(), StringComparison.Ordinal);
        Assert.Contains("Authorization: Bearer t\r\n", server.Heads.Single(), StringComparison.Ordinal);
        using var folder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "name"), "ada\n", Cancel);
        using (var client = Client(new HttpClientOptions { BasicAuth = new BasicAuthOptions("", "pw", "", Path.Combine(folder, "name")) })) await client.GetStringAsync($"http://127.0.0.1:{server.Port}/", Cancel);
        Assert.Contains($"Authorization: Basic {Convert.ToBase64String("ada:pw"u8)}\r\n", server.Heads[1], StringComparison.Ordinal);
    }

    private static HttpClient Client(HttpClientOptions options, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null) => new(HttpHandlers.Create(options, TimeProvider.System, resolve));

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest("CN=shop.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>Answers one request for each connection.</summary>
    private sealed class RawServer : IAsyncDisposable
    {
        private readonly TcpListener listener;
        private readonly Task serving;
        private readonly List<string> heads = [];
        private readonly List<string> addresses = [];

        /// <param name="serve">Gets a connection and the head of the request that it began with.</param>
        public RawServer(Func<RawServer, Stream, string, Task> serve, IPAddress? address = null)
        {
            listener = new TcpListener(address ?? IPAddress.Loopback, 0);
            listener.Start();
            serving = ServeAsync(serve);
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public IReadOnlyList<string> Heads
        {
            get
            {
                lock (heads) return [.. heads];
            }
        }

        public IReadOnlyList<string> Addresses => addresses;

        public async ValueTask DisposeAsync()
        {
            listener.Dispose();
            await serving;
        }

        /// <summary>Reads a request's head and writes it down.</summary>
        public async Task<string> HeadAsync(Stream stream)
        {
            var head = new StringBuilder();
            byte[] one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) == 1) head.Append((char)one[0]);
            lock (heads) heads.Add(head.ToString());
            return head.ToString();
        }

        public static async Task AnswerAsync(Stream stream, string body, string status = "200 OK")
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        }

        private async Task ServeAsync(Func<RawServer, Stream, string, Task> serve)
        {
            try
            {
                while (true)
                {
                    using var connection = await listener.AcceptTcpClientAsync();
                    addresses.Add(((IPEndPoint)connection.Client.LocalEndPoint!).Address.ToString());
                    await using var stream = connection.GetStream();
                    string head = await HeadAsync(stream);
                    await serve(this, stream, head);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // The test is over.
            }
        }
    }
}
