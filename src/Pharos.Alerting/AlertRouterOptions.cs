using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>How the alert router works. Defaults are Alertmanager's.</summary>
public sealed record AlertRouterOptions
{
    /// <summary>Where people reach the router; stands in notifications. Without a slash at its end.</summary>
    public string ExternalUrl { get; init; } = "http://localhost:9093";

    /// <summary>How long expired silences and notification log entries are kept.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(120);

    /// <summary>How often ended alerts are taken away.</summary>
    public TimeSpan AlertCollectInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How often expired silences and log entries are taken away.</summary>
    public TimeSpan MaintenanceInterval { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How often empty groups are taken away.</summary>
    public TimeSpan GroupSweepInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>No group is flushed before this much time after the start, so that inhibiting alerts can arrive.</summary>
    public TimeSpan StartDelay { get; init; }

    public MatcherMode Matchers { get; init; }

    /// <summary>The configuration of tenants that have none of their own.</summary>
    public string FallbackConfig { get; init; } = "route:\n  receiver: none\nreceivers:\n  - name: none\n";

    /// <summary>Whether an alert's end is passed on to whoever was told of its beginning, though a silence now matches it.</summary>
    public bool PassSilencedResolves { get; init; } = true;

    /// <summary>Name of this program in the User-Agent of requests.</summary>
    public string UserAgent { get; init; } = "Alertmanager/0.34.0 (Pharos)";

    /// <summary>Seed of the random part of waits between attempts.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Addresses that receivers must not reach, by HTTP or SMTP, where a tenant has no such limits of its own.</summary>
    public ReceiverFirewall Firewall { get; init; } = ReceiverFirewall.Open;

    // Limits of every tenant; 0 means none.
    public int SilencesMax { get; init; }
    public int SilenceBytesMax { get; init; }
    public int AlertsPerNameMax { get; init; }

    /// <summary>A tenant's own limits; asked for whenever one of them counts, so that they may change.</summary>
    public Func<TenantId, AlertLimits> Limits { get; init; } = static _ => NoLimits;

    private static AlertLimits NoLimits { get; } = new();

    /// <summary>What the receivers of a tenant must not reach.</summary>
    internal ReceiverFirewall FirewallOf(TenantId tenant)
    {
        var own = Limits(tenant);
        return own is { ReceiversBlockedNetworks: null, ReceiversBlockPrivate: null }
            ? Firewall
            : new ReceiverFirewall(own.ReceiversBlockedNetworks ?? Firewall.BlockedNetworks, own.ReceiversBlockPrivate ?? Firewall.BlockPrivate);
    }
}

/// <summary>A configuration that a tenant uploaded: the text, and template texts by name.</summary>
public sealed record TenantConfig(string Text, IReadOnlyDictionary<string, string> Templates);
