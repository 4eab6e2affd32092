using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules;

/// <summary>A rule group that a tenant stored.</summary>
public sealed record StoredRuleGroup(string Namespace, RuleGroupDefinition Group);

/// <summary>A stored group was refused; the message says why and names the limit, where one was passed.</summary>
public sealed class RuleStoreException(string message) : Exception(message);

/// <summary>
/// Rule groups of tenants in the catalogue, by placement and namespace, as YAML. Groups are checked when they are put.
/// Those of a placement that has a folder of files are in these instead, and cannot be changed here. Safe for several threads.
/// </summary>
public sealed class RuleStore(ICatalogue catalogue, ITenantLimits limits, ILogger logger)
{
    private static readonly RulePlacement[] Placements = Enum.GetValues<RulePlacement>();

    private readonly Lock gate = new();

    /// <summary>A tenant's groups changed; raised after the change is durable.</summary>
    public event Action<TenantId, RulePlacement>? Changed;

    /// <summary>Placements whose rules are in files.</summary>
    public IReadOnlyDictionary<RulePlacement, RuleFolder> Folders { get; init; } = new Dictionary<RulePlacement, RuleFolder>();

    /// <summary>A tenant's limits as they are now.</summary>
    public TenantLimits LimitsOf(TenantId tenant) => limits.For(tenant);

    /// <summary>All groups of a tenant, by namespace, then in the order of their names.</summary>
    public IReadOnlyList<StoredRuleGroup> List(TenantId tenant, RulePlacement placement)
    {
        if (Folders.TryGetValue(placement, out var folder)) return folder.List(tenant);
        var groups = new List<StoredRuleGroup>();
        foreach (var document in catalogue.List(tenant.Name, Collection(placement)))
        {
            if (Read(tenant, document) is { } group) groups.Add(group);
        }
        return [.. groups.OrderBy(g => g.Namespace, StringComparer.Ordinal).ThenBy(g => g.Group.Name, StringComparer.Ordinal)];
    }

    public StoredRuleGroup? Get(TenantId tenant, RulePlacement placement, string space, string group)
    {
        if (Folders.TryGetValue(placement, out var folder)) return folder.List(tenant).FirstOrDefault(g => g.Namespace == space && g.Group.Name == group);
        return catalogue.Get(tenant.Name, Collection(placement), Key(space, group)) is { } document ? Read(tenant, document) : null;
    }

    /// <summary>Tenants that have rules in any placement.</summary>
    public IReadOnlyList<TenantId> Tenants() =>
        [.. Placements.SelectMany(TenantsOf).Distinct().OrderBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>Why rules of a placement cannot be changed here; null: they can.</summary>
    public string? WhyReadOnly(RulePlacement placement) =>
        Folders.TryGetValue(placement, out var folder) ? $"rules over {(placement == RulePlacement.Logs ? "logs" : "metrics")} are read from files in {folder.Folder}, and cannot be changed here; change the files" : null;

    /// <summary>Reads files that have changed.</summary>
    public void RefreshFolders()
    {
        foreach (var (placement, folder) in Folders)
        {
            foreach (var tenant in folder.Refresh()) Changed?.Invoke(tenant, placement);
        }
    }

    /// <summary>Adds or replaces a group.</summary>
    /// <exception cref="RuleStoreException">A limit of the tenant is passed, the namespace cannot be used, or the rules are in files.</exception>
    public void Put(TenantId tenant, RulePlacement placement, string space, RuleGroupDefinition group)
    {
        if (WhyReadOnly(placement) is { } why) throw new RuleStoreException(why);
        if (space.Trim().Length == 0) throw new RuleStoreException("invalid namespace: it must not be empty");
        var allowed = limits.For(tenant);
        bool ownRules = allowed.RulesPerGroupMaxBySpace.TryGetValue(space, out int rulesMax), ownGroups = allowed.RuleGroupsMaxBySpace.TryGetValue(space, out int groupsMax);
        if (!ownRules) rulesMax = allowed.RulesPerGroupMax;
        if (!ownGroups) groupsMax = allowed.RuleGroupsMax;
        if (rulesMax > 0 && group.Rules.Count > rulesMax)
            throw new RuleStoreException($"per-user rules per rule group limit (limit: {rulesMax} actual: {group.Rules.Count}) exceeded; split the group or raise ruler_max_rules_per_rule_group{(ownRules ? "_by_namespace" : "")}");
        if (group.Interval is { } interval && interval < allowed.RuleIntervalMin)
        {
            throw new RuleStoreException(
                $"the interval of group {GoString.Quote(group.Name)}, {PromDuration.Format(interval)}, is below the minimum of {PromDuration.Format(allowed.RuleIntervalMin)}; raise it or lower ruler_min_rule_evaluation_interval");
        }
        lock (gate)
        {
            string key = Key(space, group.Name);
            if (groupsMax > 0 && catalogue.Get(tenant.Name, Collection(placement), key) is null)
            {
                int count = catalogue.List(tenant.Name, Collection(placement)).Count + 1;
                if (count > groupsMax)
                    throw new RuleStoreException($"per-user rule groups limit (limit: {groupsMax} actual: {count}) exceeded; join groups or raise ruler_max_rule_groups_per_tenant{(ownGroups ? "_by_namespace" : "")}");
            }
            catalogue.Put(tenant.Name, Collection(placement), key, RuleFileWriter.WriteGroup(group));
        }
        Changed?.Invoke(tenant, placement);
    }

    /// <summary>False where there was no such group.</summary>
    public bool Delete(TenantId tenant, RulePlacement placement, string space, string group)
    {
        bool existed = catalogue.Delete(tenant.Name, Collection(placement), Key(space, group));
        if (existed) Changed?.Invoke(tenant, placement);
        return existed;
    }

    /// <summary>Deletes all groups of a namespace; false where there were none.</summary>
    public bool DeleteNamespace(TenantId tenant, RulePlacement placement, string space)
    {
        string prefix = Uri.EscapeDataString(space) + "/";
        var keys = catalogue.List(tenant.Name, Collection(placement)).Select(d => d.Key).Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        if (keys.Count == 0) return false;
        catalogue.Transaction(inner =>
        {
            foreach (string key in keys) inner.Delete(tenant.Name, Collection(placement), key);
        });
        Changed?.Invoke(tenant, placement);
        return true;
    }

    /// <summary>Deletes all of a tenant's rules that are not in files.</summary>
    public void DeleteTenant(TenantId tenant)
    {
        foreach (var placement in Placements.Where(p => !Folders.ContainsKey(p)))
        {
            foreach (string space in List(tenant, placement).Select(g => g.Namespace).Distinct(StringComparer.Ordinal)) DeleteNamespace(tenant, placement, space);
        }
    }

    private IEnumerable<TenantId> TenantsOf(RulePlacement placement) =>
        Folders.TryGetValue(placement, out var folder) ? folder.Tenants : catalogue.Tenants(Collection(placement)).Select(TenantId.Parse);

    private static string Collection(RulePlacement placement) => placement == RulePlacement.Metrics ? "rules-metrics" : "rules-logs";

    private static string Key(string space, string group) => $"{Uri.EscapeDataString(space)}/{Uri.EscapeDataString(group)}";

    private StoredRuleGroup? Read(TenantId tenant, Document document)
    {
        int slash = document.Key.IndexOf('/');
        string space = Uri.UnescapeDataString(document.Key[..Math.Max(slash, 0)]), name = Uri.UnescapeDataString(document.Key[(slash + 1)..]);
        try
        {
            return new StoredRuleGroup(space, RuleFileReader.ParseGroup(document.Content, space, new RuleFileOptions { SourceTenants = true }));
        }
        catch (ConfigurationException e)
        {
            // Was checked when it was put; only a change from outside can get here.
            RulesLog.StoredGroupUnreadable(logger, tenant.Name, space, name, e.Message);
            return null;
        }
    }
}
