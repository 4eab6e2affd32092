using System.CommandLine.Parsing;

namespace Pharos.Cli.Commands;

/// <summary>The features of Prometheus's <c>--enable-feature</c>: each is a switch here, always on, or refused with the reason.</summary>
internal static class PrometheusFeatures
{
    public const string StartsAsZeros = "created-timestamp-zero-ingestion";
    public const string DeltaToCumulative = "otlp-deltatocumulative";
    public const string NativeDelta = "otlp-native-delta-ingestion";
    public const string DelayedNameRemoval = "promql-delayed-name-removal";

    public static readonly string[] Switches = [StartsAsZeros, DeltaToCumulative, NativeDelta, DelayedNameRemoval];

    private static readonly string[] AlwaysOn =
    [
        "exemplar-storage", "memory-snapshot-on-shutdown", "metadata-wal-records", "promql-binop-fill-modifiers", "promql-duration-expr", "promql-experimental-functions",
        "promql-extended-range-selectors", "promql-per-step-stats",
    ];

    private static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal)
    {
        ["type-and-unit-labels"] = "series get no labels __type__ and __unit__; types and units are at /api/v1/metadata",
        ["native-histograms"] = "it is a setting: write scrape_native_histograms: true in the configuration",
        ["use-start-timestamps"] = $"samples are stored without their start timestamps; {StartsAsZeros} stores starts as samples of 0",
        ["st-storage"] = $"samples are stored without their start timestamps; {StartsAsZeros} stores starts as samples of 0",
        ["concurrent-rule-eval"] = "rules of a group run one after another",
        ["auto-reload-config"] = "send SIGHUP, or POST /-/reload with --web.enable-lifecycle",
    };

    /// <summary>The features of all flags; each may hold several, with commas.</summary>
    public static string[] Of(string[]? given) => [.. (given ?? []).SelectMany(g => g.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    public static void Check(OptionResult result)
    {
        string[] features = Of(result.GetValueOrDefault<string[]>());
        foreach (string feature in features.Except([.. Switches, .. AlwaysOn]))
        {
            result.AddError(Refused.TryGetValue(feature, out string? reason)
                ? $"--enable-feature: {feature} is not supported: {reason}"
                : $"--enable-feature: {feature} is not known here; known are {string.Join(", ", Switches)}, and always on {string.Join(", ", AlwaysOn)}");
        }
        if (features.Contains(DeltaToCumulative) && features.Contains(NativeDelta)) result.AddError("--enable-feature: delta points are either summed up or stored as they are, not both");
    }
}
