using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The ports of each task of Marathon's applications. The servers are asked in turn.</summary>
internal sealed class MarathonDiscoverer(MarathonOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);
    private int turn;

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string token = options.AuthTokenFile.Length > 0 ? (await File.ReadAllTextAsync(options.AuthTokenFile, cancel)).Trim() : options.AuthToken;
        string server = options.Servers[turn++ % options.Servers.Count];
        (string, string)[] headers = token.Length > 0 ? [("Authorization", "token=" + token)] : [];
        var apps = await http.GetAsync(server + "/v2/apps/?embed=apps.tasks", cancel, headers);
        return apps.Items("apps").SelectMany(Targets).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private static IEnumerable<Labels> Targets(JsonElement app)
    {
        bool ownNetwork = app.Items("networks").FirstOrDefault().Text("mode") == "container";
        var (ports, kind) = Ports(app, ownNetwork);
        var common = new MetaLabels("__meta_marathon_").Set("app", app.Text("id")).Set("image", app.Text("container", "docker", "image")).SetEach("app_label_", app.Pairs("labels"));
        foreach (var task in app.Items("tasks"))
        {
            var ofTask = task.Items("ports").Select(p => p.GetInt32()).ToList();
            string host = ownNetwork && task.Items("ipAddresses").Any() ? task.Items("ipAddresses").First().Text("ipAddress") : task.Text("host");
            int count = ports.Count > 0 ? ports.Count : ofTask.Count;
            for (int i = 0; i < count; i++)
            {
                int port = ports.Count > 0 ? ports[i].Port : ofTask[i];
                // Chosen by Mesos when the task started.
                if (port == 0 && ofTask.Count == count) port = ofTask[i];
                var labels = common.Copy().Set("task", task.Text("id")).Set("port_index", $"{i}");
                if (ports.Count > 0) labels.SetEach(kind, ports[i].Labels);
                yield return labels.At(host, port);
            }
        }
    }

    /// <summary>The ports that the application itself names, with their labels, and the prefix of those; none where only tasks have ports.</summary>
    private static (List<(int Port, IEnumerable<(string, string)> Labels)> Ports, string Kind) Ports(JsonElement app, bool ownNetwork)
    {
        var mappings = app.Items("container", "portMappings").ToList();
        if (mappings.Count == 0) mappings = [.. app.Items("container", "docker", "portMappings")];
        if (mappings.Count > 0) return ([.. mappings.Select(m => ((int)m.Number(ownNetwork ? "containerPort" : "hostPort"), m.Pairs("labels")))], "port_mapping_label_");
        bool fixedPorts = app.Flag("requirePorts");
        return ([.. app.Items("portDefinitions").Select(d => (fixedPorts ? (int)d.Number("port") : 0, d.Pairs("labels")))], "port_definition_label_");
    }
}
