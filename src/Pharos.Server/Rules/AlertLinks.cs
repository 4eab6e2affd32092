using System.Text.Json;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Configuration.Ruler;

namespace Pharos.Server.Rules;

/// <summary>Where an alert's link leads: to its expression in this server's Explore, or in a Grafana.</summary>
/// <param name="pageUrl">Address of this server's page, without a slash at the end.</param>
internal sealed class AlertLinks(string pageUrl, RulerOptions options)
{
    /// <summary>Address that links in alerts of rules over logs start with. Loki: ruler.external_url.</summary>
    public string LogsUrl => options.ExternalUrl ?? pageUrl;

    /// <summary>The link of an alert to the data behind it.</summary>
    public string Of(RulePlacement placement, string expression) => placement switch
    {
        RulePlacement.Metrics => pageUrl + PrometheusTemplateFunctions.TableLink(expression),
        _ when options.ExternalUrl is { } grafana => $"{grafana}/explore?left={Uri.EscapeDataString(Explore(expression))}",
        _ => $"{pageUrl}/explore/logs?q={Uri.EscapeDataString(expression)}",
    };

    /// <summary>The query as Grafana's Explore has it in its address. Source: Loki's ruler.</summary>
    private string Explore(string expression)
    {
        var query = new Dictionary<string, object> { ["expr"] = expression, ["queryType"] = "range" };
        if (options.DatasourceUid.Length > 0) query["datasource"] = new Dictionary<string, string> { ["type"] = "loki", ["uid"] = options.DatasourceUid };
        return JsonSerializer.Serialize(new Dictionary<string, object> { ["queries"] = new[] { query } });
    }
}
