using Pharos.Collector.Discovery;

namespace Pharos.Collector.RemoteWrite;

/// <summary>How a cloud's own receiver lets requests in: at most one of the three.</summary>
public sealed record CloudAccess
{
    /// <summary>What is wrong where several ways are given.</summary>
    public const string OneWay = "at most one of basic_auth, authorization, oauth2, sigv4, azuread & google_iam must be configured";

    public SigV4Access? SigV4 { get; init; }

    public AzureAdAccess? AzureAd { get; init; }

    public GoogleIamAccess? GoogleIam { get; init; }

    /// <summary>Reads <c>sigv4</c>, <c>azuread</c> and <c>google_iam</c> of an endpoint; null where none of them is there.</summary>
    public static CloudAccess? Read(IDiscoverySection endpoint)
    {
        var access = new CloudAccess
        {
            SigV4 = SigV4Access.ReadFrom(endpoint),
            AzureAd = endpoint.Section("azuread") is { } azure ? AzureAdAccess.Read(azure) : null,
            GoogleIam = endpoint.Section("google_iam") is { } google ? new GoogleIamAccess(google.Path("credentials_file")) : null,
        };
        int ways = (access.SigV4 is null ? 0 : 1) + (access.AzureAd is null ? 0 : 1) + (access.GoogleIam is null ? 0 : 1);
        if (ways > 1) endpoint.Error(OneWay);
        return ways == 0 ? null : access;
    }

    /// <summary>A handler that lets each request in before it hands it on. Disposes <paramref name="inner"/> with itself.</summary>
    public HttpMessageHandler Around(HttpMessageHandler inner, DiscoveryContext context) => new CloudHandler(
        SigV4 is { } aws ? new SigV4Login(aws, context)
        : AzureAd is { } azure ? new AzureAdLogin(azure, context)
        : new GoogleIamLogin(GoogleIam!, context), inner);
}

/// <summary>Signatures of AWS.</summary>
/// <param name="Region">Empty: from the environment, the profile, or the instance on which this process runs.</param>
/// <param name="AccessKey">Empty: from the environment, the profile, or the instance.</param>
/// <param name="RoleArn">Assumed with the credentials; empty: none.</param>
/// <param name="Service">Name in the signature: <c>aps</c> for Amazon Managed Service for Prometheus.</param>
public sealed record SigV4Access(string Region, string AccessKey, string SecretKey, string Profile, string RoleArn, string ExternalId, string Service)
{
    /// <summary>The section <c>sigv4</c> of an endpoint; null where it is not there.</summary>
    public static SigV4Access? ReadFrom(IDiscoverySection endpoint)
    {
        if (endpoint.Section("sigv4") is not { } section) return null;
        string key = section.Text("access_key"), secret = section.Secret("secret_key");
        if (key.Length > 0 != secret.Length > 0) section.Error("must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config");
        return new SigV4Access(
            section.Text("region"), key, secret, section.Text("profile"), section.Text("role_arn"), section.Text("external_id"), section.Text("service_name", "aps"));
    }

    /// <summary>Never shows the secret.</summary>
    public override string ToString() => $"sigv4 {{ region = {Region}, access_key = {AccessKey} }}";
}

/// <summary>Tokens of Microsoft Entra ID for Azure Monitor.</summary>
/// <param name="Cloud"><c>AzurePublic</c>, <c>AzureChina</c> or <c>AzureGovernment</c>.</param>
/// <param name="Method"><c>ManagedIdentity</c>, <c>OAuth</c>, <c>WorkloadIdentity</c> or <c>SDK</c>.</param>
/// <param name="TokenFile">The federated token of a workload identity; empty: as the environment says.</param>
/// <param name="Scope">Empty: the cloud's monitor.</param>
public sealed record AzureAdAccess(string Cloud, string Method, string TenantId, string ClientId, string ClientSecret, string TokenFile, string Scope)
{
    internal static AzureAdAccess Read(IDiscoverySection section)
    {
        string cloud = section.Text("cloud", "AzurePublic"), scope = section.Text("scope");
        if (cloud is not ("AzurePublic" or "AzureChina" or "AzureGovernment")) section.Error("cloud", $"must provide a cloud in the Azure AD config, not \"{cloud}\"", "write AzurePublic, AzureChina or AzureGovernment");
        var ways = new List<AzureAdAccess>();
        if (section.Section("managed_identity") is { } machine) ways.Add(new AzureAdAccess(cloud, "ManagedIdentity", "", machine.Text("client_id"), "", "", scope));
        if (section.Section("oauth") is { } oauth)
        {
            ways.Add(new AzureAdAccess(
                cloud, "OAuth", oauth.Must("tenant_id", "must provide an Azure OAuth tenant_id in the Azure AD config"), oauth.Must("client_id", "must provide an Azure OAuth client_id in the Azure AD config"),
                oauth.Secret("client_secret"), "", scope));
            if (ways[^1].ClientSecret.Length == 0) oauth.Error("client_secret", "must provide an Azure OAuth client_secret in the Azure AD config");
        }
        if (section.Section("workload_identity") is { } workload)
        {
            ways.Add(new AzureAdAccess(
                cloud, "WorkloadIdentity", workload.Must("tenant_id", "must provide an Azure Workload Identity tenant_id in the Azure AD config"),
                workload.Must("client_id", "must provide an Azure Workload Identity client_id in the Azure AD config"), "", workload.Path("token_file_path"), scope));
        }
        if (section.Section("sdk") is { } sdk) ways.Add(new AzureAdAccess(cloud, "SDK", sdk.Text("tenant_id"), "", "", "", scope));
        if (ways.Count == 0) section.Error("must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config");
        else if (ways.Count > 1) section.Error("cannot provide multiple authentication methods in the Azure AD config");
        return ways.Count == 0 ? new AzureAdAccess(cloud, "SDK", "", "", "", "", scope) : ways[0];
    }

    /// <summary>Never shows the secret.</summary>
    public override string ToString() => $"azuread {{ cloud = {Cloud}, client_id = {ClientId} }}";
}

/// <summary>Tokens of Google for writing to Cloud Monitoring.</summary>
/// <param name="CredentialsFile">Empty: Google's default credentials.</param>
public sealed record GoogleIamAccess(string CredentialsFile);
