using System.Net;
using System.Text.Json;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>Limits of alert routing, and limits of rules by namespace.</summary>
internal static class AlertLimitSettings
{
    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        ByName("ruler_max_rules_per_rule_group_by_namespace", "rules of a group, by namespace; one that stands here is not held to the limit for all", l => l.RulesPerGroupMaxBySpace, (l, v) => l with { RulesPerGroupMaxBySpace = v }),
        ByName("ruler_max_rule_groups_per_tenant_by_namespace", "rule groups of all namespaces up to which a namespace takes new ones", l => l.RuleGroupsMaxBySpace, (l, v) => l with { RuleGroupsMaxBySpace = v }),
        Whole("alertmanager_max_config_size_bytes", "of an uploaded configuration, without templates", a => a.ConfigBytesMax, (a, v) => a with { ConfigBytesMax = v }),
        Whole("alertmanager_max_templates_count", "templates uploaded with it", a => a.TemplatesMax, (a, v) => a with { TemplatesMax = v }),
        Whole("alertmanager_max_template_size_bytes", "of one of them", a => a.TemplateBytesMax, (a, v) => a with { TemplateBytesMax = v }),
        Whole("alertmanager_max_dispatcher_aggregation_groups", "groups of alerts at one time", a => a.GroupsMax, (a, v) => a with { GroupsMax = v }),
        Whole("alertmanager_max_alerts_count", "alerts kept, ended ones until they are collected", a => a.AlertsMax, (a, v) => a with { AlertsMax = v }),
        LimitSetting.Whole("alertmanager_max_alerts_size_bytes", "of their labels, annotations and links", l => l.Alerts.AlertBytesMax, (l, v) => l with { Alerts = l.Alerts with { AlertBytesMax = v } }, long.MaxValue),
        new("alertmanager_notification_rate_limit", "notifications per second of one integration; below 0: none",
            (l, n, r) => l with { Alerts = l.Alerts with { NotificationsPerSecond = r.SignedNumber(n) } }, (l, json) => json.WriteNumberValue(l.Alerts.NotificationsPerSecond)),
        new("alertmanager_notification_rate_limit_per_integration", "the same by kind of integration (`webhook`, `email` …), instead of that",
            (l, n, r) => l with { Alerts = l.Alerts with { NotificationsPerSecondByKind = r.Named(n, r.SignedNumber) } },
            (l, json) => Write(json, l.Alerts.NotificationsPerSecondByKind)),
        new("alertmanager_receivers_firewall_block_cidr_networks", "networks that receivers must not reach; unset: the server's",
            (l, n, r) => l with { Alerts = l.Alerts with { ReceiversBlockedNetworks = Networks(n, r) } },
            (l, json) => json.WriteStringValue(l.Alerts.ReceiversBlockedNetworks is { } networks ? string.Join(',', networks) : "")),
        new("alertmanager_receivers_firewall_block_private_addresses", "loopback, private and link-local addresses; unset: the server's",
            (l, n, r) => l with { Alerts = l.Alerts with { ReceiversBlockPrivate = r.Choice<bool?>(n, ("true", true), ("false", false), ("", null)) } },
            (l, json) =>
            {
                if (l.Alerts.ReceiversBlockPrivate is { } set) json.WriteBooleanValue(set);
                else json.WriteStringValue("");
            }),
    ];

    private static LimitSetting Whole(string name, string meaning, Func<AlertLimits, int> get, Func<AlertLimits, int, AlertLimits> set) =>
        LimitSetting.Whole(name, meaning, l => get(l.Alerts), (l, v) => l with { Alerts = set(l.Alerts, (int)v) });

    private static LimitSetting ByName(
        string name, string meaning, Func<TenantLimits, IReadOnlyDictionary<string, int>> get, Func<TenantLimits, IReadOnlyDictionary<string, int>, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Named(n, value => (int)r.Whole(value, int.MaxValue))), (l, json) => Write(json, get(l).ToDictionary(p => p.Key, p => (double)p.Value)));

    private static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, double> values)
    {
        json.WriteStartObject();
        foreach (var (name, value) in values) json.WriteNumber(name, value);
        json.WriteEndObject();
    }

    /// <summary>Null where the value is empty: the server's setting holds.</summary>
    private static List<IPNetwork>? Networks(YamlNode node, LimitReader reader)
    {
        if (LimitReader.IsEmpty(node)) return null;
        var networks = new List<IPNetwork>();
        foreach (string cidr in reader.Texts(node))
        {
            if (IPNetwork.TryParse(cidr, out var network)) networks.Add(network);
            else reader.Fail(node, $"\"{cidr}\" is not a network, for example 10.0.0.0/8", 0);
        }
        return networks;
    }
}
