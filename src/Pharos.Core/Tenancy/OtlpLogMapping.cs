namespace Pharos.Core;

/// <summary>What an attribute of OTLP logs becomes.</summary>
public enum OtlpLogAction
{
    StructuredMetadata,
    IndexLabel,
    Drop,
}

/// <summary>What the attributes become whose name is in the list or matches the expression.</summary>
public sealed record OtlpLogRule(OtlpLogAction Action, IReadOnlyList<string> Attributes, string Pattern)
{
    private readonly LinearRegex? regex = Pattern.Length == 0 ? null : LinearRegex.Anchored(Pattern);

    public bool Matches(string name) => Attributes.Contains(name, StringComparer.Ordinal) || (regex?.IsMatch(name) ?? false);
}

/// <summary>
/// What attributes of OTLP logs become: the first rule that matches decides, without one it is structured metadata.
/// Source: Loki's otlp_config.
/// </summary>
public sealed record OtlpLogMapping
{
    private static readonly OtlpLogRule DefaultLabels = new(OtlpLogAction.IndexLabel,
    [
        "service.name", "service.namespace", "service.instance.id", "deployment.environment", "deployment.environment.name", "cloud.region",
        "cloud.availability_zone", "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name",
        "k8s.replicaset.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
    ], "");

    public static OtlpLogMapping Default { get; } = new();

    /// <summary>Whether the resource attributes that are labels by default are not.</summary>
    public bool IgnoreDefaults { get; init; }

    public IReadOnlyList<OtlpLogRule> Resource { get; init; } = [];
    public IReadOnlyList<OtlpLogRule> Scope { get; init; } = [];
    public IReadOnlyList<OtlpLogRule> Log { get; init; } = [];

    /// <summary>The severity's text is an index label, too.</summary>
    public bool SeverityTextAsLabel { get; init; }

    public OtlpLogAction OfResource(string name)
    {
        foreach (var rule in Resource)
        {
            if (rule.Matches(name)) return rule.Action;
        }
        return !IgnoreDefaults && DefaultLabels.Matches(name) ? OtlpLogAction.IndexLabel : OtlpLogAction.StructuredMetadata;
    }

    public OtlpLogAction OfScope(string name) => Of(Scope, name);

    public OtlpLogAction OfLog(string name) => Of(Log, name);

    private static OtlpLogAction Of(IReadOnlyList<OtlpLogRule> rules, string name)
    {
        foreach (var rule in rules)
        {
            if (rule.Matches(name)) return rule.Action;
        }
        return OtlpLogAction.StructuredMetadata;
    }
}
