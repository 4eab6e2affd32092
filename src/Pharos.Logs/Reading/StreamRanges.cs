using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>
/// Cuts a selection's time into ranges, the one that comes first first, so that no more than some streams are in memory at once; where there are very many
/// streams the first ranges are short, for whoever asks for a few lines mostly finds them there. Not safe for several threads.
/// </summary>
/// <param name="streams">Null for none.</param>
/// <param name="streamsMax">Streams of a range that is read at once.</param>
internal sealed class StreamRanges(StreamSelection? streams, int streamsMax, LogSelection selection, CancellationToken cancel)
{
    /// <summary>Ranges are not cut further than this, however many streams they have.</summary>
    private const long RangeNsMin = 1_000_000_000;

    /// <summary>Streams that a first range should have.</summary>
    private const int FirstStreams = 500;

    private readonly Stack<LogSelection> left = new();
    private readonly LogSelection whole = selection;
    private LogSelection rest = selection;
    private long width;
    private bool began;
    private bool ended;

    /// <summary>The next range, and its streams; null where there is none.</summary>
    public (LogSelection Range, List<(Labels Labels, StreamSnapshot Content)> Streams)? Next()
    {
        if (streams is null) return null;
        if (!began)
        {
            began = true;
            width = FirstWidth(streams);
        }
        while (true)
        {
            if (left.Count == 0 && !TryTakeRange()) return null;
            var range = left.Pop();
            bool mayCut = range.EndNs - RangeNsMin > range.StartNs;
            var found = new List<(Labels, StreamSnapshot)>();
            bool complete = true;
            foreach (var stream in streams.Read(range.StartNs, range.EndNs))
            {
                cancel.ThrowIfCancellationRequested();
                if (mayCut && found.Count == streamsMax)
                {
                    complete = false;
                    break;
                }
                found.Add(stream);
            }
            if (complete)
            {
                // Long streams are in each of the ranges, and their blocks would be opened for each of them.
                width = found.Count > 8 * FirstStreams ? long.MaxValue : width > long.MaxValue / 2 ? long.MaxValue : width * 2;
                return (range, found);
            }
            long middle = (long)(((Int128)range.StartNs + range.EndNs) / 2);
            LogSelection older = range with { EndNs = middle }, newer = range with { StartNs = middle };
            left.Push(whole.Backward ? older : newer);
            left.Push(whole.Backward ? newer : older);
        }
    }

    private bool TryTakeRange()
    {
        if (ended) return false;
        Int128 length = (Int128)rest.EndNs - rest.StartNs;
        if (length <= width)
        {
            ended = true;
            left.Push(rest);
            return true;
        }
        long cut = whole.Backward ? rest.EndNs - width : rest.StartNs + width;
        left.Push(whole.Backward ? rest with { StartNs = cut } : rest with { EndNs = cut });
        rest = whole.Backward ? rest with { EndNs = cut } : rest with { StartNs = cut };
        return true;
    }

    private long FirstWidth(StreamSelection from)
    {
        var (count, minNs, maxNs) = from.Extent(whole.StartNs, whole.EndNs);
        if (count <= 4 * FirstStreams || maxNs <= minNs) return long.MaxValue;
        double share = (maxNs - minNs) * ((double)FirstStreams / count);
        // What is asked for beyond the entries there are belongs to the first range.
        long beyond = whole.Backward ? whole.EndNs - maxNs : minNs - whole.StartNs;
        return Math.Max(RangeNsMin, beyond + (long)share);
    }
}
