namespace Pharos.Collector.Discovery;

/// <param name="SecretKeyFile">Read anew for each look; empty where <paramref name="SecretKey"/> is given.</param>
internal sealed record OutscaleOptions(string Endpoint, string Region, string AccessKey, string SecretKey, string SecretKeyFile, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "outscale";

    public static OutscaleOptions Read(IDiscoverySection section)
    {
        string region = section.Text("region", "eu-west-2");
        if (region.Length == 0) section.Error("region", "outscale SD configuration requires a region");
        string access = section.Must("access_key", "outscale SD configuration requires access_key");
        string secret = section.Secret("secret_key"), file = section.Path("secret_key_file");
        if (secret.Length + file.Length == 0) section.Error("one of secret_key & secret_key_file must be configured");
        if (secret.Length > 0 && file.Length > 0) section.Error("secret_key_file", "at most one of secret_key & secret_key_file must be configured");
        string endpoint = section.Text("endpoint").TrimEnd('/');
        return new OutscaleOptions(endpoint.Length > 0 ? endpoint : $"https://api.{region}.outscale.com/api/v1", region, access, secret, file, section.Port(), section.Client()) { RefreshInterval = section.Refresh() };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new OutscaleDiscoverer(this, context);
}
