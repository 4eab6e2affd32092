namespace Pharos.Collector.Discovery;

/// <summary>Who asks Azure for a token, and for what.</summary>
/// <param name="Login">The cloud's login.</param>
/// <param name="Resource">What the token is for, as an address; with a slash at its end where its scope has two.</param>
/// <param name="Authentication">OAuth, ManagedIdentity, WorkloadIdentity or SDK.</param>
internal sealed record AzureIdentity(string Login, string Resource, string Authentication, string TenantId, string ClientId, string ClientSecret);

/// <summary>Tokens of Azure, by each way of authentication.</summary>
/// <param name="own">For what the machine itself is asked: no proxy, no credentials.</param>
internal sealed class AzureLogin(AzureIdentity options, DiscoveryHttp http, DiscoveryHttp own, TimeProvider time, Func<string, string?>? environment = null)
{
    private const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private readonly Func<string, string?> environment = environment ?? Environment.GetEnvironmentVariable;
    private readonly AccessToken ofLogin = new(http, time);
    private readonly AccessToken ofMachine = new(own, time);

    public Task<string> TokenAsync(CancellationToken cancel) => options.Authentication switch
    {
        "OAuth" => SecretAsync(options.TenantId, options.ClientId, options.ClientSecret, cancel),
        "ManagedIdentity" => ofMachine.GetAsync(_ => Task.FromResult(ManagedIdentity()), cancel),
        "WorkloadIdentity" => WorkloadAsync(cancel),
        // As the SDK looks for credentials: the environment, then the workload's identity, then the machine's.
        _ when Given("AZURE_CLIENT_SECRET") is { } secret => SecretAsync(Given("AZURE_TENANT_ID") ?? options.TenantId, Given("AZURE_CLIENT_ID") ?? options.ClientId, secret, cancel),
        _ when Given("AZURE_FEDERATED_TOKEN_FILE") is not null => WorkloadAsync(cancel),
        _ => ofMachine.GetAsync(_ => Task.FromResult(ManagedIdentity()), cancel),
    };

    private Task<string> SecretAsync(string tenant, string client, string secret, CancellationToken cancel) => ofLogin.GetAsync(
        _ => Task.FromResult(Login(tenant, new Dictionary<string, string> { ["client_id"] = client, ["client_secret"] = secret })), cancel);

    private Task<string> WorkloadAsync(CancellationToken cancel) => ofLogin.GetAsync(
        async stop =>
        {
            string file = Given("AZURE_FEDERATED_TOKEN_FILE") ?? throw new DiscoveryException("AZURE_FEDERATED_TOKEN_FILE is not set; it is by the workload identity webhook");
            string client = options.ClientId.Length > 0 ? options.ClientId : Given("AZURE_CLIENT_ID") ?? throw new DiscoveryException("AZURE_CLIENT_ID is not set; give client_id");
            string tenant = options.TenantId.Length > 0 ? options.TenantId : Given("AZURE_TENANT_ID") ?? throw new DiscoveryException("AZURE_TENANT_ID is not set; give tenant_id");
            string assertion = (await File.ReadAllTextAsync(file, stop)).Trim();
            return Login(tenant, new Dictionary<string, string> { ["client_id"] = client, ["client_assertion_type"] = AssertionType, ["client_assertion"] = assertion });
        },
        cancel);

    private HttpRequestMessage Login(string tenant, Dictionary<string, string> form)
    {
        form["grant_type"] = "client_credentials";
        form["scope"] = options.Resource + "/.default";
        return new HttpRequestMessage(HttpMethod.Post, $"{options.Login}/{Uri.EscapeDataString(tenant)}/oauth2/v2.0/token") { Content = new FormUrlEncodedContent(form) };
    }

    /// <summary>Of App Service where its environment says so, else of the virtual machine.</summary>
    private HttpRequestMessage ManagedIdentity()
    {
        string resource = Uri.EscapeDataString(options.Resource.TrimEnd('/') + "/"), client = options.ClientId.Length > 0 ? "&client_id=" + Uri.EscapeDataString(options.ClientId) : "";
        if (Given("IDENTITY_ENDPOINT") is { } endpoint && Given("IDENTITY_HEADER") is { } header)
            return DiscoveryHttp.Request(HttpMethod.Get, $"{endpoint}?api-version=2019-08-01&resource={resource}{client}", ("X-IDENTITY-HEADER", header));
        return DiscoveryHttp.Request(HttpMethod.Get, $"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}{client}", ("Metadata", "true"));
    }

    private string? Given(string name) => environment(name) is { Length: > 0 } value ? value : null;
}
