namespace Pharos.Collector.Discovery;

/// <param name="Role">services, tasks or nodes.</param>
/// <param name="Port">Of nodes, and of services and tasks that publish none.</param>
internal sealed record DockerSwarmOptions(Uri Host, string Role, int Port, IReadOnlyDictionary<string, IReadOnlyList<string>> Filters, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "dockerswarm";

    public static DockerSwarmOptions? Read(IDiscoverySection section)
    {
        var host = DockerEngine.Host(section);
        string role = section.Text("role");
        if (role.Length == 0) section.Error("role missing (one of: tasks, services, nodes)");
        else if (role is not ("services" or "nodes" or "tasks")) section.Error("role", $"invalid role {role}, expected tasks, services, or nodes");
        var swarm = new DockerSwarmOptions(host ?? new Uri("unix:///"), role, section.Port(), section.Filters(), section.Client()) { RefreshInterval = section.Refresh() };
        return host is null ? null : swarm;
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new DockerSwarmDiscoverer(this, context);
}
