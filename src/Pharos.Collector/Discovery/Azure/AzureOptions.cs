namespace Pharos.Collector.Discovery;

/// <param name="Authentication">OAuth, ManagedIdentity, WorkloadIdentity or SDK.</param>
/// <param name="ResourceGroup">Only machines in it; empty: all of the subscription.</param>
internal sealed record AzureOptions(
    AzureCloud Cloud, string Authentication, string SubscriptionId, string TenantId, string ClientId, string ClientSecret, string ResourceGroup, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "azure";

    public static AzureOptions? Read(IDiscoverySection section)
    {
        string environment = section.Text("environment", "AzurePublicCloud");
        var cloud = AzureCloud.Find(environment);
        if (cloud is null) section.Error("environment", $"unknown Azure environment \"{environment}\"", "write AzurePublicCloud, AzureChinaCloud or AzureUSGovernmentCloud");
        string authentication = section.Text("authentication_method", "OAuth");
        string subscription = section.Must("subscription_id", "azure SD configuration requires a subscription_id");
        string tenant = section.Text("tenant_id"), client = section.Text("client_id"), secret = section.Secret("client_secret");
        if (authentication == "OAuth")
        {
            if (tenant.Length == 0) section.Error("tenant_id", "azure SD configuration requires a tenant_id");
            if (client.Length == 0) section.Error("client_id", "azure SD configuration requires a client_id");
            if (secret.Length == 0) section.Error("client_secret", "azure SD configuration requires a client_secret");
        }
        else if (authentication is not ("ManagedIdentity" or "SDK" or "WorkloadIdentity"))
        {
            section.Error("authentication_method", $"unknown authentication_type \"{authentication}\". Supported types are \"OAuth\", \"ManagedIdentity\", \"SDK\" or \"WorkloadIdentity\"");
        }
        var options = new AzureOptions(
            cloud ?? AzureCloud.Public, authentication, subscription, tenant, client, secret, section.Text("resource_group"), section.Port(), section.Client()) { RefreshInterval = section.Refresh(300) };
        return cloud is null ? null : options;
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new AzureDiscoverer(this, context);
}
