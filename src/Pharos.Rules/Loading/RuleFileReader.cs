using Pharos.Core;
using Pharos.Rules.Loading;
using Pharos.Yaml;

namespace Pharos.Rules;

/// <summary>How strictly rule files are read.</summary>
public sealed record RuleFileOptions
{
    public static RuleFileOptions Default { get; } = new();

    /// <summary>Checks expressions; null leaves them unchecked.</summary>
    public IRuleLanguage? Language { get; init; }

    /// <summary>True: groups may read other tenants' data, <c>source_tenants</c>.</summary>
    public bool SourceTenants { get; init; }

    /// <summary>True: names of labels and annotations must be classic identifiers.</summary>
    public bool LegacyNames { get; init; }
}

/// <summary>Reads rule files and single groups. Every mistake is found at once, with its place.</summary>
public static class RuleFileReader
{
    /// <summary>Largest rule file, characters.</summary>
    public const int TextMax = 32 << 20;

    /// <summary>Reads a rule file (<c>groups:</c>).</summary>
    /// <exception cref="ConfigurationException">All mistakes in it.</exception>
    public static IReadOnlyList<RuleGroupDefinition> Parse(string text, string file, RuleFileOptions? options = null)
    {
        var findings = new List<Diagnostic>();
        var groups = Parse(text, file, options ?? RuleFileOptions.Default, findings);
        return findings.Exists(f => f.Severity == Severity.Error) ? throw new ConfigurationException(findings) : groups;
    }

    /// <summary>Reads a rule file as far as possible and adds what is wrong to the findings.</summary>
    public static IReadOnlyList<RuleGroupDefinition> Parse(string text, string file, RuleFileOptions options, List<Diagnostic> findings)
    {
        var reading = Read(text, file, findings);
        if (reading?.Root is null) return [];
        var fields = reading.Section("rule file");
        var groups = new List<RuleGroupDefinition>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in fields.Items("groups"))
        {
            var group = new GroupReader(reading, options).Group(node);
            if (group.Name.Length > 0 && !names.Add(group.Name))
                fields.Error(node, $"groupname: \"{group.Name}\" is repeated in the same file", "give each group a name of its own");
            groups.Add(group);
        }
        fields.Done();
        return groups;
    }

    /// <summary>Reads one group, as the rulers' APIs take it.</summary>
    /// <exception cref="ConfigurationException">All mistakes in it.</exception>
    public static RuleGroupDefinition ParseGroup(string text, string file = "", RuleFileOptions? options = null)
    {
        var findings = new List<Diagnostic>();
        var reading = Read(text, file, findings);
        RuleGroupDefinition? group = null;
        if (reading?.Root is { } root) group = new GroupReader(reading, options ?? RuleFileOptions.Default).Group(root);
        else if (findings.Count == 0) findings.Add(Diagnostic.Error(SourcePosition.None, "the rule group is empty", "send one group: name and rules"));
        return findings.Exists(f => f.Severity == Severity.Error) ? throw new ConfigurationException(findings) : group!;
    }

    private static YamlReading? Read(string text, string file, List<Diagnostic> findings)
    {
        if (text.Length > TextMax)
        {
            findings.Add(Diagnostic.Error(new SourcePosition(file, 0, 0), $"{text.Length} characters long, at most {TextMax} are read", "split the file"));
            return null;
        }
        return new YamlReading(text, file, findings);
    }
}
