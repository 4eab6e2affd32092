using Pharos.Core;
using static Pharos.Server.Configuration.LimitSetting;

namespace Pharos.Server.Configuration;

/// <summary>Settings of a tenant for what OTLP and start timestamps become, by Mimir's names where it has them.</summary>
internal static class OtlpLimits
{
    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        Switch("created_timestamp_zero_ingestion_enabled", "start timestamps of remote write 2 are stored, as samples of 0", l => l.StartTimestampsAsZeros, (l, v) => l with { StartTimestampsAsZeros = v }),
        Otlp("otel_created_timestamp_zero_ingestion_enabled", "the same for OTLP", o => o.StartTimestampsAsZeros, (o, v) => o with { StartTimestampsAsZeros = v }),
        Otlp("otel_metric_suffixes_enabled", "OTLP names get unit and type; of this and the strategy the later one counts", o => HasSuffixes(o.Translation), (o, v) => o with { Translation = WithSuffixes(o.Translation, v) }),
        new("otel_translation_strategy", "`UnderscoreEscapingWithSuffixes`, `UnderscoreEscapingWithoutSuffixes`, `NoUTF8EscapingWithSuffixes`, `NoTranslation`",
            (l, n, r) => l with { Otlp = l.Otlp with { Translation = r.Choice<OtlpTranslation>(n, [.. Enum.GetValues<OtlpTranslation>().Select(t => (t.ToString(), t))]) } },
            (l, json) => json.WriteStringValue(l.Otlp.Translation.ToString())),
        new("promote_otel_resource_attributes", "resource attributes that become labels, with commas",
            (l, n, r) => l with { Otlp = l.Otlp with { PromoteResourceAttributes = r.Texts(n).ToHashSet(StringComparer.Ordinal) } },
            (l, json) => json.WriteStringValue(string.Join(',', l.Otlp.PromoteResourceAttributes.Order(StringComparer.Ordinal)))),
        Otlp("otel_keep_identifying_resource_attributes", "`target_info` keeps service.name and its like", o => o.KeepIdentifyingResourceAttributes, (o, v) => o with { KeepIdentifyingResourceAttributes = v }),
        Otlp("otel_promote_scope_metadata", "the scope becomes labels `otel_scope_…`", o => o.PromoteScopeMetadata, (o, v) => o with { PromoteScopeMetadata = v }),
        Otlp("otel_convert_histograms_to_nhcb", "explicit histograms become native ones with custom buckets", o => o.ConvertHistogramsToCustomBuckets, (o, v) => o with { ConvertHistogramsToCustomBuckets = v }),
        Otlp("otel_label_name_underscore_sanitization", "labels with one underscore in front get `key` before it", o => o.LabelUnderscoreSanitization, (o, v) => o with { LabelUnderscoreSanitization = v }),
        Otlp("otel_label_name_preserve_multiple_underscores", "neighbouring underscores in labels stay", o => o.LabelKeepsMultipleUnderscores, (o, v) => o with { LabelKeepsMultipleUnderscores = v }),
        Otlp("otel_native_delta_ingestion", "delta points are stored as they are, not summed up", o => o.Delta == OtlpDelta.Native, (o, v) => o with { Delta = v ? OtlpDelta.Native : OtlpDelta.ToCumulative }),
        Whole("otel_delta_streams_max", "delta streams with a sum in memory", l => l.Otlp.DeltaStreamsMax, (l, v) => l with { Otlp = l.Otlp with { DeltaStreamsMax = (int)v } }),
    ];

    private static LimitSetting Otlp(string name, string meaning, Func<OtlpSettings, bool> get, Func<OtlpSettings, bool, OtlpSettings> set) =>
        Switch(name, meaning, l => get(l.Otlp), (l, v) => l with { Otlp = set(l.Otlp, v) });

    private static bool HasSuffixes(OtlpTranslation translation) => translation is OtlpTranslation.UnderscoreEscapingWithSuffixes or OtlpTranslation.NoUTF8EscapingWithSuffixes;

    private static OtlpTranslation WithSuffixes(OtlpTranslation translation, bool suffixes)
    {
        bool escaped = translation is OtlpTranslation.UnderscoreEscapingWithSuffixes or OtlpTranslation.UnderscoreEscapingWithoutSuffixes;
        if (escaped) return suffixes ? OtlpTranslation.UnderscoreEscapingWithSuffixes : OtlpTranslation.UnderscoreEscapingWithoutSuffixes;
        return suffixes ? OtlpTranslation.NoUTF8EscapingWithSuffixes : OtlpTranslation.NoTranslation;
    }
}
