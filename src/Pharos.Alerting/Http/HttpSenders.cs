using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Pharos.Alerting;

/// <summary>Makes the transport for a receiver's HTTP requests; tests and simulations put their own in its place.</summary>
public delegate HttpMessageHandler HttpHandlerFactory(HttpClientOptions options);

/// <summary>HTTP senders of one configuration, one connection pool for each distinct <c>http_config</c>.</summary>
internal sealed class HttpSenders(HttpHandlerFactory factory, TimeProvider time, string userAgent) : IDisposable
{
    private readonly Dictionary<HttpClientOptions, HttpSender> senders = [];
    private readonly List<HttpClient> clients = [];

    public HttpSender For(HttpClientOptions options)
    {
        if (senders.TryGetValue(options, out var sender)) return sender;
        var client = NewClient(options);
        OAuth2Tokens? tokens = null;
        if (options.OAuth2 is { } oauth2) tokens = new OAuth2Tokens(NewClient(options with { Tls = oauth2.Tls }), oauth2, time);
        return senders[options] = new HttpSender(client, options, tokens, userAgent);
    }

    public void Dispose()
    {
        foreach (var client in clients) client.Dispose();
    }

    private HttpClient NewClient(HttpClientOptions options)
    {
        // The dispatcher bounds each attempt by the injected clock.
        var client = new HttpClient(factory(options)) { Timeout = Timeout.InfiniteTimeSpan };
        if (!options.EnableHttp2) client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        else client.DefaultRequestVersion = HttpVersion.Version20;
        clients.Add(client);
        return client;
    }
}

/// <summary>Real sockets, with a firewall against addresses that tenants' receivers must not reach.</summary>
/// <param name="firewall">Asked at each connection.</param>
public sealed class SocketHandlers(Func<ReceiverFirewall> firewall)
{
    public HttpMessageHandler Create(HttpClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = options.FollowRedirects,
            MaxAutomaticRedirections = 10,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(30),
            AutomaticDecompression = DecompressionMethods.All,
            UseCookies = false,
            UseProxy = options.ProxyUrl is not null || options.ProxyFromEnvironment,
            SslOptions = Tls.ClientOptions(options.Tls),
        };
        if (options.ProxyUrl is not null)
            handler.Proxy = new WebProxy(new Uri(options.ProxyUrl)) { BypassList = [.. options.NoProxy.Select(p => Core.LinearRegex.Escape(p))] };
        handler.ConnectCallback = ConnectAsync;
        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        // Names are resolved here, so that a redirect or a name that points inside is seen too.
        var allowed = await firewall().ResolveAsync(context.DnsEndPoint.Host, cancel);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

internal static class Tls
{
    public static SslClientAuthenticationOptions ClientOptions(TlsOptions options, string? host = null)
    {
        var ssl = new SslClientAuthenticationOptions { TargetHost = options.ServerName ?? host };
#pragma warning disable CA5359 // The user asked for it: insecure_skip_verify.
        if (options.InsecureSkipVerify) ssl.RemoteCertificateValidationCallback = Anything;
#pragma warning restore CA5359
        else if (options.Ca is not null) ssl.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Trusted(options, certificate, chain, errors);
        if (options.Certificate is not null && options.Key is not null)
        {
            // Files are read when the connection is made, so a renewed certificate needs no reload.
            ssl.LocalCertificateSelectionCallback = (_, _, _, _, _) => X509Certificate2.CreateFromPem(Text(options.Certificate), Text(options.Key));
        }
        ssl.EnabledSslProtocols = Protocols(options);
        return ssl;
    }

    private static string Text(SecretSource source) => source.Value ?? File.ReadAllText(source.File!);

    private static SslProtocols Protocols(TlsOptions options)
    {
        if (options.VersionMin is null && options.VersionMax is null) return SslProtocols.None;
        int min = Rank(options.VersionMin ?? "TLS12"), max = Rank(options.VersionMax ?? "TLS13");
        var protocols = SslProtocols.None;
        if (min <= 2 && max >= 2) protocols |= SslProtocols.Tls12;
        if (max >= 3) protocols |= SslProtocols.Tls13;
        return protocols;
    }

    private static int Rank(string version) => version[^1] - '0';

    private static bool Trusted(TlsOptions options, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None) return true;
        if (certificate is null || chain is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(Text(options.Ca!));
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(new X509Certificate2(certificate));
    }

    private static bool Anything(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => true;
}
