using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

public sealed partial class CollectorPageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_collectors_page_speaks_tls_and_shows_live_what_a_component_sends_on()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "collector.alloy"), certificateFile = Path.Combine(folder, "page.crt"), keyFile = Path.Combine(folder, "page.key");
        WriteCertificate("first", certificateFile, keyFile);
        await File.WriteAllTextAsync(config, $$"""
            http {
            	tls {
            		cert_file   = "{{certificateFile}}"
            		key_file    = "{{keyFile}}"
            		min_version = "TLS13"
            	}
            }

            livedebugging {
            	enabled = true
            }

            prometheus.exporter.self "me" { }

            prometheus.scrape "me" {
            	targets         = prometheus.exporter.self.me.targets
            	forward_to      = []
            	scrape_interval = "1s"
            	scrape_timeout  = "1s"
            }
            """, Cancel);
        await using var collector = RunningProgram.Start(PharosPrograms.Collector, "run", "--server.http.listen-addr=127.0.0.1:0", $"--storage.path={Path.Combine(folder, "data")}", config);
        var address = new Uri(Address().Match(await collector.WaitForLineAsync("now listening")).Value);
        Assert.Equal("https", address.Scheme);
        Assert.Equal("CN=first", await SubjectAsync(address));

        string shown = await ReadAsync(new Uri(address, "/api/v0/web/debug/prometheus.scrape.me"), until: "|;|");
        Assert.StartsWith("{__name__=", shown, StringComparison.Ordinal);
        Assert.Contains("component_id", await ReadAsync(new Uri(address, "/metrics"), until: "component_id"), StringComparison.Ordinal);
        Assert.Contains("there is no component", await ReadAsync(new Uri(address, "/api/v0/web/debug/nobody"), until: "component"), StringComparison.Ordinal);

        // New certificates are used from the next connection on; a broken one leaves the old in place.
        WriteCertificate("second", certificateFile, keyFile);
        Assert.Contains("config reloaded", await ReadAsync(new Uri(address, "/-/reload"), until: "reloaded"), StringComparison.Ordinal);
        Assert.Equal("CN=second", await SubjectAsync(address));
        await File.WriteAllTextAsync(keyFile, "no key", Cancel);
        Assert.Contains("collector.alloy:2:2: the server certificate and its key cannot be used", await ReadAsync(new Uri(address, "/-/reload"), until: "cannot be used"), StringComparison.Ordinal);
        Assert.Equal("CN=second", await SubjectAsync(address));
        Assert.Equal(0, await collector.TerminateAsync());
    }

    private static void WriteCertificate(string name, string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }

    private static async Task<string> SubjectAsync(Uri address)
    {
        string subject = "";
        using var http = Client((certificate, _) => subject = certificate!.Subject);
        using var answer = await http.GetAsync(new Uri(address, "/-/ready"), Cancel);
        answer.EnsureSuccessStatusCode();
        return subject;
    }

    /// <summary>Reads an answer, which may never end, until it holds a text.</summary>
    private static async Task<string> ReadAsync(Uri url, string until)
    {
        using var http = Client((_, _) => { });
        using var answer = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var stream = await answer.Content.ReadAsStreamAsync(Cancel);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains(until, StringComparison.Ordinal))
        {
            int read = await stream.ReadAsync(buffer, Cancel);
            Assert.True(read > 0, $"{url} ended with: {text}");
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        return text.ToString();
    }

    private static HttpClient Client(Action<X509Certificate?, SslPolicyErrors> seen) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
#pragma warning disable CA5359 // The certificate is the test's own; what it is, is what is asked.
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                seen(certificate, errors);
                return true;
            },
#pragma warning restore CA5359
        },
    });

    [GeneratedRegex("https?://[^ \"]+")]
    private static partial Regex Address();
}
