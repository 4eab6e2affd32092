using System.Security.Cryptography;
using System.Text;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>What one integration is to tell: a group's alerts as they stood when its flush began.</summary>
internal sealed class Notification
{
    private string? groupHash;

    public required TenantId Tenant { get; init; }
    public required string Receiver { get; init; }
    public required string GroupKey { get; init; }
    public required Labels GroupLabels { get; init; }

    /// <summary>Labels of the route; the values are templates.</summary>
    public IReadOnlyDictionary<string, string> RouteLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>Not empty. The end of a firing alert is null.</summary>
    public required IReadOnlyList<NotifiedAlert> Alerts { get; init; }

    /// <summary>When the flush began.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Why it is sent: "first notification", "new alerts added" …</summary>
    public required string Reason { get; init; }

    /// <summary>What the integration remembers from one notification of the group to the next.</summary>
    public Dictionary<string, string> State { get; init; } = [];

    public bool IsFiring => Alerts.Any(a => !a.IsResolved);

    public string Status => IsFiring ? "firing" : "resolved";

    /// <summary>SHA-256 of the group key, 64 hexadecimal digits.</summary>
    public string GroupHash => groupHash ??= Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(GroupKey)));

    /// <summary>The request body of the last attempt, for the history. Never holds a secret of the configuration.</summary>
    public string SentBody { get; set; } = "";
}

/// <summary>An alert frozen at the start of a flush.</summary>
internal sealed record NotifiedAlert(
    Labels Labels, Labels Annotations, DateTimeOffset StartsAt, DateTimeOffset? EndsAt, string GeneratorUrl)
{
    public bool IsResolved => EndsAt is not null;

    public string Status => IsResolved ? "resolved" : "firing";

    public string Fingerprint => Labels.Fingerprint().ToString("x16");
}
