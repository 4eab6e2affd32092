using Pharos.Core;
using Pharos.Logs;

namespace Pharos.Server.Loki.Tails;

/// <summary>What clients that share their work have in common.</summary>
internal readonly record struct TailKey(TenantId Tenant, string Query, TailForm Form, TimeSpan Delay);

/// <summary>The live tails that are open, grouped by what they ask for. Safe for several threads.</summary>
internal sealed class SharedTails
{
    private readonly LogStore store;
    private readonly TimeProvider time;
    private readonly Gauge active;
    private readonly Lock gate = new();
    private readonly Dictionary<TailKey, TailGroup> groups = [];
    private readonly Dictionary<TenantId, int> counts = [];

    public SharedTails(LogStore store, TimeProvider time, Instruments instruments)
    {
        this.store = store;
        this.time = time;
        active = instruments.Gauge("loki_querier_tail_active", "Number of active tailers.");
    }

    /// <summary>Joins the tail of a query from now on; to be left by <see cref="Leave"/>.</summary>
    /// <param name="tailsMax">Most tails of the tenant; 0 for no limit.</param>
    /// <exception cref="QueryException">The text is no log query, or the tenant has as many tails as it may.</exception>
    public TailClient Join(TailKey key, int tailsMax)
    {
        lock (gate)
        {
            int open = counts.GetValueOrDefault(key.Tenant);
            if (tailsMax > 0 && open >= tailsMax) throw new QueryException(QueryErrorKind.BadData, $"max concurrent tail requests limit exceeded, count > limit ({open + 1} > {tailsMax})");
            if (!groups.TryGetValue(key, out var group)) groups[key] = group = new TailGroup(key, store, time);
            counts[key.Tenant] = open + 1;
            active.Set(counts.Values.Sum());
            return group.Add();
        }
    }

    public void Leave(TailKey key, TailClient client)
    {
        lock (gate)
        {
            if (groups[key].Remove(client) && groups.Remove(key, out var group)) group.Dispose();
            if (--counts[key.Tenant] == 0) counts.Remove(key.Tenant);
            active.Set(counts.Values.Sum());
        }
    }
}
