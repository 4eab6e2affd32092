namespace Pharos.Collector.Discovery;

/// <param name="Role">hypervisor, instance or loadbalancer.</param>
/// <param name="IdentityEndpoint">Empty: this and the credentials come from the environment.</param>
/// <param name="Availability">Of the endpoints that are used: public, internal or admin.</param>
internal sealed record OpenStackOptions(
    string Role, string Region, string IdentityEndpoint, OpenStackIdentity Identity, bool AllTenants, string Availability, int Port, TlsOptions? Tls) : DiscoveryOptions
{
    public override string Mechanism => "openstack";

    public static OpenStackOptions Read(IDiscoverySection section)
    {
        string role = section.Text("role");
        if (role.Length == 0) section.Error("role missing (one of: instance, hypervisor, loadbalancer)");
        else if (role is not ("hypervisor" or "instance" or "loadbalancer")) section.Error("role", $"unknown OpenStack SD role \"{role}\"", "write hypervisor, instance or loadbalancer");
        string region = section.Must("region", "openstack SD configuration requires a region");
        string availability = section.Text("availability", "public");
        if (availability is not ("public" or "internal" or "admin")) section.Error("availability", $"unknown availability {availability}, must be one of admin, internal or public");
        return new OpenStackOptions(role, region, section.Text("identity_endpoint").TrimEnd('/'), OpenStackIdentity.Read(section), section.Flag("all_tenants"), availability, section.Port(), section.Tls())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new OpenStackDiscoverer(this, context);
}
