using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Server.Mimir;

/// <summary>What becomes of a request that a replica sent.</summary>
internal enum HaVerdict
{
    /// <summary>It comes from the elected replica.</summary>
    Take,

    /// <summary>Another replica is elected; what this one sends is there already.</summary>
    Duplicate,

    /// <summary>The tenant has as many clusters as it may.</summary>
    TooManyClusters,
}

/// <summary>The replica whose samples are taken for a cluster. Times are Unix milliseconds by this server's clock.</summary>
internal sealed record ElectedReplica(string Cluster, string Replica, long ElectedMs, long ReceivedMs);

/// <summary>
/// Elects one of the replicas that send the same samples: the first that comes, and another once that one was silent for the failover time.
/// Elections are kept in the catalogue, so a restart does not elect again while both send. Safe for several threads.
/// </summary>
internal sealed class HaTracker
{
    private const string Collection = "ha-replicas";

    /// <summary>A cluster that was silent for so long gives its place to a new one.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(30);

    private readonly ICatalogue catalogue;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<TenantId, Dictionary<string, ElectedReplica>> tenants = new();
    private readonly Counter changes;

    public HaTracker(ICatalogue catalogue, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.catalogue = catalogue;
        this.time = time;
        this.logger = logger;
        changes = instruments.Counter("cortex_ha_tracker_elected_replica_changes_total", "The total number of times the elected replica has changed for a user ID/cluster.", "user", "cluster");
    }

    public HaVerdict Check(TenantId tenant, string cluster, string replica, TenantLimits limits)
    {
        long nowMs = time.UnixMs();
        var elected = tenants.GetOrAdd(tenant, Load);
        lock (elected)
        {
            if (elected.TryGetValue(cluster, out var now))
            {
                if (now.Replica != replica)
                {
                    if (nowMs - now.ReceivedMs < (long)limits.HaFailover.TotalMilliseconds) return HaVerdict.Duplicate;
                    Elect(tenant, elected, cluster, replica, nowMs);
                    return HaVerdict.Take;
                }
                elected[cluster] = now with { ReceivedMs = nowMs };
                return HaVerdict.Take;
            }
            if (limits.HaClustersMax > 0 && elected.Count >= limits.HaClustersMax)
            {
                ForgetSilent(tenant, elected, nowMs);
                if (elected.Count >= limits.HaClustersMax) return HaVerdict.TooManyClusters;
            }
            Elect(tenant, elected, cluster, replica, nowMs);
            return HaVerdict.Take;
        }
    }

    /// <summary>The elected replicas of a tenant, by cluster.</summary>
    public IReadOnlyList<ElectedReplica> Elected(TenantId tenant)
    {
        var elected = tenants.GetOrAdd(tenant, Load);
        lock (elected) return [.. elected.Values.OrderBy(e => e.Cluster, StringComparer.Ordinal)];
    }

    /// <summary>Tenants with elected replicas.</summary>
    public IReadOnlyList<TenantId> Tenants =>
        [.. tenants.Keys.Select(t => t.Name).Union(catalogue.Tenants(Collection), StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(TenantId.Parse)];

    private void Elect(TenantId tenant, Dictionary<string, ElectedReplica> elected, string cluster, string replica, long nowMs)
    {
        elected[cluster] = new ElectedReplica(cluster, replica, nowMs, nowMs);
        changes.With(tenant.Name, cluster).Add(1);
        HaLog.Elected(logger, tenant.Name, cluster, replica);
        try
        {
            catalogue.Put(tenant.Name, Collection, cluster, JsonSerializer.Serialize(new Dictionary<string, string> { ["replica"] = replica, ["elected"] = nowMs.ToString() }));
        }
        catch (DbException failure)
        {
            // The election holds without it; only a restart would elect anew.
            HaLog.NotKept(logger, tenant.Name, cluster, failure.Message);
        }
    }

    private void ForgetSilent(TenantId tenant, Dictionary<string, ElectedReplica> elected, long nowMs)
    {
        foreach (var silent in elected.Values.Where(e => nowMs - e.ReceivedMs >= (long)ForgetAfter.TotalMilliseconds).ToList())
        {
            elected.Remove(silent.Cluster);
            catalogue.Delete(tenant.Name, Collection, silent.Cluster);
        }
    }

    /// <summary>What was elected before a restart counts as heard of just now: it gets its time to come back.</summary>
    private Dictionary<string, ElectedReplica> Load(TenantId tenant)
    {
        var elected = new Dictionary<string, ElectedReplica>(StringComparer.Ordinal);
        foreach (var document in catalogue.List(tenant.Name, Collection))
        {
            var kept = JsonSerializer.Deserialize<Dictionary<string, string>>(document.Content)!;
            elected[document.Key] = new ElectedReplica(document.Key, kept["replica"], long.Parse(kept["elected"]), time.UnixMs());
        }
        return elected;
    }
}

internal static partial class HaLog
{
    [LoggerMessage(9201, LogLevel.Information, "Replica {Replica} of cluster {Cluster} of tenant {Tenant} is elected")]
    public static partial void Elected(ILogger logger, string tenant, string cluster, string replica);

    [LoggerMessage(9202, LogLevel.Warning, "The election in cluster {Cluster} of tenant {Tenant} was not kept for a restart: {Reason}")]
    public static partial void NotKept(ILogger logger, string tenant, string cluster, string reason);
}
