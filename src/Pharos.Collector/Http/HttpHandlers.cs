using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Pharos.Collector.Http;

/// <summary>Makes handlers that open real sockets, with the TLS, proxy and credentials of the options.</summary>
public static class HttpHandlers
{
    /// <param name="time">For the lifetime of OAuth 2 tokens.</param>
    public static HttpHandlerFactory Create(TimeProvider time) => options => Create(options, time);

    /// <param name="resolve">Finds the addresses of a host; null: DNS.</param>
    internal static DelegatingHandler Create(HttpClientOptions options, TimeProvider time, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = options.FollowRedirects,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            // Whoever makes spans says so to the other side himself.
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(30),
            UseProxy = options.ProxyUrl is not null || options.ProxyFromEnvironment,
        };
        IWebProxy? proxy = options.ProxyUrl is not null
            ? new WebProxy(options.ProxyUrl, BypassOnLocal: false,
                [.. options.NoProxy.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(System.Text.RegularExpressions.Regex.Escape)])
            : options.ProxyFromEnvironment ? HttpClient.DefaultProxy : null;
        handler.Proxy = proxy;
        if (options.RoundRobinDns || (proxy is not null && options.ProxyConnectHeaders.Count > 0))
        {
            var connections = new Connections(proxy, options.ProxyConnectHeaders, options.RoundRobinDns, resolve ?? Dns.GetHostAddressesAsync);
            handler.Proxy = connections.PlainProxy;
            handler.ConnectCallback = connections.OpenAsync;
        }
        if (options.Tls is { } tls) Secure(handler.SslOptions, tls);
        return new CredentialsHandler(options, options.OAuth2 is { } oauth ? Create(oauth.Http, time) : null, time) { InnerHandler = handler };
    }

    private static void Secure(SslClientAuthenticationOptions ssl, TlsOptions tls)
    {
        if (tls.ServerName.Length > 0) ssl.TargetHost = tls.ServerName;
        ssl.EnabledSslProtocols = (tls.MinVersion, tls.MaxVersion) switch
        {
            ("TLS13", _) => SslProtocols.Tls13,
            (_, "TLS12") => SslProtocols.Tls12,
            ("TLS12", _) => SslProtocols.Tls12 | SslProtocols.Tls13,
            // The platform decides what it still offers; older versions than 1.2 are off on current systems.
            _ => SslProtocols.None,
        };
        if (tls.InsecureSkipVerify)
        {
#pragma warning disable CA5359 // The operator asked for it by name: insecure_skip_verify.
            ssl.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (tls.CaPem.Length > 0 || tls.CaFile.Length > 0)
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(tls.CaPem.Length > 0 ? tls.CaPem : File.ReadAllText(tls.CaFile));
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            ssl.CertificateChainPolicy = policy;
        }
        if (tls.CertPem.Length > 0 || tls.CertFile.Length > 0)
        {
            ssl.LocalCertificateSelectionCallback = (_, _, _, _, _) => X509Certificate2.CreateFromPem(
                tls.CertPem.Length > 0 ? tls.CertPem : File.ReadAllText(tls.CertFile),
                tls.KeyPem.Length > 0 ? tls.KeyPem : File.ReadAllText(tls.KeyFile));
        }
    }
}
