using System.Collections.Concurrent;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Fleet;

/// <summary>What a collector sends when it asks for its configuration.</summary>
/// <param name="LocalAttributes">Null: unchanged since it registered.</param>
/// <param name="Status">Null: nothing new to report.</param>
public sealed record ConfigRequest(
    string Id,
    string Hash,
    IReadOnlyDictionary<string, string>? LocalAttributes,
    (ConfigStatus Status, string Message)? Status = null,
    string? EffectiveConfig = null);

/// <param name="Config">Null where the collector already has it.</param>
public sealed record ConfigAnswer(ServedConfig? Config, string Hash);

/// <summary>The collectors of all tenants: who they are, how they do, and what they are served. Safe for several threads.</summary>
public sealed class CollectorRegistry
{
    /// <summary>How stale the stored time of the last request may be; memory holds the exact one.</summary>
    private static readonly TimeSpan SeenWriteInterval = TimeSpan.FromMinutes(10);

    private readonly FleetStore store;
    private readonly TimeProvider time;
    private readonly FleetOptions options;
    private readonly ConcurrentDictionary<(TenantId, string), DateTimeOffset> seen = new();
    private readonly Lock gate = new();

    public CollectorRegistry(ICatalogue catalogue, TimeProvider time, FleetOptions? options = null)
    {
        store = new FleetStore(catalogue);
        this.time = time;
        this.options = options ?? new FleetOptions();
    }

    /// <summary>Answers a collector's question for its configuration. One that is not known yet becomes known.</summary>
    /// <exception cref="FleetException">The request is not valid.</exception>
    public ConfigAnswer GetConfig(TenantId tenant, ConfigRequest request)
    {
        RequireId(request.Id);
        if (request.LocalAttributes is not null) Attributes.Check(request.LocalAttributes, remote: false, options);
        var now = time.GetUtcNow();
        Collector collector;
        lock (gate)
        {
            var before = store.Collector(tenant, request.Id);
            collector = before ?? New(tenant, request.Id, now);
            if (request.LocalAttributes is not null) collector = collector with { LocalAttributes = request.LocalAttributes };
            if (request.Status is { } status) collector = collector with { Status = status.Status, StatusMessage = status.Message, StatusAt = now };
            if (request.EffectiveConfig is not null) collector = collector with { EffectiveConfig = request.EffectiveConfig };
            bool changed = before is null || !Same(before, collector) || before.MarkedInactiveAt is not null
                || before.LastSeenAt is null || now - before.LastSeenAt >= SeenWriteInterval;
            if (changed)
            {
                collector = collector with { LastSeenAt = now, MarkedInactiveAt = null };
                store.Put(tenant, collector);
            }
        }
        seen[(tenant, request.Id)] = now;
        var served = Serve(collector, store.Pipelines(tenant));
        return served.Hash == request.Hash ? new ConfigAnswer(null, served.Hash) : new ConfigAnswer(served, served.Hash);
    }

    /// <summary>Makes a collector known, or refreshes what it says about itself. What operators set stays.</summary>
    /// <exception cref="FleetException">The request is not valid.</exception>
    public void Register(TenantId tenant, string id, string name, IReadOnlyDictionary<string, string> localAttributes, CollectorType type = CollectorType.Alloy)
    {
        RequireId(id);
        Attributes.Check(localAttributes, remote: false, options);
        var now = time.GetUtcNow();
        lock (gate)
        {
            var before = store.Collector(tenant, id) ?? New(tenant, id, now);
            store.Put(tenant, before with
            {
                Name = name.Length > 0 ? name : before.Name,
                LocalAttributes = localAttributes,
                Type = type == CollectorType.Unspecified ? before.Type : type,
                LastSeenAt = now,
                MarkedInactiveAt = null,
            });
        }
        seen[(tenant, id)] = now;
    }

    /// <summary>Notes that a collector stopped. What operators set stays for when it comes back.</summary>
    public void Unregister(TenantId tenant, string id)
    {
        lock (gate)
        {
            if (store.Collector(tenant, id) is { } collector) store.Put(tenant, collector with { MarkedInactiveAt = time.GetUtcNow() });
        }
    }

    /// <exception cref="FleetException">There is none.</exception>
    public Collector Get(TenantId tenant, string id) => store.Collector(tenant, id) ?? throw NotFound(id);

    /// <summary>Collectors whose effective attributes fit all matchers, sorted by id.</summary>
    /// <exception cref="FleetException">A matcher is not valid.</exception>
    public IReadOnlyList<Collector> List(TenantId tenant, IReadOnlyList<string>? matchers = null)
    {
        var parsed = Parse(matchers ?? []);
        return [.. store.Collectors(tenant).Where(c => AttributeMatchers.Fit(parsed, EffectiveOf(c)))];
    }

    /// <exception cref="FleetException">It exists, or is not valid.</exception>
    public Collector Create(TenantId tenant, Collector collector)
    {
        Check(collector);
        lock (gate)
        {
            if (store.Collector(tenant, collector.Id) is not null) throw new FleetException(FleetErrorCode.AlreadyExists, $"collector \"{collector.Id}\" exists already");
            var created = New(tenant, collector.Id, time.GetUtcNow()) with
            {
                Name = collector.Name,
                Enabled = collector.Enabled,
                RemoteAttributes = collector.RemoteAttributes,
                Type = collector.Type == CollectorType.Unspecified ? CollectorType.Alloy : collector.Type,
            };
            store.Put(tenant, created);
            return created;
        }
    }

    /// <summary>Replaces what operators set: name, remote attributes, enabled. What is left out vanishes.</summary>
    /// <exception cref="FleetException">There is none, or it is not valid.</exception>
    public Collector Update(TenantId tenant, Collector collector)
    {
        Check(collector);
        lock (gate)
        {
            var updated = Get(tenant, collector.Id) with
            {
                Name = collector.Name,
                Enabled = collector.Enabled,
                RemoteAttributes = collector.RemoteAttributes,
                UpdatedAt = time.GetUtcNow(),
            };
            if (collector.Type != CollectorType.Unspecified) updated = updated with { Type = collector.Type };
            store.Put(tenant, updated);
            return updated;
        }
    }

    /// <summary>Changes remote attributes of several collectors, all or none.</summary>
    /// <exception cref="FleetException">A collector is not known, or an operation is not valid; nothing was changed.</exception>
    public void BulkUpdate(TenantId tenant, IReadOnlyList<string> ids, IReadOnlyList<AttributeOperation> operations)
    {
        if (ids.Count == 0) throw Invalid("ids must not be empty");
        if (operations.Count == 0) throw Invalid("ops must not be empty");
        var now = time.GetUtcNow();
        lock (gate)
        {
            store.Transaction(inside =>
            {
                foreach (string id in ids.Distinct())
                {
                    var collector = inside.Collector(tenant, id) ?? throw NotFound(id);
                    var attributes = Attributes.Apply(collector.RemoteAttributes, operations);
                    Attributes.Check(attributes, remote: true, options);
                    inside.Put(tenant, collector with { RemoteAttributes = attributes, UpdatedAt = now });
                }
            });
        }
    }

    /// <summary>Forgets collectors, all or none.</summary>
    /// <exception cref="FleetException">A collector is not known; none was deleted.</exception>
    public void Delete(TenantId tenant, params IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) throw Invalid("ids must not be empty");
        lock (gate)
        {
            store.Transaction(inside =>
            {
                foreach (string id in ids.Distinct())
                {
                    if (!inside.DeleteCollector(tenant, id)) throw NotFound(id);
                }
            });
            foreach (string id in ids) seen.TryRemove((tenant, id), out _);
        }
    }

    /// <summary>All values of all attributes in use, local and remote.</summary>
    public (IReadOnlyDictionary<string, IReadOnlyList<string>> Local, IReadOnlyDictionary<string, IReadOnlyList<string>> Remote) AttributesInUse(TenantId tenant)
    {
        var collectors = store.Collectors(tenant);
        return (Values(c => c.LocalAttributes), Values(c => c.RemoteAttributes));

        SortedDictionary<string, IReadOnlyList<string>> Values(Func<Collector, IReadOnlyDictionary<string, string>> of) => new(
            collectors.SelectMany(of).GroupBy(a => a.Key).ToDictionary(g => g.Key, g => (IReadOnlyList<string>)[.. g.Select(a => a.Value).Distinct().Order(StringComparer.Ordinal)]),
            StringComparer.Ordinal);
    }

    /// <summary>All collectors with their health and what they are assigned, sorted by id.</summary>
    public IReadOnlyList<CollectorState> States(TenantId tenant)
    {
        var pipelines = store.Pipelines(tenant);
        return [.. store.Collectors(tenant).Select(c => State(tenant, c, pipelines))];
    }

    /// <exception cref="FleetException">There is no such collector.</exception>
    public CollectorState State(TenantId tenant, string id) => State(tenant, Get(tenant, id), store.Pipelines(tenant));

    /// <summary>What a collector would be served now.</summary>
    /// <exception cref="FleetException">There is no such collector.</exception>
    public ServedConfig Served(TenantId tenant, string id) => Serve(Get(tenant, id), store.Pipelines(tenant));

    private CollectorState State(TenantId tenant, Collector collector, IReadOnlyList<Pipeline> pipelines)
    {
        var served = Serve(collector, pipelines);
        DateTimeOffset? last = seen.TryGetValue((tenant, collector.Id), out var exact) ? exact : collector.LastSeenAt;
        var now = time.GetUtcNow();
        var health = (last, collector) switch
        {
            (_, { MarkedInactiveAt: not null }) => CollectorHealth.Inactive,
            (null, _) => CollectorHealth.Unknown,
            _ when now - last > options.SilentAfter => CollectorHealth.Unresponsive,
            (_, { Status: ConfigStatus.Failed }) => CollectorHealth.ConfigurationError,
            (_, { Status: ConfigStatus.Applying, StatusAt: { } since }) when now - since > options.StalledAfter => CollectorHealth.Stalled,
            _ => CollectorHealth.Healthy,
        };
        return new CollectorState(collector, health, last, served.Pipelines, served.Hash);
    }

    private static ServedConfig Serve(Collector collector, IReadOnlyList<Pipeline> pipelines)
    {
        bool openTelemetry = collector.Type == CollectorType.OpenTelemetry;
        var attributes = EffectiveOf(collector);
        var assigned = !collector.Enabled ? [] : pipelines.Where(p =>
            p.Enabled && (p.ConfigType == ConfigType.OpenTelemetry) == openTelemetry && AttributeMatchers.Fit([.. p.Matchers.Select(AttributeMatchers.Parse)], attributes));
        return ConfigBuilder.Build([.. assigned], attributes, openTelemetry);
    }

    private static SortedDictionary<string, string> EffectiveOf(Collector collector) =>
        Attributes.Effective(collector.Id, collector.LocalAttributes, collector.RemoteAttributes);

    private Collector New(TenantId tenant, string id, DateTimeOffset now)
    {
        if (store.Collectors(tenant).Count >= options.CollectorsMax)
            throw new FleetException(FleetErrorCode.ResourceExhausted, $"the tenant has {options.CollectorsMax} collectors, which is its limit; delete those that are gone");
        return new Collector { Id = id, CreatedAt = now, UpdatedAt = now };
    }

    private static bool Same(Collector a, Collector b) =>
        a.Status == b.Status && a.StatusMessage == b.StatusMessage && a.EffectiveConfig == b.EffectiveConfig
        && a.LocalAttributes.Count == b.LocalAttributes.Count && a.LocalAttributes.All(p => b.LocalAttributes.TryGetValue(p.Key, out string? value) && value == p.Value);

    private void Check(Collector collector)
    {
        RequireId(collector.Id);
        Attributes.Check(collector.RemoteAttributes, remote: true, options);
    }

    private static IReadOnlyList<Matcher> Parse(IReadOnlyList<string> matchers)
    {
        try
        {
            return [.. matchers.Select(AttributeMatchers.Parse)];
        }
        catch (FormatException bad)
        {
            throw Invalid(bad.Message);
        }
    }

    private static void RequireId(string id)
    {
        if (id.Length == 0) throw Invalid("id is required");
        if (id.Length > 300) throw Invalid("id is longer than 300 characters");
    }

    private static FleetException Invalid(string message) => new(FleetErrorCode.InvalidArgument, message);

    private static FleetException NotFound(string id) => new(FleetErrorCode.NotFound, $"there is no collector \"{id}\"");
}
