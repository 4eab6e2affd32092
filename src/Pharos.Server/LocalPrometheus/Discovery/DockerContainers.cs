using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Pharos.Collector;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>
/// Targets from a Docker engine's list of containers: one for each TCP port that a container opens in a network, or one with the default
/// port. Source: prometheus/discovery/moby.
/// </summary>
internal static class DockerContainers
{
    private const string Prefix = "__meta_docker_";
    private const int BodyBytesMax = 64 << 20;

    /// <exception cref="HttpRequestException">The engine did not answer, or not with success.</exception>
    /// <exception cref="JsonException">It answered something else than the API says.</exception>
    public static async Task<IReadOnlyList<Labels>> FindAsync(DockerDiscovery docker, HttpHandlerFactory http, CancellationToken cancel)
    {
        var (handler, root) = Open(docker, http);
        using var client = new HttpClient(handler) { MaxResponseContentBufferSize = BodyBytesMax };
        string filters = docker.Filters.Count == 0 ? "" : "?filters=" + Uri.EscapeDataString(JsonSerializer.Serialize(docker.Filters));
        using var containers = await ReadAsync(client, new Uri(root, "/containers/json" + filters), cancel);
        using var networks = await ReadAsync(client, new Uri(root, "/networks"), cancel);
        return Targets(containers.RootElement, networks.RootElement, docker);
    }

    /// <summary>What the engine's two lists mean.</summary>
    public static IReadOnlyList<Labels> Targets(JsonElement containers, JsonElement networks, DockerDiscovery docker)
    {
        var networkLabels = networks.EnumerateArray().ToDictionary(n => Text(n, "Id"), NetworkLabels);
        var byId = containers.EnumerateArray().ToDictionary(c => Text(c, "Id"));
        var targets = new List<Labels>();
        foreach (var container in byId.Values)
        {
            if (!container.TryGetProperty("Names", out var names) || names.ValueKind != JsonValueKind.Array || names.GetArrayLength() == 0) continue;
            var common = new List<(string, string)>
            {
                (Prefix + "container_id", Text(container, "Id")), (Prefix + "container_name", names[0].GetString() ?? ""), (Prefix + "container_network_mode", Mode(container)),
            };
            common.AddRange(OwnLabels(container, "container_label_"));
            foreach (var network in NetworksOf(container, byId, docker.MatchFirstNetwork))
            {
                string address = Text(network, "IPAddress");
                var ofNetwork = common.Append((Prefix + "network_ip", address)).Concat(networkLabels.GetValueOrDefault(Text(network, "NetworkID"), [])).ToList();
                var ports = PortsOf(container);
                foreach (var (port, more) in ports) targets.Add(Target($"{Host(address)}:{port}", ofNetwork.Concat(more)));
                if (ports.Count == 0) targets.Add(Target(Mode(container) == "host" ? docker.HostNetworkingHost : $"{Host(address)}:{docker.Port}", ofNetwork));
            }
        }
        return targets;
    }

    private static (HttpMessageHandler Handler, Uri Root) Open(DockerDiscovery docker, HttpHandlerFactory http)
    {
        if (docker.Host.Scheme != "unix") return (http(docker.Client), docker.Host.Scheme == "tcp" ? new UriBuilder(docker.Host) { Scheme = "http" }.Uri : docker.Host);
        string path = docker.Host.AbsolutePath;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return (handler, new Uri("http://docker/"));
    }

    private static async Task<JsonDocument> ReadAsync(HttpClient client, Uri url, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var response = await client.SendAsync(request, cancel);
        if (response.StatusCode != HttpStatusCode.OK) throw new HttpRequestException($"{url.AbsolutePath} answered HTTP status {(int)response.StatusCode}");
        return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancel));
    }

    /// <summary>A container's networks by name; those of the container whose network it shares where it has none of its own.</summary>
    private static List<JsonElement> NetworksOf(JsonElement container, Dictionary<string, JsonElement> byId, bool onlyFirst)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Add(Text(container, "Id")))
        {
            var networks = container.TryGetProperty("NetworkSettings", out var settings) && settings.TryGetProperty("Networks", out var all) && all.ValueKind == JsonValueKind.Object
                ? all.EnumerateObject().Where(n => n.Value.ValueKind == JsonValueKind.Object).OrderBy(n => n.Name, StringComparer.Ordinal).Select(n => n.Value).ToList() : [];
            if (networks.Count > 0) return onlyFirst ? networks[..1] : networks;
            string mode = Mode(container);
            if (!mode.StartsWith("container:", StringComparison.Ordinal) || !byId.TryGetValue(mode["container:".Length..], out container)) break;
        }
        return [];
    }

    private static List<(int Port, IReadOnlyList<(string, string)> Labels)> PortsOf(JsonElement container)
    {
        var ports = new List<(int, IReadOnlyList<(string, string)>)>();
        if (!container.TryGetProperty("Ports", out var all) || all.ValueKind != JsonValueKind.Array) return ports;
        foreach (var port in all.EnumerateArray())
        {
            if (Text(port, "Type") != "tcp") continue;
            int own = port.GetProperty("PrivatePort").GetInt32();
            var labels = new List<(string, string)> { (Prefix + "port_private", $"{own}") };
            if (port.TryGetProperty("PublicPort", out var open) && open.GetInt32() is > 0 and var number)
            {
                labels.Add((Prefix + "port_public", $"{number}"));
                labels.Add((Prefix + "port_public_ip", Text(port, "IP")));
            }
            ports.Add((own, labels));
        }
        return ports;
    }

    private static List<(string, string)> NetworkLabels(JsonElement network) =>
    [
        (Prefix + "network_id", Text(network, "Id")), (Prefix + "network_name", Text(network, "Name")), (Prefix + "network_scope", Text(network, "Scope")),
        (Prefix + "network_internal", Flag(network, "Internal")), (Prefix + "network_ingress", Flag(network, "Ingress")),
        .. OwnLabels(network, "network_label_"),
    ];

    private static IEnumerable<(string, string)> OwnLabels(JsonElement of, string prefix) => of.TryGetProperty("Labels", out var labels) && labels.ValueKind == JsonValueKind.Object
        ? labels.EnumerateObject().Select(l => (Prefix + prefix + Sanitized(l.Name), l.Value.GetString() ?? "")) : [];

    private static string Sanitized(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private static Labels Target(string address, IEnumerable<(string Name, string Value)> labels)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in labels) builder.Set(name, value);
        return builder.Set("__address__", address).ToLabels();
    }

    private static string Mode(JsonElement container) => container.TryGetProperty("HostConfig", out var config) ? Text(config, "NetworkMode") : "";

    private static string Host(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    private static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static string Flag(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True ? "true" : "false";
}
