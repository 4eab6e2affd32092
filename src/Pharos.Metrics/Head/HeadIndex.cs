using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>
/// The head's inverted index. One writer at a time (under all of the head's locks) beside many readers:
/// the writer takes the write lock only to add or remove series, readers hold the read lock for one look at a time.
/// What they take out is never written to: lists of numbers only grow behind the part that was taken.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its store; a query may still hold it when the store closes.")]
internal sealed class HeadIndex(SeriesTable table, LabelPairs pairs) : IPostings
{
    /// <summary>Values or series that are looked at while the index is held once.</summary>
    private const int PerLook = 512;

    /// <summary>Bytes of the matches that are kept.</summary>
    private const int MatchBytesMax = 4 << 20;

    private readonly ReaderWriterLockSlim access = new(LockRecursionPolicy.NoRecursion);
    private readonly SizedCache<MatchKey, MatchedPairs> matched = new(MatchBytesMax);
    private PostingList all;

    /// <summary>Names and values of labels, counted over all names.</summary>
    public int PairCount => pairs.Count;

    /// <summary>Enters a series; returns the numbers of its label pairs.</summary>
    /// <param name="labels">Canonical label bytes.</param>
    public int[] Add(int id, ReadOnlySpan<byte> labels)
    {
        access.EnterWriteLock();
        try
        {
            var series = pairs.Intern(labels);
            Enter(id, series);
            return series;
        }
        finally
        {
            access.ExitWriteLock();
        }
    }

    /// <summary>Enters a series whose pairs are there already. Before the head has readers.</summary>
    public void Enter(int id, int[] series)
    {
        all.Add((uint)id);
        foreach (int pair in series) pairs.At(pair).Series.Add((uint)id);
    }

    /// <summary>Takes out series that left the table before: who still finds one there, finds its pairs too.</summary>
    public void Remove(IReadOnlyCollection<MemSeries> gone)
    {
        if (gone.Count == 0) return;
        var ids = gone.Select(s => (uint)s.Id).Order().ToArray();
        var touched = new HashSet<int>();
        foreach (var series in gone) touched.UnionWith(series.Pairs);
        access.EnterWriteLock();
        try
        {
            all.Remove(ids);
            foreach (int pair in touched)
            {
                ref var left = ref pairs.At(pair).Series;
                left.Remove(ids);
                if (left.Count == 0) pairs.Release(pair);
            }
        }
        finally
        {
            access.ExitWriteLock();
        }
    }

    /// <summary>Series with a value of a label. For the writer, who needs no lock to read.</summary>
    public int CountUnlocked(string name, ReadOnlySpan<byte> valueUtf8)
    {
        int pair = pairs.Find(name, valueUtf8);
        return pair == 0 ? 0 : pairs.At(pair).Series.Count;
    }

    public ReadOnlyMemory<uint> All()
    {
        using var held = new Held(access);
        return all.AsMemory();
    }

    public ReadOnlyMemory<uint> Of(string name, string value)
    {
        using var held = new Held(access);
        int pair = pairs.Find(name, Encoding.UTF8.GetBytes(value));
        return pair == 0 ? default : pairs.At(pair).Series.AsMemory();
    }

    public int ValueCount(string name)
    {
        using var held = new Held(access);
        return pairs.Name(name)?.Pairs.Count ?? 0;
    }

    /// <summary>Sorted without holding the index: once, later only what came since then.</summary>
    public Utf8Texts Values(string name)
    {
        LabelName? label;
        Utf8Texts known;
        int releases;
        ReadOnlyMemory<byte>[] added;
        using (new Held(access))
        {
            if ((label = pairs.Name(name)) is null) return Utf8Texts.Empty;
            known = label.Sorted;
            releases = label.Releases;
            added = new ReadOnlyMemory<byte>[label.Pairs.Count - known.Count];
            for (int i = 0; i < added.Length; i++) added[i] = pairs.At(label.Pairs[known.Count + i]).ValueMemory;
        }
        if (added.Length == 0) return known;
        var all = Utf8Texts.Merge(known, Utf8Texts.Sorted(added));
        using (new Held(access))
        {
            if (label.Releases == releases) label.Sorted = all;
        }
        return all;
    }

    public void Collect(Matcher matcher, bool matching, List<ReadOnlyMemory<uint>> into)
    {
        LabelName? name;
        MatchedPairs? known;
        int[] values;
        int looked, releases;
        MatchKey? key;
        using (new Held(access))
        {
            if ((name = pairs.Name(matcher.Name)) is null) return;
            (looked, releases) = (name.Pairs.Count, name.Releases);
            key = MatchKey.Of(matcher, matching, looked);
            known = key is { } asked && matched.Find(asked) is { } before && before.HoldsFor(name) ? before : null;
            // Values that came since then stand behind those.
            values = [.. CollectionsMarshal.AsSpan(name.Pairs)[(known?.Looked ?? 0)..]];
        }
        int start = into.Count;
        if (known is not null && !Add(known.Pairs, _ => true))
        {
            // A value went in between: all are looked at.
            into.RemoveRange(start, into.Count - start);
            using (new Held(access)) values = [.. name.Pairs];
            known = null;
            key = null;
        }
        var fresh = new List<int>();
        Add(values, value =>
        {
            if (matcher.Matches(pairs.At(value).ValueUtf8) != matching) return false;
            fresh.Add(value);
            return true;
        });
        if (key is not { } question || (known is not null && known.Looked == looked)) return;
        int[] all = [.. known?.Pairs ?? [], .. fresh];
        matched.Put(question, new MatchedPairs(name, looked, releases, all), question.Bytes + (all.Length * 4L));

        // False where a value of the label went since the beginning; the others are added nevertheless.
        bool Add(int[] numbers, Func<int, bool> wanted)
        {
            bool holds = true;
            for (int from = 0; from < numbers.Length; from += PerLook)
            {
                // A slow pattern over many values keeps no writer waiting; a number may have gone to another label meanwhile.
                using var held = new Held(access);
                holds &= name.Releases == releases;
                foreach (int number in numbers.AsSpan(from, Math.Min(PerLook, numbers.Length - from)))
                {
                    ref readonly var pair = ref pairs.At(number);
                    if (ReferenceEquals(pair.Name, name) && wanted(number)) into.Add(pair.Series.AsMemory());
                }
            }
            return holds;
        }
    }

    public int Filter(ReadOnlySpan<uint> series, Matcher matcher, Span<uint> into)
    {
        int count = 0;
        for (int from = 0; from < series.Length; from += PerLook)
        {
            using var held = new Held(access);
            var name = pairs.Name(matcher.Name);
            for (int i = from; i < Math.Min(series.Length, from + PerLook); i++)
            {
                if (table.Get((int)series[i]) is { } found && Matches(found, name, matcher)) into[count++] = series[i];
            }
        }
        return count;
    }

    private bool Matches(MemSeries series, LabelName? name, Matcher matcher)
    {
        if (name is null) return matcher.MatchesEmpty;
        foreach (int pair in series.Pairs)
        {
            ref readonly var at = ref pairs.At(pair);
            if (ReferenceEquals(at.Name, name)) return matcher.Matches(at.ValueUtf8);
        }
        return matcher.MatchesEmpty;
    }

    public string[] Names()
    {
        using var held = new Held(access);
        return [.. pairs.Names];
    }

    /// <summary>Values of a label with the number of series of each.</summary>
    public (string Value, int Series)[] Counts(string name)
    {
        using var held = new Held(access);
        return pairs.Name(name) is { } values ? [.. values.Pairs.Select(p => (pairs.At(p).Value, pairs.At(p).Series.Count))] : [];
    }

    /// <summary>Which values of a label a question has for its answer, as numbers of pairs.</summary>
    /// <param name="Looked">Values looked at, from the first of the label's pairs.</param>
    /// <param name="Releases">Of the label at that time: once a value goes, the places of the others are not what they were.</param>
    private sealed record MatchedPairs(LabelName Name, int Looked, int Releases, int[] Pairs)
    {
        public bool HoldsFor(LabelName name) => ReferenceEquals(Name, name) && Releases == name.Releases;
    }

    /// <summary>The read lock, for as long as this lives.</summary>
    private readonly ref struct Held
    {
        private readonly ReaderWriterLockSlim access;

        public Held(ReaderWriterLockSlim access)
        {
            access.EnterReadLock();
            this.access = access;
        }

        public void Dispose() => access.ExitReadLock();
    }
}
