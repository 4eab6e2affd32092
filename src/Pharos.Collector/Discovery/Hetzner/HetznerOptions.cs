namespace Pharos.Collector.Discovery;

/// <param name="Role">hcloud or robot.</param>
/// <param name="LabelSelector">Of hcloud: only servers that it fits; empty: all.</param>
internal sealed record HetznerOptions(string Role, int Port, string LabelSelector, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "hetzner";

    public static HetznerOptions Read(IDiscoverySection section)
    {
        string role = section.Text("role");
        if (role.Length == 0) section.Error("role missing (one of: robot, hcloud)");
        else if (role is not ("robot" or "hcloud")) section.Error("role", $"unknown role \"{role}\"", "write hcloud or robot");
        return new HetznerOptions(role, section.Port(), section.Text("label_selector"), section.Client()) { RefreshInterval = section.Refresh() };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => Role == "robot" ? new HetznerRobotDiscoverer(this, context) : new HetznerCloudDiscoverer(this, context);
}
