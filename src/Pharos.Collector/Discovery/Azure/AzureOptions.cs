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
        var identity = section.IsOfCollector ? OfBlocks(section) : OfKeys(section);
        string subscription = section.Must("subscription_id", "azure SD configuration requires a subscription_id");
        var options = new AzureOptions(
            cloud ?? AzureCloud.Public, identity.Method, subscription, identity.Tenant, identity.Client, identity.Secret, section.Text("resource_group"), section.Port(), section.Client()) { RefreshInterval = section.Refresh(300) };
        return cloud is null ? null : options;
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new AzureDiscoverer(this, context);

    private static (string Method, string Tenant, string Client, string Secret) OfKeys(IDiscoverySection section)
    {
        string method = section.Text("authentication_method", "OAuth");
        string tenant = section.Text("tenant_id"), client = section.Text("client_id"), secret = section.Secret("client_secret");
        if (method == "OAuth")
        {
            if (tenant.Length == 0) section.Error("tenant_id", "azure SD configuration requires a tenant_id");
            if (client.Length == 0) section.Error("client_id", "azure SD configuration requires a client_id");
            if (secret.Length == 0) section.Error("client_secret", "azure SD configuration requires a client_secret");
        }
        else if (method is not ("ManagedIdentity" or "SDK" or "WorkloadIdentity"))
        {
            section.Error("authentication_method", $"unknown authentication_type \"{method}\". Supported types are \"OAuth\", \"ManagedIdentity\", \"SDK\" or \"WorkloadIdentity\"");
        }
        return (method, tenant, client, secret);
    }

    private static (string Method, string Tenant, string Client, string Secret) OfBlocks(IDiscoverySection section)
    {
        var oauth = section.Section("oauth");
        var machine = section.Section("managed_identity");
        if ((oauth is null) == (machine is null)) section.Error("exactly one of oauth and managed_identity must be given");
        string tenant = oauth?.Must("tenant_id", "oauth needs tenant_id") ?? "", client = oauth?.Must("client_id", "oauth needs client_id") ?? machine?.Must("client_id", "managed_identity needs client_id") ?? "";
        string secret = oauth?.Secret("client_secret") ?? "";
        if (oauth is not null && secret.Length == 0) oauth.Error("oauth needs client_secret");
        // Also where both are asked for what they take.
        machine?.Text("client_id");
        return (oauth is not null ? "OAuth" : "ManagedIdentity", tenant, client, secret);
    }
}
