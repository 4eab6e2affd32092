using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Turns what senders post into alerts with all times set, or says what is wrong.</summary>
internal static class AlertIntake
{
    public static StoredAlert? Accept(Alert posted, DateTimeOffset now, TimeSpan resolveTimeout, out string? error)
    {
        error = null;
        var starts = posted.StartsAt ?? posted.EndsAt ?? now;
        bool timedOut = posted.EndsAt is null;
        var ends = posted.EndsAt ?? now + resolveTimeout;
        if (posted.Labels.IsEmpty) error = "at least one label pair required";
        else if (ends < starts) error = "start time must be before end time";
        else
        {
            foreach (var (name, _) in posted.Labels)
            {
                if (name.Length == 0) error = "invalid label set: invalid name \"\"";
            }
        }
        return error is null ? new StoredAlert(posted.Labels, posted.Annotations, starts, ends, now, posted.GeneratorUrl, timedOut) : null;
    }
}
