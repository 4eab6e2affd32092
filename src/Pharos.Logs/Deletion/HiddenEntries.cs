using Pharos.Core;

namespace Pharos.Logs.Deletion;

/// <summary>What deletions hide of one stream, for one reader. Not safe for several threads.</summary>
internal sealed class HiddenEntries
{
    private readonly List<(long StartNs, long EndNs, ILogLineFilter? Filter)> parts = [];
    private readonly Labels stream;

    private HiddenEntries(Labels stream) => this.stream = stream;

    /// <summary>Null where nothing of the stream is hidden in a range.</summary>
    public static HiddenEntries? Of(Labels stream, IReadOnlyList<ActiveDeletion> deletions, long startNs, long endNs)
    {
        HiddenEntries? hidden = null;
        foreach (var deletion in deletions)
        {
            if (deletion.Request.StartNs >= endNs || deletion.Request.EndNs <= startNs || !deletion.Touches(stream)) continue;
            hidden ??= new HiddenEntries(stream);
            hidden.parts.Add((deletion.Request.StartNs, deletion.Request.EndNs, deletion.Filter.CreateLineFilter?.Invoke()));
        }
        return hidden;
    }

    /// <summary>Whether anything may be hidden between two times, both inclusive.</summary>
    public bool MayTouch(long minNs, long maxNs)
    {
        foreach (var part in parts)
        {
            if (part.StartNs <= maxNs && part.EndNs > minNs) return true;
        }
        return false;
    }

    /// <summary>Whether all between two times, both inclusive, is hidden.</summary>
    public bool Covers(long minNs, long maxNs)
    {
        foreach (var part in parts)
        {
            if (part.Filter is null && part.StartNs <= minNs && part.EndNs > maxNs) return true;
        }
        return false;
    }

    public bool Hides(long timestampNs, Reading.EntrySource entry)
    {
        foreach (var part in parts)
        {
            if (timestampNs < part.StartNs || timestampNs >= part.EndNs) continue;
            if (part.Filter is null || part.Filter.Holds(stream, timestampNs, entry.Line, entry.WholeMetadata)) return true;
        }
        return false;
    }
}
