namespace Pharos.Collector.Discovery;

/// <param name="Role">instance or baremetal.</param>
/// <param name="SecretKeyFile">Read anew for each look; empty where <paramref name="SecretKey"/> is given.</param>
internal sealed record ScalewayOptions(
    string Role, string ApiUrl, string Zone, string ProjectId, string AccessKey, string SecretKey, string SecretKeyFile, string NameFilter, IReadOnlyList<string> TagsFilter, int Port,
    HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "scaleway";

    public static ScalewayOptions Read(IDiscoverySection section)
    {
        string role = section.Text("role");
        if (role.Length == 0) section.Error("role missing (one of: instance, baremetal)");
        else if (role is not ("instance" or "baremetal")) section.Error("role", $"unknown role \"{role}\"", "write instance or baremetal");
        string project = section.Must("project_id", "project_id is mandatory");
        string key = section.Secret("secret_key"), file = section.Path("secret_key_file");
        if (key.Length == 0 && file.Length == 0) section.Error("one of secret_key & secret_key_file must be configured");
        if (key.Length > 0 && file.Length > 0) section.Error("secret_key_file", "at most one of secret_key & secret_key_file must be configured");
        return new ScalewayOptions(
            role, section.Text("api_url", "https://api.scaleway.com").TrimEnd('/'), section.Text("zone", "fr-par-1"), project, section.Must("access_key", "access_key is mandatory"), key, file,
            section.Text("name_filter"), section.Texts("tags_filter"), section.Port(), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new ScalewayDiscoverer(this, context);
}
