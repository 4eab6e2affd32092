using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>An alert as the router keeps it: start and end are always set. Immutable.</summary>
/// <param name="TimedOut">The end was not given by the sender but by the router's resolve time-out.</param>
public sealed record StoredAlert(
    Labels Labels, Labels Annotations, DateTimeOffset StartsAt, DateTimeOffset EndsAt, DateTimeOffset UpdatedAt, string GeneratorUrl, bool TimedOut)
{
    /// <summary>FNV-1a of the labels; 16 hexadecimal digits.</summary>
    public string Fingerprint => Labels.Fingerprint().ToString("x16");

    public string Name => Labels["alertname"];

    /// <summary>What it counts for against a limit of bytes: labels, annotations, link.</summary>
    public long Bytes => Labels.Encoded.Length + Annotations.Encoded.Length + GeneratorUrl.Length;

    public bool IsResolvedAt(DateTimeOffset now) => EndsAt <= now;

    /// <summary>
    /// This alert, which came later, joined with the stored one of the same labels: the earliest start counts, and an end that a sender gave
    /// counts more than one that the router made up. Source: Alertmanager's Alert.Merge.
    /// </summary>
    internal StoredAlert MergedOver(StoredAlert stored)
    {
        var starts = stored.StartsAt < StartsAt ? stored.StartsAt : StartsAt;
        var ends = EndsAt;
        if (IsResolvedAt(UpdatedAt))
        {
            if (stored.IsResolvedAt(UpdatedAt) && stored.EndsAt > EndsAt) ends = stored.EndsAt;
        }
        else if (stored.EndsAt > EndsAt && !stored.TimedOut)
        {
            ends = stored.EndsAt;
        }
        return this with { StartsAt = starts, EndsAt = ends };
    }

    /// <summary>Whether this alert begins or ends while the stored one is active.</summary>
    internal bool Overlaps(StoredAlert stored) =>
        (EndsAt > stored.StartsAt && EndsAt < stored.EndsAt) || (StartsAt > stored.StartsAt && StartsAt < stored.EndsAt);
}
