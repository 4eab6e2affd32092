using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The resources that a PuppetDB query gives, by their certificate's name.</summary>
internal sealed class PuppetDbDiscoverer(PuppetDbOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        using var request = DiscoveryHttp.Request(HttpMethod.Post, options.Url.ToString().TrimEnd('/') + "/pdb/query/v4");
        request.Content = new StringContent(JsonSerializer.Serialize(new Dictionary<string, string> { ["query"] = options.Query }), Encoding.UTF8, "application/json");
        var resources = await http.SendAsync(request, cancel);
        return resources.Items().Select(Target).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement resource)
    {
        var labels = new MetaLabels("__meta_puppetdb_")
            .Set("query", options.Query).Set("certname", resource.Text("certname")).Set("resource", resource.Text("resource")).Set("type", resource.Text("type"))
            .Set("title", resource.Text("title")).Set("exported", resource.Flag("exported")).Set("file", resource.Text("file")).Set("environment", resource.Text("environment"))
            .SetList("tags", resource.Texts("tags"), ",");
        if (options.IncludeParameters) Parameters(labels, "parameter_", resource.At("parameters"));
        return labels.At(resource.Text("certname"), options.Port);
    }

    private static void Parameters(MetaLabels labels, string prefix, JsonElement parameters)
    {
        foreach (var member in parameters.Members())
        {
            string name = prefix + MetaLabels.Sanitize(member.Name);
            if (member.Value.ValueKind == JsonValueKind.Object) Parameters(labels, name + "_", member.Value);
            else if (member.Value.ValueKind == JsonValueKind.Array) labels.SetList(name, member.Value.Texts().Where(t => t.Length > 0), ",");
            else labels.Set(name, parameters.Text(member.Name));
        }
    }
}
