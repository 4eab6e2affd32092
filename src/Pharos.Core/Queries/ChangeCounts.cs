namespace Pharos.Core;

/// <summary>How often what a tenant holds of each stretch of time changed. Bounded in memory; safe for several threads.</summary>
/// <param name="grain">Length of a stretch, in the unit of the times.</param>
/// <param name="stretchesMax">Changes of more stretches than this at once are not told apart.</param>
public sealed class ChangeCounts(long grain, int stretchesMax)
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, long> counts = [];
    private long everything;

    /// <summary>Notes that something came or went between two times, both inclusive. To be called once the change can be seen.</summary>
    public void Note(long first, long last)
    {
        long from = Stretch(first), to = Stretch(last);
        lock (gate)
        {
            if (to - from >= stretchesMax || counts.Count + (to - from) >= 2 * stretchesMax)
            {
                // Too many to tell apart: all of them have changed, and none may look as it did.
                everything += counts.Values.Sum() + 1;
                counts.Clear();
                return;
            }
            for (long stretch = from; stretch <= to; stretch++) counts[stretch] = counts.GetValueOrDefault(stretch) + 1;
        }
    }

    /// <summary>
    /// A number that is larger than before once something between two times, both inclusive, came in or went away. It may also grow for
    /// changes within a grain around them.
    /// </summary>
    public long VersionOf(long first, long last)
    {
        long from = Stretch(first), to = Stretch(last);
        lock (gate)
        {
            long version = everything;
            if (to - from > counts.Count)
            {
                foreach (var (stretch, count) in counts) version += stretch >= from && stretch <= to ? count : 0;
                return version;
            }
            for (long stretch = from; stretch <= to; stretch++) version += counts.GetValueOrDefault(stretch);
            return version;
        }
    }

    private long Stretch(long time) => TimeRanges.Number(time, grain);
}
