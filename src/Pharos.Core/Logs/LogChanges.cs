namespace Pharos.Core;

/// <summary>A store that can tell whether the log entries of a range are still what they were.</summary>
public interface ILogChanges
{
    /// <summary>
    /// A number that is larger than before once an entry of the range (Unix nanoseconds, start inclusive, end exclusive) came in or
    /// went away. It may also grow for changes up to an hour outside of the range.
    /// </summary>
    long VersionOf(TenantId tenant, long startNs, long endNs);
}

/// <summary>How often the entries of one tenant changed, by hour. Bounded in memory; safe for several threads.</summary>
public sealed class LogChangeCounts
{
    private const long HourNs = 3_600_000_000_000;
    private const int HoursMax = 20_000;

    private readonly Lock gate = new();
    private readonly Dictionary<long, long> hours = [];
    private long everything;

    /// <summary>Notes that entries came or went between two times, both inclusive. To be called once the change can be seen.</summary>
    public void Note(long firstNs, long lastNs)
    {
        long from = Hour(firstNs), to = Hour(lastNs);
        lock (gate)
        {
            if (to - from >= HoursMax || hours.Count + (to - from) >= 2 * HoursMax)
            {
                // Too many to tell apart: all of them have changed, and none may look as it did.
                everything += hours.Values.Sum() + 1;
                hours.Clear();
                return;
            }
            for (long hour = from; hour <= to; hour++) hours[hour] = hours.GetValueOrDefault(hour) + 1;
        }
    }

    /// <inheritdoc cref="ILogChanges.VersionOf"/>
    public long VersionOf(long startNs, long endNs)
    {
        long from = Hour(startNs), to = Hour(endNs - 1);
        lock (gate)
        {
            long version = everything;
            if (to - from > hours.Count)
            {
                foreach (var (hour, count) in hours) version += hour >= from && hour <= to ? count : 0;
                return version;
            }
            for (long hour = from; hour <= to; hour++) version += hours.GetValueOrDefault(hour);
            return version;
        }
    }

    private static long Hour(long ns) => ns >= 0 ? ns / HourNs : ((ns + 1) / HourNs) - 1;
}
