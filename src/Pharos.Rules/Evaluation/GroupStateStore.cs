using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules.Evaluation;

/// <summary>What a group keeps over a restart.</summary>
internal sealed record StoredGroup
{
    public int Version { get; init; } = 1;
    public long LastEvaluationMs { get; init; }
    public List<StoredRule> Rules { get; init; } = [];
}

internal sealed record StoredRule
{
    public string Identity { get; init; } = "";
    public List<StoredAlert> Alerts { get; init; } = [];

    /// <summary>Series written last, canonical label bytes in base 64; left out where there are very many.</summary>
    public List<string> Written { get; init; } = [];
}

internal sealed record StoredAlert
{
    public SortedDictionary<string, string> Labels { get; init; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, string> Annotations { get; init; } = new(StringComparer.Ordinal);
    public string Phase { get; init; } = "";

    /// <summary>The value's bits, so that NaN and infinities live through JSON.</summary>
    public long ValueBits { get; init; }
    public long ActiveAtMs { get; init; }
    public long FiredAtMs { get; init; }
    public long ResolvedAtMs { get; init; }
    public long LastSentAtMs { get; init; }
    public long ValidUntilMs { get; init; }
    public long KeepFiringSinceMs { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(StoredGroup))]
internal sealed partial class StateJson : JsonSerializerContext;

/// <summary>Group state in the catalogue.</summary>
internal sealed class GroupStateStore(ICatalogue catalogue, RuleManagerOptions options, ILogger logger)
{
    private const int WrittenMax = 2000;

    private readonly string collection = $"rule-state-{options.Placement.ToString().ToLowerInvariant()}";

    public StoredGroup? Load(string key)
    {
        try
        {
            var document = catalogue.Get(options.Tenant.Name, collection, key);
            return document is null ? null : JsonSerializer.Deserialize(document.Content, StateJson.Default.StoredGroup);
        }
        catch (JsonException e)
        {
            RulesLog.StateUnreadable(logger, options.Tenant.Name, key, e.Message);
            return null;
        }
    }

    public void Save(string key, StoredGroup group) =>
        catalogue.Put(options.Tenant.Name, collection, key, JsonSerializer.Serialize(group, StateJson.Default.StoredGroup));

    public void Delete(string key) => catalogue.Delete(options.Tenant.Name, collection, key);

    /// <summary>Keys of all groups that have state.</summary>
    public IEnumerable<string> Keys() => catalogue.List(options.Tenant.Name, collection).Select(d => d.Key);

    public static StoredRule Of(Rule rule) => new()
    {
        Identity = rule.Identity,
        Alerts = rule is AlertingRule alerting ? [.. alerting.Instances.Values.OrderBy(i => i.Labels).Select(Of)] : [],
        Written = rule.Written.Count > WrittenMax ? [] : [.. rule.Written.Order().Select(l => Convert.ToBase64String(l.Encoded))],
    };

    public static void Restore(StoredRule stored, Rule rule)
    {
        rule.Written = [.. stored.Written.Select(w => Labels.FromEncoded(Convert.FromBase64String(w)))];
        if (rule is not AlertingRule alerting) return;
        foreach (var alert in stored.Alerts)
        {
            var labels = Labels.Of(alert.Labels);
            alerting.Instances[labels] = new AlertInstance
            {
                Labels = labels,
                Annotations = Labels.Of(alert.Annotations),
                Phase = Enum.TryParse<AlertPhase>(alert.Phase, out var phase) ? phase : AlertPhase.Inactive,
                Value = BitConverter.Int64BitsToDouble(alert.ValueBits),
                ActiveAtMs = alert.ActiveAtMs,
                FiredAtMs = alert.FiredAtMs,
                ResolvedAtMs = alert.ResolvedAtMs,
                LastSentAtMs = alert.LastSentAtMs,
                ValidUntilMs = alert.ValidUntilMs,
                KeepFiringSinceMs = alert.KeepFiringSinceMs,
            };
        }
    }

    private static StoredAlert Of(AlertInstance alert) => new()
    {
        Labels = alert.Labels.ToDictionary(),
        Annotations = alert.Annotations.ToDictionary(),
        Phase = alert.Phase.ToString(),
        ValueBits = BitConverter.DoubleToInt64Bits(alert.Value),
        ActiveAtMs = alert.ActiveAtMs,
        FiredAtMs = alert.FiredAtMs,
        ResolvedAtMs = alert.ResolvedAtMs,
        LastSentAtMs = alert.LastSentAtMs,
        ValidUntilMs = alert.ValidUntilMs,
        KeepFiringSinceMs = alert.KeepFiringSinceMs,
    };
}
