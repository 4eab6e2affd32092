using System.Net;
using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// The monitoring assignments of a Kuma control plane, by the long-polling HTTP form of xDS: each request says which version is known,
/// and the answer waits for another.
/// </summary>
internal sealed class KumaDiscoverer(KumaOptions options, DiscoveryContext context) : IDiscoverer
{
    private const string ResourceType = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment";

    /// <summary>What a connection may cost besides the waiting.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(15);

    private readonly DiscoveryHttp http = new(context, options.Client, options.FetchTimeout + Slack);
    private List<Labels> last = [];
    private string version = "";
    private string nonce = "";

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        using var request = DiscoveryHttp.Request(HttpMethod.Post, $"{options.Server}/v3/discovery:monitoringassignments?fetch-timeout={PromDuration.Format(options.FetchTimeout)}");
        request.Content = new StringContent(
            JsonSerializer.Serialize(new
            {
                version_info = version,
                node = new { id = options.ClientId },
                resource_names = Array.Empty<string>(),
                type_url = ResourceType,
                response_nonce = nonce,
            }), Encoding.UTF8, "application/json");
        using var response = await http.AnswerAsync(request, cancel, HttpStatusCode.NotModified);
        if (response.StatusCode == HttpStatusCode.NotModified) return last;
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancel));
        var answer = document.RootElement;
        if (Either(answer, "type_url", "typeUrl") is { Length: > 0 } type && type != ResourceType) throw new DiscoveryException($"the control plane answered with resources of type {type}");
        last = [.. answer.Items("resources").SelectMany(Targets)];
        version = Either(answer, "version_info", "versionInfo");
        nonce = answer.Text("nonce");
        return last;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private static IEnumerable<Labels> Targets(JsonElement assignment)
    {
        foreach (var target in assignment.Items("targets"))
        {
            yield return new MetaLabels("__meta_kuma_")
                .SetEach("label_", target.Pairs("labels")).SetEach("label_", assignment.Pairs("labels"))
                .Set("mesh", assignment.Text("mesh")).Set("service", assignment.Text("service")).Set("dataplane", target.Text("name"))
                .SetPlain("instance", target.Text("name")).SetPlain("__scheme__", target.Text("scheme")).SetPlain("__metrics_path__", Either(target, "metrics_path", "metricsPath"))
                .At(target.Text("address"));
        }
    }

    /// <summary>Protobuf's JSON allows both spellings of a name.</summary>
    private static string Either(JsonElement element, string proto, string json) => element.Text(proto) is { Length: > 0 } text ? text : element.Text(json);
}
