namespace Pharos.Collector.Discovery;

/// <param name="Endpoint">Of the API.</param>
/// <param name="Service">vps or dedicated_server.</param>
internal sealed record OvhCloudOptions(string Endpoint, string ApplicationKey, string ApplicationSecret, string ConsumerKey, string Service) : DiscoveryOptions
{
    private static readonly Dictionary<string, string> Endpoints = new(StringComparer.Ordinal)
    {
        ["ovh-eu"] = "https://eu.api.ovh.com/1.0",
        ["ovh-ca"] = "https://ca.api.ovh.com/1.0",
        ["ovh-us"] = "https://api.us.ovhcloud.com/1.0",
        ["kimsufi-eu"] = "https://eu.api.kimsufi.com/1.0",
        ["kimsufi-ca"] = "https://ca.api.kimsufi.com/1.0",
        ["soyoustart-eu"] = "https://eu.api.soyoustart.com/1.0",
        ["soyoustart-ca"] = "https://ca.api.soyoustart.com/1.0",
    };

    public override string Mechanism => "ovhcloud";

    public static OvhCloudOptions Read(IDiscoverySection section)
    {
        string endpoint = section.Text("endpoint", "ovh-eu");
        string key = section.Text("application_key"), secret = section.Secret("application_secret"), consumer = section.Secret("consumer_key"), service = section.Text("service");
        if (endpoint.Length == 0) section.Error("endpoint can not be empty");
        else if (!Endpoints.ContainsKey(endpoint) && !endpoint.Contains("://", StringComparison.Ordinal))
            section.Error("endpoint", $"unknown endpoint '{endpoint}'", $"write a URL or one of {string.Join(", ", Endpoints.Keys)}");
        if (key.Length == 0) section.Error("application key can not be empty");
        if (secret.Length == 0) section.Error("application secret can not be empty");
        if (consumer.Length == 0) section.Error("consumer key can not be empty");
        if (service is not ("vps" or "dedicated_server")) section.Error("service", $"unknown service: {service}", "write vps or dedicated_server");
        return new OvhCloudOptions(Endpoints.GetValueOrDefault(endpoint, endpoint).TrimEnd('/'), key, secret, consumer, service) { RefreshInterval = section.Refresh() };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new OvhCloudDiscoverer(this, context);
}
