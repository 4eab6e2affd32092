using System.Net;

namespace Pharos.Core;

/// <summary>What a tenant may ask of the alert router. Names and meanings are Mimir's <c>alertmanager_*</c> limits; 0 means none unless said otherwise.</summary>
public sealed record AlertLimits
{
    /// <summary>Bytes of an uploaded configuration, without its templates.</summary>
    public int ConfigBytesMax { get; init; }
    public int TemplatesMax { get; init; }

    /// <summary>Bytes of one template.</summary>
    public int TemplateBytesMax { get; init; }

    /// <summary>Groups of alerts at one time.</summary>
    public int GroupsMax { get; init; }

    /// <summary>Alerts that are kept, ended ones until they are collected.</summary>
    public int AlertsMax { get; init; }

    /// <summary>Bytes of their labels, annotations and links.</summary>
    public long AlertBytesMax { get; init; }

    /// <summary>Notifications per second of one integration of a receiver; below 0: none at all.</summary>
    public double NotificationsPerSecond { get; init; }

    /// <summary>The same by kind of integration, such as <c>webhook</c>; where a kind stands here, it alone counts.</summary>
    public IReadOnlyDictionary<string, double> NotificationsPerSecondByKind { get; init; } = new Dictionary<string, double>();

    /// <summary>Networks that receivers must not reach; null: the server's own setting.</summary>
    public IReadOnlyList<IPNetwork>? ReceiversBlockedNetworks { get; init; }

    /// <summary>Whether receivers must not reach loopback, private and link-local addresses; null: the server's own setting.</summary>
    public bool? ReceiversBlockPrivate { get; init; }

    public double NotificationRateOf(string kind) => NotificationsPerSecondByKind.TryGetValue(kind, out double rate) ? rate : NotificationsPerSecond;
}
