using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>A valid Alertmanager configuration, immutable.</summary>
public sealed class AlertmanagerConfig
{
    internal AlertmanagerConfig() { }

    /// <summary>The text as it was read.</summary>
    public required string Text { get; init; }

    /// <summary>The text with each secret replaced by <c>&lt;secret&gt;</c>; for showing.</summary>
    public required string MaskedText { get; init; }

    public required string FileName { get; init; }

    public required RouteTree Routes { get; init; }

    /// <summary>In the order of the file.</summary>
    public required IReadOnlyList<ReceiverConfig> Receivers { get; init; }

    public required IReadOnlyList<InhibitRule> InhibitRules { get; init; }

    public required IReadOnlyDictionary<string, TimeInterval> TimeIntervals { get; init; }

    /// <summary>Template files or globs, or, in a tenant's configuration, names of uploaded templates.</summary>
    public required IReadOnlyList<string> TemplateFiles { get; init; }

    /// <summary>Findings that do not stop the configuration from working.</summary>
    public required IReadOnlyList<Diagnostic> Warnings { get; init; }

    /// <summary>Template texts that came with the configuration, by name.</summary>
    public required IReadOnlyDictionary<string, string> Templates { get; init; }

    internal GlobalConfig Global { get; init; } = new();

    /// <summary>Reads and checks a configuration. Files that it names need not exist yet, but for templates see <see cref="AlertRouter"/>.</summary>
    /// <exception cref="ConfigurationException">With every finding.</exception>
    public static AlertmanagerConfig Load(string text, string fileName, AlertmanagerConfigOptions? options = null) =>
        new ConfigLoader(text, fileName, options ?? AlertmanagerConfigOptions.Default).Load();
}

/// <summary>A named place where notifications go; without integrations it is a sink.</summary>
public sealed class ReceiverConfig
{
    internal ReceiverConfig(string name, IReadOnlyDictionary<string, string> labels, IReadOnlyList<IntegrationConfig> integrations)
    {
        Name = name;
        Labels = labels;
        Integrations = integrations;
    }

    public string Name { get; }

    /// <summary>For choosing receivers; <c>name</c> is always the receiver's name.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; }

    internal IReadOnlyList<IntegrationConfig> Integrations { get; }

    /// <summary>Kinds of the integrations: <c>webhook</c>, <c>slack</c> …</summary>
    public IEnumerable<string> Kinds => Integrations.Select(i => i.Kind);
}

/// <summary>A firing alert that matches <see cref="Source"/> mutes alerts that match <see cref="Target"/> and agree on the labels of <see cref="Equal"/>.</summary>
public sealed record InhibitRule(string Name, IReadOnlyList<Matcher> Source, IReadOnlyList<Matcher> Target, IReadOnlyList<string> Equal);
