namespace Pharos.Collector.Discovery;

/// <param name="Role">server or postgres.</param>
/// <param name="Endpoint">Of the API; empty: the region's.</param>
/// <param name="ServiceAccountKey">JSON, or the file that holds it; both empty: the HTTP client's own authentication.</param>
/// <param name="PrivateKey">PEM, or the file that holds it; both empty: the service account key holds it, or the credentials file names it.</param>
internal sealed record StackitOptions(
    string Role, string Project, string Region, string Endpoint, string ServiceAccountKey, string ServiceAccountKeyPath, string PrivateKey, string PrivateKeyPath, string CredentialsFilePath, int Port,
    HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "stackit";

    public static StackitOptions Read(IDiscoverySection section)
    {
        string endpoint = section.Text("endpoint"), region = section.Text("region", "eu01");
        if (endpoint.Length == 0 && region.Length == 0) section.Error("endpoint or region missing");
        if (endpoint.Length > 0 && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")) section.Error("endpoint", $"invalid endpoint \"{endpoint}\"");
        string role = section.OneOf("role", "server", "unknown STACKIT SD role", "server", "postgres");
        return new StackitOptions(
            role, section.Text("project"), region, endpoint.TrimEnd('/'), section.Secret("service_account_key"), section.Path("service_account_key_path"), section.Secret("private_key"),
            section.Path("private_key_path"), section.Path("credentials_file_path"), section.Port(), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new StackitDiscoverer(this, context);
}
