namespace Pharos.Collector.Discovery;

/// <param name="Filter">Google's expression on the list; empty: none.</param>
internal sealed record GceOptions(string Project, string Zone, string Filter, int Port, string TagSeparator) : DiscoveryOptions
{
    public override string Mechanism => "gce";

    public static GceOptions Read(IDiscoverySection section) => new(
        section.Must("project", "GCE SD configuration requires a project"), section.Must("zone", "GCE SD configuration requires a zone"), section.Text("filter"), section.Port(),
        section.Text("tag_separator", ","))
    {
        RefreshInterval = section.Refresh(),
    };

    internal override IDiscoverer Open(DiscoveryContext context) => new GceDiscoverer(this, context);
}
