namespace Pharos.Alerting;

/// <summary>How a configuration is read.</summary>
public sealed record AlertmanagerConfigOptions
{
    public static AlertmanagerConfigOptions Default { get; } = new();

    public MatcherMode Matchers { get; init; }

    /// <summary>
    /// Whether the configuration may name files of this machine (<c>*_file</c>, TLS files, template globs).
    /// False for configurations that tenants upload; then <c>templates</c> are names of uploaded templates.
    /// </summary>
    public bool AllowFiles { get; init; } = true;

    /// <summary>Template texts by name, uploaded together with the configuration.</summary>
    public IReadOnlyDictionary<string, string> Templates { get; init; } = new Dictionary<string, string>();
}
