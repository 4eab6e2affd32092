using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Relabeling;

public enum RelabelAction
{
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

/// <summary>A rule as a configuration writes it. Null: the field is not given and has its default.</summary>
public sealed record RelabelRuleOptions
{
    public IReadOnlyList<string>? SourceLabels { get; init; }

    /// <summary>Stands between the values of the source labels; default <c>;</c>.</summary>
    public string? Separator { get; init; }

    /// <summary>RE2, anchored at both ends; default <c>(.*)</c>.</summary>
    public string? Regex { get; init; }

    public string? TargetLabel { get; init; }

    /// <summary>With <c>$1</c>, <c>${name}</c>; default <c>$1</c>.</summary>
    public string? Replacement { get; init; }

    public ulong? Modulus { get; init; }

    /// <summary>In any case of letters; default <c>replace</c>.</summary>
    public string? Action { get; init; }
}

/// <summary>One relabelling rule, checked and compiled. Immutable, safe for several threads.</summary>
/// <remarks>Source of the semantics: prometheus/model/relabel.</remarks>
public sealed class RelabelRule
{
    private const string DefaultRegex = "(.*)";
    private const string DefaultReplacement = "$1";
    private const string DefaultSeparator = ";";

    private readonly LinearRegex regex;
    private readonly string[] sources;
    private readonly string separator;
    private readonly string target;
    private readonly string replacement;
    private readonly ulong modulus;
    private readonly bool copies;

    private RelabelRule(RelabelAction action, LinearRegex regex, RelabelRuleOptions options)
    {
        Action = action;
        this.regex = regex;
        sources = options.SourceLabels is null ? [] : [.. options.SourceLabels];
        separator = options.Separator ?? DefaultSeparator;
        target = options.TargetLabel ?? "";
        replacement = options.Replacement ?? DefaultReplacement;
        modulus = options.Modulus ?? 0;
        Options = options;
        copies = regex.Pattern == DefaultRegex && replacement == DefaultReplacement && !target.Contains('$', StringComparison.Ordinal);
    }

    public RelabelAction Action { get; }

    /// <summary>The rule as it was given.</summary>
    public RelabelRuleOptions Options { get; }

    /// <summary>Checks and compiles a rule.</summary>
    /// <param name="error">What is wrong, in the words of Prometheus.</param>
    public static bool TryCreate(RelabelRuleOptions options, [NotNullWhen(true)] out RelabelRule? rule, [NotNullWhen(false)] out string? error)
    {
        rule = null;
        string name = options.Action ?? "replace";
        if (!Enum.TryParse(name, ignoreCase: true, out RelabelAction action) || !Enum.IsDefined(action) || !name.All(char.IsAsciiLetter))
        {
            error = $"unknown relabel action \"{name}\"";
            return false;
        }
        name = name.ToLowerInvariant();
        string target = options.TargetLabel ?? "";
        bool defaultRegex = options.Regex is null or DefaultRegex, defaultReplacement = options.Replacement is null or DefaultReplacement;
        bool defaultSeparator = options.Separator is null or DefaultSeparator;
        error = action switch
        {
            RelabelAction.HashMod when options.Modulus is null or 0 => "relabel configuration for hashmod requires non-zero modulus",
            RelabelAction.Replace or RelabelAction.KeepEqual or RelabelAction.DropEqual or RelabelAction.HashMod or RelabelAction.Lowercase or RelabelAction.Uppercase
                when target.Length == 0 => $"relabel configuration for {name} action requires 'target_label' value",
            RelabelAction.Lowercase or RelabelAction.Uppercase
                when !defaultReplacement => $"'replacement' can not be set for {name} action",
            RelabelAction.LabelMap when options.Replacement is "" => $"\"{options.Replacement}\" is invalid 'replacement' for {name} action",
            RelabelAction.KeepEqual or RelabelAction.DropEqual
                when !defaultRegex || !defaultReplacement || !defaultSeparator || options.Modulus is not (null or 0)
                => $"{name} action requires only 'source_labels' and 'target_label', and no other fields",
            RelabelAction.LabelDrop or RelabelAction.LabelKeep
                when options.SourceLabels is { Count: > 0 } || target.Length > 0 || !defaultReplacement || !defaultSeparator || options.Modulus is not (null or 0)
                => $"{name} action requires only 'regex', and no other fields",
            _ => null,
        };
        if (error is not null) return false;
        if (!LinearRegex.TryCreate(options.Regex ?? DefaultRegex, anchored: true, dotMatchesNewline: true, out var regex, out string? bad))
        {
            error = $"invalid regex \"{options.Regex}\": {bad}";
            return false;
        }
        rule = new RelabelRule(action, regex, options);
        return true;
    }

    /// <summary>Applies rules in order. False where the target or series is dropped; the labels are then of no use.</summary>
    public static bool Apply(IReadOnlyList<RelabelRule> rules, LabelsBuilder labels)
    {
        for (int i = 0; i < rules.Count; i++)
        {
            if (!rules[i].Apply(labels)) return false;
        }
        return true;
    }

    /// <summary>The labels after the rules; null where they are dropped.</summary>
    public static Labels? Apply(IReadOnlyList<RelabelRule> rules, Labels labels)
    {
        if (rules.Count == 0) return labels;
        var builder = new LabelsBuilder(labels);
        return Apply(rules, builder) ? builder.ToLabels() : null;
    }

    /// <summary>Applies this rule alone. False: dropped.</summary>
    public bool Apply(LabelsBuilder labels)
    {
        switch (Action)
        {
            case RelabelAction.Keep:
                return regex.IsMatch(Source(labels));
            case RelabelAction.Drop:
                return !regex.IsMatch(Source(labels));
            case RelabelAction.KeepEqual:
                return labels.Get(target) == Source(labels);
            case RelabelAction.DropEqual:
                return labels.Get(target) != Source(labels);
            case RelabelAction.Replace:
                Replace(labels);
                return true;
            case RelabelAction.Lowercase:
                labels.Set(target, Source(labels).ToLowerInvariant());
                return true;
            case RelabelAction.Uppercase:
                labels.Set(target, Source(labels).ToUpperInvariant());
                return true;
            case RelabelAction.HashMod:
                labels.Set(target, HashMod(Source(labels)));
                return true;
            case RelabelAction.LabelMap:
                foreach (var (name, value) in labels.Pairs.ToArray())
                {
                    if (!regex.IsMatch(name)) continue;
                    string mapped = regex.ReplaceAll(name, replacement);
                    if (mapped.Length > 0) labels.Set(mapped, value);
                }
                return true;
            case RelabelAction.LabelDrop:
                foreach (var (name, _) in labels.Pairs.ToArray())
                {
                    if (regex.IsMatch(name)) labels.Remove(name);
                }
                return true;
            default:
                foreach (var (name, _) in labels.Pairs.ToArray())
                {
                    if (!regex.IsMatch(name)) labels.Remove(name);
                }
                return true;
        }
    }

    private void Replace(LabelsBuilder labels)
    {
        string source = Source(labels);
        if (copies)
        {
            labels.Set(target, source);
            return;
        }
        var match = regex.Match(source);
        if (!match.Success) return;
        string name = regex.Expand(target, match);
        if (name.Length == 0) return;
        labels.Set(name, regex.Expand(replacement, match));
    }

    private string HashMod(string source)
    {
        Span<byte> hash = stackalloc byte[16];
#pragma warning disable CA5351 // The rule's meaning is defined by MD5; nothing is protected by it.
        MD5.HashData(Encoding.UTF8.GetBytes(source), hash);
#pragma warning restore CA5351
        return (BinaryPrimitives.ReadUInt64BigEndian(hash[8..]) % modulus).ToString();
    }

    private string Source(LabelsBuilder labels)
    {
        if (sources.Length == 1) return labels.Get(sources[0]);
        if (sources.Length == 0) return "";
        var text = new StringBuilder();
        for (int i = 0; i < sources.Length; i++)
        {
            if (i > 0) text.Append(separator);
            text.Append(labels.Get(sources[i]));
        }
        return text.ToString();
    }
}
