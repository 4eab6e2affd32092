using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>
/// The head's inverted index. One writer at a time (under the head's gate) beside many readers:
/// the writer takes the write lock only to add or remove series, readers hold the read lock for one look at a time.
/// What they take out is never written to: lists of numbers only grow behind the part that was taken.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its store; a query may still hold it when the store closes.")]
internal sealed class HeadIndex(SeriesTable table) : IPostings
{
    private readonly ReaderWriterLockSlim access = new(LockRecursionPolicy.NoRecursion);
    private readonly Dictionary<string, Dictionary<string, Posting>> names = new(StringComparer.Ordinal);
    private readonly Posting all = new();

    /// <summary>Names and values of labels, counted over all names.</summary>
    public int PairCount { get; private set; }

    public void Add(MemSeries series)
    {
        access.EnterWriteLock();
        try
        {
            all.Add((uint)series.Id);
            Span<char> buffer = stackalloc char[512];
            foreach (var label in series.Labels)
            {
                var values = ValuesOf(Decode(label.NameUtf8, buffer));
                var value = Decode(label.ValueUtf8, buffer);
                ref var posting = ref CollectionsMarshal.GetValueRefOrAddDefault(
                    values.GetAlternateLookup<ReadOnlySpan<char>>(), value, out bool exists);
                if (!exists)
                {
                    posting = new Posting();
                    PairCount++;
                }
                posting!.Add((uint)series.Id);
            }
        }
        finally
        {
            access.ExitWriteLock();
        }
    }

    public void Remove(IReadOnlyCollection<MemSeries> gone)
    {
        if (gone.Count == 0) return;
        var ids = gone.Select(s => (uint)s.Id).ToHashSet();
        var touched = new HashSet<(string Name, string Value)>();
        foreach (var series in gone)
        {
            foreach (var (name, value) in series.Labels) touched.Add((name, value));
        }
        access.EnterWriteLock();
        try
        {
            all.Remove(ids);
            foreach (var (name, value) in touched)
            {
                var values = names[name];
                if (!values[value].Remove(ids)) continue;
                values.Remove(value);
                PairCount--;
                if (values.Count == 0) names.Remove(name);
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
        if (!names.TryGetValue(name, out var values)) return 0;
        Span<char> buffer = stackalloc char[512];
        return values.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(Decode(valueUtf8, buffer), out var posting) ? posting.Count : 0;
    }

    public uint[] All()
    {
        using var held = new Held(access);
        return all.Ids.ToArray();
    }

    public ReadOnlyMemory<uint> Of(string name, string value)
    {
        using var held = new Held(access);
        return names.TryGetValue(name, out var values) && values.TryGetValue(value, out var posting) ? posting.Ids : default;
    }

    public int ValueCount(string name)
    {
        using var held = new Held(access);
        return names.TryGetValue(name, out var values) ? values.Count : 0;
    }

    /// <summary>Calls back without holding the index: a slow pattern over many values keeps no writer waiting.</summary>
    public void VisitValues(string name, Action<string> visit)
    {
        string[] copy;
        using (new Held(access)) copy = names.TryGetValue(name, out var values) ? [.. values.Keys] : [];
        foreach (string value in copy) visit(value);
    }

    public bool Matches(uint series, Matcher matcher) => table.Get((int)series) is { } found && matcher.Matches(found.Labels);

    public string[] Names()
    {
        using var held = new Held(access);
        return [.. names.Keys];
    }

    /// <summary>Values of a label with the number of series of each.</summary>
    public (string Value, int Series)[] Counts(string name)
    {
        using var held = new Held(access);
        return names.TryGetValue(name, out var values) ? [.. values.Select(v => (v.Key, v.Value.Count))] : [];
    }

    private Dictionary<string, Posting> ValuesOf(ReadOnlySpan<char> name)
    {
        var lookup = names.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(name, out var values)) return values;
        return names[name.ToString()] = new Dictionary<string, Posting>(StringComparer.Ordinal);
    }

    private static ReadOnlySpan<char> Decode(ReadOnlySpan<byte> utf8, Span<char> buffer) =>
        utf8.Length <= buffer.Length ? buffer[..Encoding.UTF8.GetChars(utf8, buffer)] : Encoding.UTF8.GetString(utf8);

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

    /// <summary>Sorted series numbers; most label values have few series, many have one.</summary>
    private sealed class Posting
    {
        private uint[] ids = [];

        public int Count { get; private set; }

        public ReadOnlyMemory<uint> Ids => ids.AsMemory(0, Count);

        public void Add(uint id)
        {
            if (Count == ids.Length) Array.Resize(ref ids, Count < 2 ? Count + 1 : Count + (Count >> 1) + 1);
            ids[Count++] = id;
            // Numbers rise, but a replayed log may define an older one later.
            for (int i = Count - 1; i > 0 && ids[i - 1] > ids[i]; i--) (ids[i - 1], ids[i]) = (ids[i], ids[i - 1]);
        }

        /// <summary>True where none is left.</summary>
        public bool Remove(HashSet<uint> gone)
        {
            ids = Array.FindAll(ids[..Count], id => !gone.Contains(id));
            Count = ids.Length;
            return Count == 0;
        }
    }
}
