using System.Net.Sockets;
using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>The API of a Docker engine, over HTTP or its unix socket.</summary>
internal sealed class DockerEngine : IAsyncDisposable
{
    private readonly DiscoveryHttp http;
    private readonly Uri root;
    private readonly string filters;

    public DockerEngine(Uri host, IReadOnlyDictionary<string, IReadOnlyList<string>> filters, HttpClientOptions client, TimeSpan timeout, DiscoveryContext context)
    {
        this.filters = filters.Count == 0 ? "" : "?filters=" + Uri.EscapeDataString(JsonSerializer.Serialize(filters));
        if (host.Scheme == "unix")
        {
            http = new DiscoveryHttp(OverSocket(host.AbsolutePath), context.Time, timeout);
            root = new Uri("http://docker/");
        }
        else
        {
            http = new DiscoveryHttp(context, client, timeout);
            root = host.Scheme == "tcp" ? new UriBuilder(host) { Scheme = "http" }.Uri : host;
        }
    }

    /// <summary>The address of an engine as a section gives it; null after an error.</summary>
    public static Uri? Host(IDiscoverySection section)
    {
        string text = section.Text("host");
        if (text.Length == 0) section.Error("host missing");
        else if (Uri.TryCreate(text, UriKind.Absolute, out var host) && host.Scheme is "unix" or "tcp" or "http" or "https") return host;
        else section.Error("host", $"\"{text}\" is not the address of a Docker engine", "write unix:///var/run/docker.sock or http://host:2375");
        return null;
    }

    /// <param name="filtered">Only what fits the configured filters.</param>
    public Task<JsonElement> ListAsync(string path, CancellationToken cancel, bool filtered = false) => http.GetAsync(new Uri(root, path + (filtered ? filters : "")).ToString(), cancel);

    public ValueTask DisposeAsync() => http.DisposeAsync();

    /// <summary>The labels of each network, by its id.</summary>
    public async Task<Dictionary<string, IReadOnlyList<(string Name, string Value)>>> NetworksAsync(CancellationToken cancel)
    {
        var networks = await ListAsync("/networks", cancel);
        return networks.Items().ToDictionary(n => n.Text("Id"), n => (IReadOnlyList<(string, string)>)
        [
            ("network_id", n.Text("Id")), ("network_name", n.Text("Name")), ("network_scope", n.Text("Scope")),
            ("network_internal", n.Flag("Internal") ? "true" : "false"), ("network_ingress", n.Flag("Ingress") ? "true" : "false"),
            .. n.Pairs("Labels").Select(l => ("network_label_" + l.Name, l.Value)),
        ]);
    }

    private static SocketsHttpHandler OverSocket(string path) => new()
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
}
