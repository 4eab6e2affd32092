namespace Pharos.Collector.Processing;

/// <summary>One stage of <c>loki.process</c> as configured. Names and defaults are Alloy's.</summary>
public abstract record StageOptions;

public sealed record StaticLabelsStage(IReadOnlyDictionary<string, string> Values) : StageOptions;

/// <param name="Values">Label by source; an empty source is the label's own name.</param>
/// <param name="SourceType"><c>extracted</c> or <c>structured_metadata</c>.</param>
public sealed record LabelsStage(IReadOnlyDictionary<string, string> Values, string SourceType = "extracted") : StageOptions;

public sealed record LabelDropStage(IReadOnlyList<string> Values) : StageOptions;

public sealed record LabelKeepStage(IReadOnlyList<string> Values) : StageOptions;

/// <param name="Values">Name by source; an empty source is the name itself.</param>
/// <param name="Regex">Further extracted names and labels that match; empty: none.</param>
public sealed record StructuredMetadataStage(IReadOnlyDictionary<string, string> Values, string Regex = "") : StageOptions;

public sealed record StructuredMetadataDropStage(IReadOnlyList<string> Values) : StageOptions;

/// <param name="Expressions">JMESPath by name; an empty expression is the name itself.</param>
public sealed record JsonStage(IReadOnlyDictionary<string, string> Expressions, string Source = "", bool DropMalformed = false) : StageOptions;

/// <param name="Mapping">Key of the line by name; an empty key is the name itself.</param>
public sealed record LogfmtStage(IReadOnlyDictionary<string, string> Mapping, string Source = "") : StageOptions;

public sealed record RegexStage(string Expression, string Source = "", bool LabelsFromGroups = false) : StageOptions;

public sealed record PatternStage(string Pattern, string Source = "", bool LabelsFromGroups = false) : StageOptions;

public sealed record ReplaceStage(string Expression, string Replace = "", string Source = "") : StageOptions;

public sealed record TemplateStage(string Source, string Template) : StageOptions;

/// <param name="ActionOnFailure"><c>fudge</c> or <c>skip</c>.</param>
/// <param name="ActionOnDuplicate"><c>fudge</c> or <c>keep</c>.</param>
public sealed record TimestampStage(
    string Source, string Format, IReadOnlyList<string>? FallbackFormats = null, string Location = "", string ActionOnFailure = "fudge",
    string ActionOnDuplicate = "keep") : StageOptions;

public sealed record OutputStage(string Source) : StageOptions;

/// <param name="Action"><c>keep</c> or <c>drop</c>.</param>
public sealed record MatchStage(
    string Selector, IReadOnlyList<StageOptions> Stages, string Action = "keep", string DropCounterReason = "match_stage", string PipelineName = "") : StageOptions;

/// <summary>Drops an entry where every condition that is set holds.</summary>
public sealed record DropStage : StageOptions
{
    /// <summary>Extracted names, separated by commas; their values are joined by <see cref="Separator"/>.</summary>
    public string Source { get; init; } = "";
    public string Separator { get; init; } = ";";
    public string Expression { get; init; } = "";
    public string Value { get; init; } = "";
    public TimeSpan OlderThan { get; init; }

    /// <summary>Bytes.</summary>
    public long LongerThan { get; init; }
    public string DropCounterReason { get; init; } = "drop_stage";
}

/// <param name="Rate">Lines per second.</param>
public sealed record LimitStage(double Rate, int Burst, bool Drop = false, string ByLabelName = "", int MaxDistinctLabels = 10_000) : StageOptions;

/// <param name="Rate">Share of the lines that is kept, 0 to 1.</param>
public sealed record SamplingStage(double Rate, string DropCounterReason = "sampling_stage") : StageOptions;

public sealed record MultilineStage(string FirstLine, TimeSpan MaxWaitTime, int MaxLines = 128, bool TrimNewlines = true) : StageOptions;

public sealed record CriStage(int MaxPartialLines = 100, long MaxPartialLineSize = 0, bool MaxPartialLineSizeTruncate = false) : StageOptions;

public sealed record DockerStage : StageOptions;

public sealed record PackStage(IReadOnlyList<string> Labels, bool IngestTimestamp = true) : StageOptions;

/// <summary>Exactly one of the three is set.</summary>
public sealed record TenantStage(string Label = "", string Source = "", string Value = "") : StageOptions;

public sealed record DecolorizeStage : StageOptions;

/// <param name="Metrics">The metrics that each line may change.</param>
public sealed record MetricsStage(IReadOnlyList<ProcessMetric> Metrics) : StageOptions;

/// <summary>A metric made from log lines.</summary>
public sealed record ProcessMetric
{
    /// <summary><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</summary>
    public required string Kind { get; init; }
    public required string Name { get; init; }
    public string Description { get; init; } = "";

    /// <summary>Extracted name that gives the value; empty: <see cref="Name"/>.</summary>
    public string Source { get; init; } = "";
    public string Prefix { get; init; } = "loki_process_custom_";
    public TimeSpan MaxIdle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Only lines whose value is this one count; empty: any.</summary>
    public string Value { get; init; } = "";

    /// <summary><c>inc</c>, <c>add</c>; for gauges also <c>dec</c>, <c>set</c>, <c>sub</c>.</summary>
    public string Action { get; init; } = "";
    public bool MatchAll { get; init; }
    public bool CountEntryBytes { get; init; }
    public IReadOnlyList<double> Buckets { get; init; } = [];
}
