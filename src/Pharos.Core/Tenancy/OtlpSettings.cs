namespace Pharos.Core;

/// <summary>How OTLP names become metric and label names. Source of the names: Prometheus, <c>otlp.translation_strategy</c>.</summary>
public enum OtlpTranslation
{
    /// <summary>Illegal characters become <c>_</c>; unit and type are appended.</summary>
    UnderscoreEscapingWithSuffixes,

    /// <summary>Illegal characters become <c>_</c>; nothing is appended.</summary>
    UnderscoreEscapingWithoutSuffixes,

    /// <summary>Names stay as they are; unit and type are appended.</summary>
    NoUTF8EscapingWithSuffixes,

    /// <summary>Names stay as they are.</summary>
    NoTranslation,
}

/// <summary>What happens to points of delta temporality.</summary>
public enum OtlpDelta
{
    /// <summary>They are summed up to cumulative ones; the sums live in memory.</summary>
    ToCumulative,

    /// <summary>They are stored as they come, with the metric type unknown.</summary>
    Native,

    /// <summary>They are refused.</summary>
    Reject,
}

/// <summary>How OTLP metrics become series. Names of the settings: the section <c>otlp</c> of prometheus.yml; Mimir's <c>otel_*</c> limits.</summary>
public sealed record OtlpSettings
{
    /// <summary>Prometheus's own.</summary>
    public static OtlpSettings Default { get; } = new();

    public OtlpTranslation Translation { get; init; } = OtlpTranslation.UnderscoreEscapingWithSuffixes;

    /// <summary>Resource attributes that become labels of every series.</summary>
    public IReadOnlySet<string> PromoteResourceAttributes { get; init; } = new HashSet<string>();

    /// <summary>All resource attributes become labels, without <see cref="IgnoreResourceAttributes"/>.</summary>
    public bool PromoteAllResourceAttributes { get; init; }

    public IReadOnlySet<string> IgnoreResourceAttributes { get; init; } = new HashSet<string>();

    /// <summary><c>target_info</c> keeps service.name, service.namespace and service.instance.id as labels too.</summary>
    public bool KeepIdentifyingResourceAttributes { get; init; }

    /// <summary>Explicit histograms become native histograms with custom buckets.</summary>
    public bool ConvertHistogramsToCustomBuckets { get; init; }

    /// <summary>Name, version, schema and attributes of the scope become labels <c>otel_scope_…</c>.</summary>
    public bool PromoteScopeMetadata { get; init; }

    /// <summary>A label that starts with one underscore gets <c>key</c> in front.</summary>
    public bool LabelUnderscoreSanitization { get; init; } = true;

    /// <summary>Neighbouring underscores in label names stay.</summary>
    public bool LabelKeepsMultipleUnderscores { get; init; } = true;

    public OtlpDelta Delta { get; init; } = OtlpDelta.ToCumulative;

    /// <summary>Streams of delta points with a sum in memory; a stream silent for five minutes is forgotten.</summary>
    public int DeltaStreamsMax { get; init; } = 100_000;

    /// <summary>Where a counter or histogram says when it began, a sample of 0 is stored at that time.</summary>
    public bool StartTimestampsAsZeros { get; init; }
}
