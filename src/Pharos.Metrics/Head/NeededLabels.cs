using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>
/// Label sets of series without the labels that nobody looks at; series that agree in the others share one set.
/// What it knows holds until series leave the head.
/// </summary>
internal sealed class NeededLabels(LabelPairs pairs, IReadOnlyList<string> names)
{
    private readonly LabelName?[] wanted = new LabelName?[names.Count];
    private readonly Dictionary<int[], Labels> sets = new(PairsComparer.Instance);
    private int[] kept = [];
    private int releases = -1;

    /// <summary>Forgets what it knows where pairs have gone since, whose numbers may be those of others now. Under a stripe of the head's locks.</summary>
    public void Begin()
    {
        if (releases == pairs.Releases) return;
        releases = pairs.Releases;
        sets.Clear();
        for (int i = 0; i < wanted.Length; i++) wanted[i] = pairs.Name(names[i]);
    }

    /// <summary>Without a lock it may be null, or another set, where the series has left meanwhile.</summary>
    public Labels? Of(int[] series)
    {
        if (kept.Length < series.Length) kept = new int[series.Length];
        int count = 0;
        foreach (int pair in series)
        {
            if (Array.IndexOf(wanted, pairs.At(pair).Name) >= 0) kept[count++] = pair;
        }
        var found = sets.GetAlternateLookup<ReadOnlySpan<int>>();
        if (found.TryGetValue(kept.AsSpan(0, count), out var labels)) return labels;
        int[] own = kept[..count];
        labels = pairs.ToLabelsUnlocked(own);
        if (labels is null) return null;
        sets.Add(own, labels);
        return labels;
    }

    private sealed class PairsComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public static PairsComparer Instance { get; } = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] pairs) => GetHashCode(pairs.AsSpan());

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<int> alternate)
        {
            int hash = alternate.Length;
            foreach (int pair in alternate) hash = (hash * -1640531535) ^ pair;
            return hash;
        }

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
    }
}
