namespace Pharos.Collector.Discovery;

/// <param name="Entitlement">Only systems that have it.</param>
/// <param name="Separator">Between the names of a system's groups.</param>
internal sealed record UyuniOptions(string Server, string Username, string Password, string Entitlement, string Separator, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "uyuni";

    public static UyuniOptions Read(IDiscoverySection section)
    {
        string server = section.Must("server", "Uyuni SD configuration requires server host");
        if (section.Text("username").Length == 0) section.Error("Uyuni SD configuration requires a username");
        string password = section.Secret("password");
        if (password.Length == 0) section.Error("Uyuni SD configuration requires a password");
        return new UyuniOptions(
            server.TrimEnd('/'), section.Text("username"), password, section.Text("entitlement", "monitoring_entitled"), section.Text("separator", ","), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new UyuniDiscoverer(this, context);
}
