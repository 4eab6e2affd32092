using Pharos.Core;

namespace Pharos.PromQL.Caching;

/// <summary>Names what may share finished steps: the query as printed, its step and where its steps fall, on one UTC day.</summary>
internal readonly record struct PartKey(TenantId Tenant, string Query, long StepMs, long PhaseMs, long LookbackMs, long Day);

/// <summary>Finished steps, one after the other, of a range query on one day.</summary>
/// <param name="FromMs">First step; <paramref name="ToMs"/> the last.</param>
/// <param name="Version">Of the store's samples up to <paramref name="LastMs"/>, read before they were evaluated.</param>
internal sealed record Part(long FromMs, long ToMs, long LastMs, long Version, IReadOnlyList<MatrixSeries> Series)
{
    public long Bytes { get; } = 200 + Series.Sum(s => 150L + s.Labels.Encoded.Length + (s.Timestamps.Count * 16L) + (s.Histograms?.Sum(h => h is null ? 8L : Running.QueryMemory.BytesOf(h)) ?? 0));
}

/// <summary>Finished parts of range queries; those not asked for longest go first. Safe for several threads.</summary>
internal sealed class RangeCache(long bytesMax)
{
    private readonly Lock gate = new();
    private readonly Dictionary<PartKey, LinkedListNode<(PartKey Key, Part Part)>> parts = [];
    private readonly LinkedList<(PartKey Key, Part Part)> byUse = new();

    public long BytesUsed { get; private set; }

    public Part? Find(PartKey key)
    {
        lock (gate)
        {
            if (!parts.TryGetValue(key, out var node)) return null;
            byUse.Remove(node);
            byUse.AddLast(node);
            return node.Value.Part;
        }
    }

    public void Put(PartKey key, Part part)
    {
        // One answer must not push out everything else.
        if (part.Bytes > bytesMax / 4) return;
        lock (gate)
        {
            if (parts.Remove(key, out var old)) Drop(old);
            parts.Add(key, byUse.AddLast((key, part)));
            BytesUsed += part.Bytes;
            while (BytesUsed > bytesMax && byUse.First is { } oldest)
            {
                parts.Remove(oldest.Value.Key);
                Drop(oldest);
            }
        }
    }

    private void Drop(LinkedListNode<(PartKey Key, Part Part)> node)
    {
        byUse.Remove(node);
        BytesUsed -= node.Value.Part.Bytes;
    }
}
