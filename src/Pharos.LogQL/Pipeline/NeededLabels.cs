namespace Pharos.LogQL.Pipeline;

/// <summary>Labels that a metric query looks at after parsing. Parsers extract no others.</summary>
internal sealed class NeededLabels(HashSet<string>? names)
{
    public static NeededLabels All { get; } = new(null);

    /// <summary>Null: all are needed.</summary>
    public IReadOnlySet<string>? Names => names;

    /// <summary>Nothing is needed: parsers need not run at all.</summary>
    public bool None => names is { Count: 0 };

    public bool Needs(string name) =>
        names is null || names.Contains(name) || names.Contains(name + LabelState.ExtractedSuffix);
}
