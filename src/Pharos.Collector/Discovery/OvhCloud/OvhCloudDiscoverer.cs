using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>OVHcloud's virtual private or dedicated servers. One whose details cannot be read is left out.</summary>
internal sealed partial class OvhCloudDiscoverer(OvhCloudOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, HttpClientOptions.Default with { ProxyFromEnvironment = true }, options.RefreshInterval);

    /// <summary>The API's clock less ours; null: not known yet.</summary>
    private TimeSpan? ahead;

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string root = options.Service == "vps" ? "/vps" : "/dedicated/server";
        var targets = new List<Labels>();
        foreach (string name in (await GetAsync(root, cancel)).Texts())
        {
            try
            {
                string path = $"{root}/{Uri.EscapeDataString(name)}";
                var server = await GetAsync(path, cancel);
                var (address4, address6) = Addresses(await GetAsync(path + "/ips", cancel));
                targets.Add(options.Service == "vps" ? PrivateServer(server, address4, address6) : Dedicated(server, address4, address6));
            }
            catch (Exception e) when (e is HttpRequestException or FormatException)
            {
                LeftOut(context.Logger, name, e.Message);
            }
        }
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task<JsonElement> GetAsync(string path, CancellationToken cancel)
    {
        if (ahead is null)
        {
            var now = await http.GetAsync(options.Endpoint + "/auth/time", cancel);
            ahead = TimeSpan.FromSeconds(now.GetInt64() - context.Time.GetUtcNow().ToUnixTimeSeconds());
        }
        string url = options.Endpoint + path;
        string at = $"{(context.Time.GetUtcNow() + ahead.Value).ToUnixTimeSeconds()}";
        string toSign = $"{options.ApplicationSecret}+{options.ConsumerKey}+GET+{url}++{at}";
#pragma warning disable CA5350 // The API defines its signature with SHA-1.
        string signature = "$1$" + Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(toSign)));
#pragma warning restore CA5350
        return await http.GetAsync(
            url, cancel, ("X-Ovh-Application", options.ApplicationKey), ("X-Ovh-Consumer", options.ConsumerKey), ("X-Ovh-Timestamp", at), ("X-Ovh-Signature", signature));
    }

    private static Labels PrivateServer(JsonElement server, string address4, string address6)
    {
        var model = server.At("model");
        return new MetaLabels("__meta_ovhcloud_vps_")
            .Set("offer", model.Text("offer")).Set("datacenter", List(model, "datacenter")).Set("model_vcore", model.Text("vcore")).Set("maximum_additional_ip", model.Text("maximumAdditionnalIp"))
            .Set("version", model.Text("version")).Set("model_name", model.Text("name")).Set("disk", model.Text("disk")).Set("memory", model.Text("memory"))
            .Set("zone", server.Text("zone")).Set("display_name", server.Text("displayName")).Set("cluster", server.Text("cluster")).Set("state", server.Text("state")).Set("name", server.Text("name"))
            .Set("netboot_mode", server.Text("netbootMode")).Set("memory_limit", server.Text("memoryLimit")).Set("offer_type", server.Text("offerType")).Set("vcore", server.Text("vcore"))
            .Set("keymap", server.Text("keymap")).Set("monitoring_ip_blocks", List(server, "monitoringIpBlocks")).Set("ipv4", address4).Set("ipv6", address6)
            .SetPlain("instance", server.Text("name")).At(address4.Length > 0 ? address4 : address6);
    }

    private static Labels Dedicated(JsonElement server, string address4, string address6) => new MetaLabels("__meta_ovhcloud_dedicated_server_")
        .Set("state", server.Text("state")).Set("commercial_range", server.Text("commercialRange")).Set("link_speed", server.Text("linkSpeed")).Set("rack", server.Text("rack"))
        .Set("no_intervention", server.Flag("noIntervention")).Set("os", server.Text("os")).Set("support_level", server.Text("supportLevel")).Set("server_id", server.Text("serverId"))
        .Set("reverse", server.Text("reverse")).Set("datacenter", server.Text("datacenter")).Set("name", server.Text("name")).Set("ipv4", address4).Set("ipv6", address6)
        .SetPlain("instance", server.Text("name")).At(address4.Length > 0 ? address4 : address6);

    /// <summary>The last single address of each family.</summary>
    private static (string V4, string V6) Addresses(JsonElement list)
    {
        string v4 = "", v6 = "";
        foreach (string text in list.Texts())
        {
            string[] parts = text.Split('/');
            if (!IPAddress.TryParse(parts[0], out var address)) throw new FormatException($"\"{text}\" is not an address");
            bool four = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
            if (parts.Length == 2 && parts[1] != (four ? "32" : "128")) continue;
            if (four) v4 = address.ToString();
            else v6 = address.ToString();
        }
        return v4.Length + v6.Length > 0 ? (v4, v6) : throw new FormatException("it has no address");
    }

    private static string List(JsonElement of, string name) => of.At(name).ValueKind == JsonValueKind.Array ? $"[{string.Join(' ', of.Texts(name))}]" : "";

    [LoggerMessage(7102, LogLevel.Warning, "Server {Name} of OVHcloud is left out: {Reason}")]
    private static partial void LeftOut(ILogger logger, string name, string reason);
}
