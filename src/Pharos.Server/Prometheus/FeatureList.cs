using System.Text.Json;
using Pharos.PromQL.Syntax;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/v1/features</c>: what this program can do, by the names under which Prometheus lists its own.</summary>
internal static class FeatureList
{
    private static readonly string[] Operators =
    [
        "!=", "!~", "%", "*", "+", "-", "/", "<", "</", "<=", "==", "=~", ">", ">/", ">=", "@", "^", "and", "atan2", "or", "unless",
    ];

    private static readonly Dictionary<string, (string Name, bool On)[]> Fixed = new(StringComparer.Ordinal)
    {
        ["api"] =
        [
            ("exclude_alerts", true), ("label_values_match", true), ("query_stats", true), ("query_warnings", true), ("search", true),
            ("time_range_labels", true), ("time_range_series", true),
        ],
        ["prometheus"] = [("agent_mode", false), ("server_mode", true)],
        ["promql"] =
        [
            ("anchored", true), ("at_modifier", true), ("bool", true), ("by", true), ("duration_expr", true), ("fill", true), ("fill_left", true), ("fill_right", true),
            ("group_left", true), ("group_right", true), ("ignoring", true), ("negative_offset", true), ("offset", true), ("on", true), ("per_query_lookback_delta", true),
            ("per_step_stats", true), ("smoothed", true), ("subqueries", true), ("type_and_unit_labels", false), ("without", true),
        ],
        ["rules"] = [("keep_firing_for", true), ("query_offset", true)],
        ["tsdb"] = [("exemplar_storage", true), ("isolation", true), ("native_histograms", true)],
    };

    public static void Write(Utf8JsonWriter writer, IReadOnlyList<(string Category, string Name, bool On)> switches)
    {
        var all = Fixed.SelectMany(c => c.Value.Select(f => (Category: c.Key, f.Name, f.On)))
            .Concat(Functions.All.Select(f => (Category: "promql_functions", f.Name, On: true)))
            .Concat(Operators.Concat(Aggregates.Names.Keys).Select(o => (Category: "promql_operators", Name: o, On: true)))
            .Concat(switches);
        writer.WriteStartObject();
        foreach (var category in all.GroupBy(f => f.Category).OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            writer.WriteStartObject(category.Key);
            foreach (var feature in category.OrderBy(f => f.Name, StringComparer.Ordinal)) writer.WriteBoolean(feature.Name, feature.On);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }
}
