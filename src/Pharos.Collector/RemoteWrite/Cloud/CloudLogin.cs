using System.Net.Http.Headers;
using System.Text.Json;
using Pharos.Collector.Discovery;

namespace Pharos.Collector.RemoteWrite;

/// <summary>Lets requests into a cloud. What it asks for that goes through clients of its own, as long as the answer holds.</summary>
internal abstract class CloudLogin : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected CloudLogin(DiscoveryContext context)
    {
        Http = new DiscoveryHttp(context, HttpClientOptions.Default with { ProxyFromEnvironment = true }, Patience);
        // What the machine itself tells is not asked through proxies.
        Own = new DiscoveryHttp(context, HttpClientOptions.Default, Patience);
    }

    protected DiscoveryHttp Http { get; }

    protected DiscoveryHttp Own { get; }

    /// <exception cref="IOException">There are no credentials.</exception>
    /// <exception cref="HttpRequestException">They could not be asked for.</exception>
    public abstract Task LetInAsync(HttpRequestMessage request, CancellationToken cancel);

    public virtual async ValueTask DisposeAsync()
    {
        await Http.DisposeAsync();
        await Own.DisposeAsync();
    }

    /// <summary>The environment with one variable as the configuration gives it, where it does.</summary>
    protected static Func<string, string?> With(string name, string value) =>
        asked => asked == name && value.Length > 0 ? value : Environment.GetEnvironmentVariable(asked);

    protected static void Bear(HttpRequestMessage request, string token) => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
}

internal sealed class SigV4Login(SigV4Access access, DiscoveryContext context) : CloudLogin(context)
{
    private readonly AwsClient client = new(
        "", new AwsAccess(access.Region, "", access.AccessKey, access.SecretKey, access.Profile, access.RoleArn, access.ExternalId),
        HttpClientOptions.Default with { ProxyFromEnvironment = true }, TimeSpan.FromSeconds(10), context);

    public override async Task LetInAsync(HttpRequestMessage request, CancellationToken cancel) =>
        await client.SignAsync(access.Service, request, request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancel), cancel);

    public override async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await base.DisposeAsync();
    }
}

internal sealed class AzureAdLogin : CloudLogin
{
    private readonly AzureLogin login;

    public AzureAdLogin(AzureAdAccess access, DiscoveryContext context)
        : base(context)
    {
        var (cloud, monitor) = access.Cloud switch
        {
            "AzureChina" => (AzureCloud.Find("AzureChinaCloud")!, "https://monitor.azure.cn/"),
            "AzureGovernment" => (AzureCloud.Find("AzureUSGovernment")!, "https://monitor.azure.us/"),
            _ => (AzureCloud.Public, "https://monitor.azure.com/"),
        };
        string resource = access.Scope.Length == 0 ? monitor : access.Scope.EndsWith("/.default", StringComparison.Ordinal) ? access.Scope[..^"/.default".Length] : access.Scope;
        login = new AzureLogin(
            new AzureIdentity(cloud.Login, resource, access.Method, access.TenantId, access.ClientId, access.ClientSecret), Http, Own, context.Time, With("AZURE_FEDERATED_TOKEN_FILE", access.TokenFile));
    }

    public override async Task LetInAsync(HttpRequestMessage request, CancellationToken cancel) => Bear(request, await login.TokenAsync(cancel));
}

internal sealed class GoogleIamLogin : CloudLogin
{
    private readonly GoogleLogin login;

    public GoogleIamLogin(GoogleIamAccess access, DiscoveryContext context)
        : base(context) =>
        login = new GoogleLogin(Http, context.Time, "https://www.googleapis.com/auth/monitoring.write", With("GOOGLE_APPLICATION_CREDENTIALS", access.CredentialsFile));

    public override async Task LetInAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            Bear(request, await login.TokenAsync(cancel));
        }
        catch (JsonException wrong)
        {
            throw new DiscoveryException($"Google's credentials cannot be read: {wrong.Message}", wrong);
        }
    }
}
