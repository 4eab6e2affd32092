using System.Text.Json;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>What a tenant's limits say of remote write by its rules. Source of names: Loki's limits.</summary>
internal static class RulerLimits
{
    /// <summary>Read after the limits that hold for every client, since it goes before them.</summary>
    public const string Clients = "ruler_remote_write_config";

    /// <summary>Read after <c>ruler_alertmanager_config</c>, whose client it replaces.</summary>
    public const string AlertmanagerClient = "ruler_alertmanager_client_config";

    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        LimitSetting.Switch("ruler_remote_write_disabled", "true: what rules over logs record goes to this server's own metrics",
            l => RulerRemoteWrite.Of(l).Disabled, (l, v) => l with { Recording = RulerRemoteWrite.Of(l) with { Disabled = v } }),
        new(Clients, "remote-write clients by id; what is written goes before `ruler.remote_write.clients`, and an id that is not there is a client of its own",
            ReadClients, (l, json) =>
            {
                json.WriteStartObject();
                foreach (var (id, client) in RulerRemoteWrite.Of(l).Overrides)
                {
                    json.WritePropertyName(id);
                    RulerClientReader.WriteShown(json, client);
                }
                json.WriteEndObject();
            }),
        new("ruler_alertmanager_config", "in place of the keys about Alertmanagers of `ruler`: alertmanager_url and the like, alert_relabel_configs", ReadAlertmanagers,
            (l, json) => json.WriteRawValue(RulerAlerting.Of(l).OwnShown)),
        new(AlertmanagerClient, "the keys of `ruler.alertmanager_client` and alertmanager_url for this tenant; a client is replaced as a whole, the address where it is set", ReadAlertmanagerClient,
            (l, json) => json.WriteRawValue(RulerAlerting.Of(l).OwnClientShown)),
        Single("ruler_remote_write_url", "of every client: where it sends", "url"),
        Single("ruler_remote_write_timeout", "of every client: its remote_timeout", "remote_timeout"),
        Single("ruler_remote_write_headers", "of every client: its headers", "headers"),
        Single("ruler_remote_write_relabel_configs", "of every client: its write_relabel_configs", "write_relabel_configs"),
        Single("ruler_remote_write_queue_capacity", "of every client: its queue_config, capacity", "queue_config", "capacity"),
        Single("ruler_remote_write_queue_min_shards", "the same, min_shards", "queue_config", "min_shards"),
        Single("ruler_remote_write_queue_max_shards", "the same, max_shards", "queue_config", "max_shards"),
        Single("ruler_remote_write_queue_max_samples_per_send", "the same, max_samples_per_send", "queue_config", "max_samples_per_send"),
        Single("ruler_remote_write_queue_batch_send_deadline", "the same, batch_send_deadline", "queue_config", "batch_send_deadline"),
        Single("ruler_remote_write_queue_min_backoff", "the same, min_backoff", "queue_config", "min_backoff"),
        Single("ruler_remote_write_queue_max_backoff", "the same, max_backoff", "queue_config", "max_backoff"),
        Single("ruler_remote_write_queue_retry_on_ratelimit", "the same, retry_on_http_429", "queue_config", "retry_on_http_429"),
        Single("ruler_remote_write_sigv4_config", "of every client: its sigv4", "sigv4"),
    ];

    private static TenantLimits ReadAlertmanagers(TenantLimits limits, YamlNode node, LimitReader reader)
    {
        if (LimitReader.IsEmpty(node)) return limits;
        var section = new YamlSection(node, "ruler_alertmanager_config", reader.Reading);
        var read = RulerAlertingReader.Read(section, reader.Folder);
        section.Done();
        return limits with { AlertsTo = read with { OwnShown = RulerClientReader.Masked(node, reader.Reading) } };
    }

    private static TenantLimits ReadAlertmanagerClient(TenantLimits limits, YamlNode node, LimitReader reader)
    {
        if (LimitReader.IsEmpty(node)) return limits;
        var section = new YamlSection(node, AlertmanagerClient, reader.Reading);
        var read = RulerAlertingReader.ReadClient(section, reader.Folder, RulerAlerting.Of(limits));
        if (!read.Sends) section.WarnHere($"{AlertmanagerClient} has no effect without alertmanager_url: alerts go to the router in this process");
        section.Done();
        return limits with { AlertsTo = read with { OwnClientShown = RulerClientReader.Masked(node, reader.Reading) } };
    }

    /// <summary>A setting of every client; unset where it is empty.</summary>
    private static LimitSetting Single(string name, string meaning, params string[] path) => new(
        name, meaning,
        (l, node, reader) => LimitReader.IsEmpty(node) ? l : ReadSingle(l, YamlOverlay.Wrap(node, path), reader),
        (l, json) =>
        {
            var singles = RulerRemoteWrite.Of(l).Singles;
            if (YamlOverlay.Find(singles, path) is { } value) RulerClientReader.WriteShown(json, singles!, value);
            else json.WriteStringValue("");
        });

    private static TenantLimits ReadSingle(TenantLimits limits, YamlNode part, LimitReader reader)
    {
        if (!RulerClientReader.Check(part, reader)) return limits;
        var before = RulerRemoteWrite.Of(limits);
        var clients = new SortedDictionary<string, RulerRemoteClient>(StringComparer.Ordinal);
        foreach (var (id, client) in before.Clients) clients[id] = RulerClientReader.Over(client, part, reader);
        return limits with { Recording = before with { Clients = clients, Singles = Laid(before.Singles, part, reader) } };
    }

    private static TenantLimits ReadClients(TenantLimits limits, YamlNode node, LimitReader reader)
    {
        var before = RulerRemoteWrite.Of(limits);
        var clients = new SortedDictionary<string, RulerRemoteClient>(before.Clients.ToDictionary(), StringComparer.Ordinal);
        var overrides = new SortedDictionary<string, YamlNode>(before.Overrides.ToDictionary(), StringComparer.Ordinal);
        foreach (var (id, own) in reader.Named(node, value => value))
        {
            if (own.Kind != YamlKind.Mapping)
            {
                reader.Fail(own, $"the client {id} must be a mapping of keys to values", 0);
                continue;
            }
            if (clients.TryGetValue(id, out var client)) clients[id] = RulerClientReader.Over(client, own, reader);
            else if (RulerClientReader.Read(Laid(before.Singles, own, reader), reader) is { } made) clients[id] = made;
            overrides[id] = Laid(overrides.GetValueOrDefault(id), own, reader);
        }
        return limits with { Recording = before with { Clients = clients, Overrides = overrides } };
    }

    private static YamlNode Laid(YamlNode? basis, YamlNode own, LimitReader reader)
    {
        own = YamlOverlay.Absolute(own, reader.Folder, reader.Reading);
        return basis is null ? own : YamlOverlay.Over(basis, own, reader.Reading);
    }
}
