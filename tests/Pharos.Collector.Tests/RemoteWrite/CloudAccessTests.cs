using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Tests.Scraping;
using Pharos.Core;
using Pharos.Wire.Signing;

namespace Pharos.Collector.Tests.RemoteWrite;

/// <summary>Remote write into the receivers of clouds, each played by a handler that answers as its documentation says.</summary>
public sealed class CloudAccessTests : IDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly List<string> asked = [];
    private readonly Changes changes = new();
    private readonly List<(HttpRequestMessage Request, byte[] Body)> written = [];

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Sigv4_signs_each_body_with_the_keys()
    {
        await SendAsync(new CloudAccess { SigV4 = new SigV4Access("eu-west-1", "AKID", "secret", "", "", "", "aps") }, (_, _) => null);
        Assert.Empty(asked);
        Assert.All(written, w => AssertSigned(w.Request, w.Body, new AwsCredentials("AKID", "secret")));
    }

    [Fact]
    public async Task Sigv4_assumes_a_role_once_and_signs_with_what_it_gives()
    {
        await SendAsync(new CloudAccess { SigV4 = new SigV4Access("eu-west-1", "AKID", "secret", "", "arn:aws:iam::1:role/writer", "ext", "aps") }, (request, body) =>
            request.RequestUri!.Host == "sts.eu-west-1.amazonaws.com" && body.Contains("Action=AssumeRole", StringComparison.Ordinal) && body.Contains("ExternalId=ext", StringComparison.Ordinal)
                ? "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
                : null);
        Assert.Equal(["https://sts.eu-west-1.amazonaws.com/"], asked);
        Assert.All(written, w => AssertSigned(w.Request, w.Body, new AwsCredentials("ASIA", "temporary", "token")));
    }

    [Theory]
    [InlineData("AzurePublic", "", "https://login.microsoftonline.com/tenant/oauth2/v2.0/token", "https://monitor.azure.com//.default")]
    [InlineData("AzureGovernment", "", "https://login.microsoftonline.us/tenant/oauth2/v2.0/token", "https://monitor.azure.us//.default")]
    [InlineData("AzureChina", "", "https://login.chinacloudapi.cn/tenant/oauth2/v2.0/token", "https://monitor.azure.cn//.default")]
    [InlineData("AzurePublic", "https://other.example/.default", "https://login.microsoftonline.com/tenant/oauth2/v2.0/token", "https://other.example/.default")]
    public async Task Azuread_asks_the_clouds_login_for_its_monitor(string cloud, string scope, string login, string expected)
    {
        string form = "";
        await SendAsync(new CloudAccess { AzureAd = new AzureAdAccess(cloud, "OAuth", "tenant", "client", "secret", "", scope) }, (_, body) =>
        {
            form = WebUtility.UrlDecode(body);
            return """{"access_token":"from azure","expires_in":3600}""";
        });
        Assert.Equal([login], asked);
        Assert.Equal($"client_id=client&client_secret=secret&grant_type=client_credentials&scope={expected}", form);
        Assert.All(written, w => Assert.Equal("Bearer from azure", w.Request.Headers.Authorization!.ToString()));
    }

    [Fact]
    public async Task Azuread_knows_machines_and_workloads()
    {
        string file = Path.Combine(folder, "token");
        await File.WriteAllTextAsync(file, "federated\n", TestContext.Current.CancellationToken);
        string form = "";
        await SendAsync(new CloudAccess { AzureAd = new AzureAdAccess("AzurePublic", "WorkloadIdentity", "tenant", "client", "", file, "") }, (_, body) =>
        {
            form = WebUtility.UrlDecode(body);
            return """{"access_token":"w","expires_in":"3600"}""";
        });
        Assert.Contains("client_assertion=federated&", form, StringComparison.Ordinal);
        asked.Clear();
        written.Clear();
        await SendAsync(new CloudAccess { AzureAd = new AzureAdAccess("AzurePublic", "ManagedIdentity", "", "me", "", "", "") }, (request, _) =>
            request.Headers.Contains("Metadata") ? """{"access_token":"m","expires_in":"3600"}""" : null);
        Assert.Equal(["http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmonitor.azure.com%2F&client_id=me"], asked);
        Assert.All(written, w => Assert.Equal("Bearer m", w.Request.Headers.Authorization!.ToString()));
    }

    [Fact]
    public async Task Google_iam_changes_the_files_credentials_for_tokens()
    {
        string file = Path.Combine(folder, "google.json");
        await File.WriteAllTextAsync(
            file, """{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","token_uri":"https://google.example/token"}""", TestContext.Current.CancellationToken);
        await SendAsync(new CloudAccess { GoogleIam = new GoogleIamAccess(file) }, (_, _) => """{"access_token":"g","expires_in":3600}""");
        Assert.Equal(["https://google.example/token"], asked);
        Assert.All(written, w => Assert.Equal("Bearer g", w.Request.Headers.Authorization!.ToString()));
    }

    [Fact]
    public async Task While_there_are_no_credentials_samples_wait()
    {
        int refused = 0;
        await SendAsync(new CloudAccess { AzureAd = new AzureAdAccess("AzurePublic", "OAuth", "tenant", "client", "secret", "", "") }, (_, _) =>
            Interlocked.Increment(ref refused) < 4 ? null : """{"access_token":"late","expires_in":3600}""");
        Assert.Equal(4, asked.Count);
        Assert.Equal(2, written.Count);
    }

    private static void AssertSigned(HttpRequestMessage request, byte[] body, AwsCredentials credentials)
    {
        string at = request.Headers.GetValues("X-Amz-Date").Single();
        var when = DateTimeOffset.ParseExact(at, "yyyyMMdd'T'HHmmss'Z'", null, System.Globalization.DateTimeStyles.AssumeUniversal);
        var expected = new SignatureV4("eu-west-1", "aps").Sign(
            "POST", request.RequestUri!, [("Content-Type", request.Content!.Headers.GetValues("Content-Type").Single())], body, credentials, when);
        foreach (var (name, value) in expected) Assert.Equal(value, request.Headers.GetValues(name).Single());
    }

    /// <summary>Sends two batches, one after the other.</summary>
    /// <param name="answer">To what is asked of others than the receiver; null: 403.</param>
    private async Task SendAsync(CloudAccess cloud, Func<HttpRequestMessage, string, string?> answer)
    {
        var options = new RemoteWriteOptions
        {
            Endpoints =
            [
                new RemoteWriteEndpointOptions
                {
                    Url = new Uri("http://receiver/api/v1/push?a=b"), Name = "cloud", Cloud = cloud,
                    BatchSendDeadline = TimeSpan.FromMilliseconds(1), BackoffMin = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(2),
                },
            ],
        };
        await using var queue = new RemoteWriteQueue(
            options, Path.Combine(folder, Guid.NewGuid().ToString()), _ => new FakeHandler(TakeAsync), TimeProvider.System, new Instruments(), NullLogger.Instance);
        for (int i = 1; i <= 2; i++)
        {
            using var batch = new MetricBatch();
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "up"))), i, i);
            await queue.AppendAsync(batch, CancellationToken.None);
            int wanted = i;
            await changes.UntilAsync(() => written.Count >= wanted, () => $"{wanted} requests");
        }

        async Task<HttpResponseMessage> TakeAsync(HttpRequestMessage request, CancellationToken cancel)
        {
            byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancel);
            if (request.RequestUri!.Host == "receiver")
            {
                written.Add((request, body));
                changes.Signal();
                return new HttpResponseMessage(HttpStatusCode.NoContent);
            }
            asked.Add(request.RequestUri.ToString());
            return answer(request, System.Text.Encoding.UTF8.GetString(body)) is { } text
                ? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(text) }
                : new HttpResponseMessage(HttpStatusCode.Forbidden);
        }
    }
}
