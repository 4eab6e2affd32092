using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pharos.Collector.Http;

/// <summary>The certificates of a server. PEM text or the file that holds it; at most one of each pair is set.</summary>
public sealed record ServerTlsOptions
{
    public string CertPem { get; init; } = "";
    public string CertFile { get; init; } = "";
    public string KeyPem { get; init; } = "";
    public string KeyFile { get; init; } = "";

    /// <summary>Authorities of client certificates; empty: the machine's.</summary>
    public string ClientCaPem { get; init; } = "";

    /// <inheritdoc cref="ClientCaPem"/>
    public string ClientCaFile { get; init; } = "";

    /// <summary>One of <see cref="ServerTls.ClientAuthTypes"/>.</summary>
    public string ClientAuthType { get; init; } = "NoClientCert";

    /// <summary><c>TLS12</c> or <c>TLS13</c>; empty: TLS 1.2.</summary>
    public string MinVersion { get; init; } = "";

    /// <inheritdoc cref="MinVersion"/>
    public string MaxVersion { get; init; } = "";

    /// <summary>Never shows the key.</summary>
    public override string ToString() => $"tls {{ cert_file = {CertFile} }}";
}

/// <summary>What a TLS server presents and asks of its clients, read once. Names follow Go's crypto/tls as Prometheus's exporter toolkit uses them.</summary>
public sealed class ServerTls
{
    public static IReadOnlyList<string> ClientAuthTypes { get; } =
        ["NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"];

    /// <exception cref="IOException">A certificate or key is missing, cannot be read, or they do not belong together.</exception>
    public ServerTls(ServerTlsOptions options)
    {
        if (options.CertPem.Length + options.CertFile.Length == 0) throw new IOException("a server certificate is missing; give a certificate and its key");
        if (options.KeyPem.Length + options.KeyFile.Length == 0) throw new IOException("the key of the server certificate is missing; give a certificate and its key");
        string pem = Read(options.CertPem, options.CertFile);
        X509Certificate2 certificate;
        var chain = new X509Certificate2Collection();
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem, Read(options.KeyPem, options.KeyFile));
            chain.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new IOException($"the server certificate and its key cannot be used: {e.Message}", e);
        }
        Authentication = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
            EnabledSslProtocols = Versions(options.MinVersion, options.MaxVersion),
            ClientCertificateRequired = options.ClientAuthType != "NoClientCert",
            RemoteCertificateValidationCallback = Clients(options),
        };
    }

    /// <summary>For the handshake of each connection.</summary>
    public SslServerAuthenticationOptions Authentication { get; }

    private static SslProtocols Versions(string min, string max)
    {
        var versions = SslProtocols.Tls12 | SslProtocols.Tls13;
        if (min == "TLS13") versions = SslProtocols.Tls13;
        if (max == "TLS12") versions &= SslProtocols.Tls12;
        return versions != SslProtocols.None ? versions : throw new IOException("min_version is above max_version");
    }

    private static RemoteCertificateValidationCallback? Clients(ServerTlsOptions options)
    {
        string type = options.ClientAuthType;
        bool verify = type is "VerifyClientCertIfGiven" or "RequireAndVerifyClientCert";
        bool hasAuthorities = options.ClientCaPem.Length + options.ClientCaFile.Length > 0;
        if (hasAuthorities && !verify) throw new IOException($"authorities of client certificates are given, but client_auth_type {type} verifies none");
        if (type == "NoClientCert") return null;
        X509ChainPolicy? policy = null;
        if (hasAuthorities)
        {
            policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(Read(options.ClientCaPem, options.ClientCaFile));
        }
        return (_, certificate, _, errors) =>
        {
            if (certificate is null) return type is "RequestClientCert" or "VerifyClientCertIfGiven";
            if (!verify) return true;
            if (policy is null) return errors == SslPolicyErrors.None;
            using var chain = new X509Chain { ChainPolicy = policy.Clone() };
            return chain.Build((X509Certificate2)certificate);
        };
    }

    private static string Read(string pem, string file)
    {
        if (pem.Length > 0 || file.Length == 0) return pem;
        try
        {
            return File.ReadAllText(file);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
