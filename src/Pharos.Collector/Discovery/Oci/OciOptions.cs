namespace Pharos.Collector.Discovery;

/// <param name="KeyFile">The user's RSA key in PEM.</param>
/// <param name="KeyPassphrase">Of an encrypted key; empty: none.</param>
internal sealed record OciOptions(
    string Region, string Tenancy, string User, string Fingerprint, string KeyFile, string KeyPassphrase, IReadOnlyList<string> Compartments, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "oci";

    public static OciOptions Read(IDiscoverySection section)
    {
        var compartments = section.Texts("compartments");
        if (compartments.Count == 0) section.Error("oci SD configuration requires at least one compartment");
        string key = section.Path("key_file");
        if (key.Length == 0) section.Error("oci SD configuration requires a key_file");
        return new OciOptions(
            section.Must("region", "oci SD configuration requires a region"), section.Must("tenancy", "oci SD configuration requires a tenancy"),
            section.Must("user", "oci SD configuration requires a user"), section.Must("fingerprint", "oci SD configuration requires a fingerprint"), key, section.Secret("key_passphrase"), compartments,
            section.Port(), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new OciDiscoverer(this, context);
}
