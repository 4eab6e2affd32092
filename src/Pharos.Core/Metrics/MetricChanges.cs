namespace Pharos.Core;

/// <summary>A store that can tell whether what it holds up to a time is still what it was.</summary>
public interface IMetricChanges
{
    /// <summary>Says that nothing is known; what it was said of must be read again.</summary>
    public const long Unknown = -1;

    /// <summary>
    /// A number that is larger than before once a sample at or before the time (Unix milliseconds) came in or went away.
    /// It may also grow for changes up to a minute after that time. <see cref="Unknown"/> where samples may change unseen.
    /// </summary>
    long VersionAt(TenantId tenant, long timeMs);
}

/// <summary>The changes of one tenant's samples, newest last, each with the earliest time it touched. Safe for several threads.</summary>
public sealed class ChangeLog
{
    /// <summary>Changes are told apart to the minute, which bounds how many are kept.</summary>
    private const long GrainMs = 60_000;

    private const int EntriesMax = 4096;

    private readonly Lock gate = new();

    // Rising in both: a change hides all earlier ones that touched nothing before it.
    private readonly List<(long FromMs, long Version)> entries = [];
    private long version;

    /// <summary>Notes that samples from this time on came or went. To be called once the change can be seen.</summary>
    public void Note(long fromMs)
    {
        long from = fromMs < long.MinValue + GrainMs ? long.MinValue : fromMs - (((fromMs % GrainMs) + GrainMs) % GrainMs);
        lock (gate)
        {
            while (entries.Count > 0 && entries[^1].FromMs >= from) entries.RemoveAt(entries.Count - 1);
            entries.Add((from, ++version));
            if (entries.Count <= EntriesMax) return;
            entries[1] = (entries[0].FromMs, entries[1].Version);
            entries.RemoveAt(0);
        }
    }

    /// <inheritdoc cref="IMetricChanges.VersionAt"/>
    public long VersionAt(long timeMs)
    {
        lock (gate)
        {
            int low = 0, high = entries.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (entries[middle].FromMs <= timeMs) low = middle + 1;
                else high = middle;
            }
            return low == 0 ? 0 : entries[low - 1].Version;
        }
    }
}
