using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus;

public sealed class WebConfigTests : IDisposable
{
    // Of "secret", as htpasswd -B makes it.
    private readonly string hash = BCrypt.Net.BCrypt.HashPassword("secret", 4);
    private readonly TemporaryFolder folder = Places.NewFolder();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Only_users_of_the_list_get_in_over_tls()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pharos", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(folder, "web.crt"), certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "web.key"), key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
        var config = WebConfig.Load(Write($$"""
            tls_server_config: {cert_file: web.crt, key_file: web.key}
            http_server_config:
              headers: {X-Frame-Options: deny}
            basic_auth_users: {ada: "{{hash}}"}
            """));
        await using var host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance, app => app.MapGet("/", http => http.Response.WriteAsync("in")), TestContext.Current.CancellationToken, () => config);
        Assert.Equal("https", host.Address.Scheme);
        string seen = "";
#pragma warning disable CA5359 // The certificate is the test's own; which one it is, is what is asked.
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, c, _, _) => (seen = c!.Subject).Length > 0 } });
#pragma warning restore CA5359
        foreach (var (user, password, expected) in new[] { ("ada", "secret", 200), ("ada", "wrong", 401), ("eve", "secret", 401), ("ada", "secret", 200), ("ada", "wrong", 401) })
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, host.Address);
            ask.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
            using var answer = await http.SendAsync(ask, TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode)expected, answer.StatusCode);
            Assert.Equal("deny", answer.Headers.GetValues("X-Frame-Options").Single());
        }
        using var nobody = await http.GetAsync(host.Address, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        Assert.Equal("Basic", nobody.Headers.WwwAuthenticate.ToString());
        Assert.Equal("CN=pharos", seen);
    }

    [Theory]
    [InlineData("basic_auth_users: {ada: secret}", "1:19: the password of ada is not a bcrypt hash")]
    [InlineData("tls_server_config: {cert_file: nobody.crt, key_file: nobody.key}", "1:20: Could not find file")]
    [InlineData("tls_server_config: {key_file: web.key}", "1:20: a server certificate is missing")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: Sometimes", "4:21: invalid ClientAuth: Sometimes")]
    [InlineData("tls_server_config:\n  cipher_suites: [x]", "2:18: cipher_suites is not supported")]
    [InlineData("http_server_config:\n  headers: {Server: x}", "2:12: HTTP header \"Server\" can not be configured")]
    [InlineData("basic_auth: {}", "1:1: field basic_auth not found in the web configuration")]
    public void A_mistake_is_named_with_its_place(string text, string error)
    {
        var e = Assert.Throws<ConfigurationException>(() => WebConfig.Load(Write(text)));
        Assert.Contains(e.Diagnostics, d => d.ToString().Contains("web.yml:" + error, StringComparison.Ordinal));
    }

    private string Write(string text)
    {
        string file = Path.Combine(folder, "web.yml");
        File.WriteAllText(file, text);
        return file;
    }
}
