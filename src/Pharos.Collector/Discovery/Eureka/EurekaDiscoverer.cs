using System.Xml;
using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The instances of each application that a Eureka server knows.</summary>
internal sealed class EurekaDiscoverer(EurekaOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, options.Server + "/apps");
        request.Headers.TryAddWithoutValidation("Accept", "application/xml");
        using var response = await http.AnswerAsync(request, cancel);
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        using var reader = XmlReader.Create(body, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
        var root = XElement.Load(reader);
        return root.Elements("application").SelectMany(a => a.Elements("instance").Select(i => Target(Text(a, "name"), i))).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private static Labels Target(string app, XElement instance)
    {
        var labels = new MetaLabels("__meta_eureka_")
            .Set("app_name", app).Set("app_instance_id", Text(instance, "instanceId")).Set("app_instance_hostname", Text(instance, "hostName"))
            .Set("app_instance_homepage_url", Text(instance, "homePageUrl")).Set("app_instance_statuspage_url", Text(instance, "statusPageUrl"))
            .Set("app_instance_healthcheck_url", Text(instance, "healthCheckUrl")).Set("app_instance_ip_addr", Text(instance, "ipAddr"))
            .Set("app_instance_vip_address", Text(instance, "vipAddress")).Set("app_instance_secure_vip_address", Text(instance, "secureVipAddress"))
            .Set("app_instance_status", Text(instance, "status")).Set("app_instance_country_id", Text(instance, "countryId"))
            .Set("app_instance_datacenterinfo_name", Text(instance.Element("dataCenterInfo"), "name"))
            .SetEach("app_instance_datacenterinfo_metadata_", Members(instance.Element("dataCenterInfo")?.Element("metadata")))
            .SetEach("app_instance_metadata_", Members(instance.Element("metadata")))
            .SetPlain("instance", Text(instance, "instanceId"));
        string port = "80";
        if (instance.Element("port") is { } open)
        {
            port = open.Value.Trim();
            labels.Set("app_instance_port", port).Set("app_instance_port_enabled", Enabled(open));
        }
        if (instance.Element("securePort") is { } secure) labels.Set("app_instance_secure_port", secure.Value.Trim()).Set("app_instance_secure_port_enabled", Enabled(secure));
        return labels.At(MetaLabels.Join(Text(instance, "hostName"), port));
    }

    private static IEnumerable<(string, string)> Members(XElement? metadata) => metadata?.Elements().Select(e => (e.Name.LocalName, e.Value)) ?? [];

    private static string Enabled(XElement port) => port.Attribute("enabled")?.Value == "true" ? "true" : "false";

    private static string Text(XElement? of, string name) => of?.Element(name)?.Value.Trim() ?? "";
}
