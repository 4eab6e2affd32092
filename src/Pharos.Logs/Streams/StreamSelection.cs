using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Streams;

/// <summary>
/// The streams of a tenant that match a selector, of one moment. They are read out of the parts' indexes as they are asked for: how many
/// there are does not matter. Safe for several threads.
/// </summary>
internal sealed class StreamSelection(
    IReadOnlyList<PartFile> parts, IReadOnlyList<List<LogStream>> heads, IReadOnlyList<Matcher> matchers, Action<PartFile, Exception> damaged)
{
    private static readonly Comparer<(Labels Labels, int Order)> ByLabels = Comparer<(Labels Labels, int Order)>.Create(static (a, b) =>
    {
        int order = a.Labels.CompareTo(b.Labels);
        return order != 0 ? order : a.Order.CompareTo(b.Order);
    });

    private readonly Lazy<int[]?>[] numbers = [.. parts.Select(p => new Lazy<int[]?>(() => p.Index.Find(matchers)))];

    /// <summary>Streams with what of them touches a range of time (start inclusive, end exclusive), in the order of their labels.</summary>
    public IEnumerable<(Labels Labels, StreamSnapshot Content)> Read(long startNs, long endNs)
    {
        var queue = new PriorityQueue<Source, (Labels, int)>(ByLabels);
        int order = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].MinNs < endNs && parts[i].MaxNs >= startNs) Enqueue(new PartSource(OfPart(i, startNs, endNs).GetEnumerator(), order++));
        }
        foreach (var streams in heads) Enqueue(new HeadSource(streams, startNs, endNs, order++));
        var blocks = new List<BlockRef>();
        var open = new List<HeadSnapshot>();
        while (queue.TryPeek(out var first, out _))
        {
            var labels = first.Labels;
            blocks.Clear();
            open.Clear();
            BlockRef[]? only = null;
            int count = 0;
            while (queue.TryPeek(out var source, out _) && source.Labels.Equals(labels))
            {
                queue.Dequeue();
                only = count++ == 0 ? source.Blocks : null;
                blocks.AddRange(source.Blocks);
                if (source.Head is { } head) open.Add(head);
                Enqueue(source);
            }
            yield return (labels, new StreamSnapshot(only ?? [.. blocks], [.. open]));
        }

        void Enqueue(Source source)
        {
            if (source.MoveNext()) queue.Enqueue(source, (source.Labels, source.Order));
        }
    }

    /// <summary>
    /// About how many streams there are in a range of time (start inclusive, end exclusive), those of several parts counted for each, and between which times
    /// their entries are. Reads no stream; what is in memory counts as if it were at both ends of the range.
    /// </summary>
    public (long Streams, long MinNs, long MaxNs) Extent(long startNs, long endNs)
    {
        long count = 0, minNs = long.MaxValue, maxNs = long.MinValue;
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].MinNs >= endNs || parts[i].MaxNs < startNs) continue;
            try
            {
                count += numbers[i].Value?.Length ?? parts[i].Index.StreamCount;
            }
            catch (Exception e) when (PartReader.IsDamage(e))
            {
                // Reading its streams tells of it.
                continue;
            }
            minNs = Math.Min(minNs, parts[i].MinNs);
            maxNs = Math.Max(maxNs, parts[i].MaxNs);
        }
        return (count + heads.Sum(h => (long)h.Count), Math.Max(minNs, startNs), Math.Min(maxNs, endNs - 1));
    }

    public IReadOnlyList<Matcher> Matchers => matchers;

    /// <summary>Parts that touch a range of time, in the order of writing, with the numbers of their streams that may match; null for all.</summary>
    /// <exception cref="InvalidDataException">An index is damaged.</exception>
    /// <exception cref="IOException">An index cannot be read.</exception>
    public List<(PartFile Part, int[]? Numbers)> PartsIn(long startNs, long endNs)
    {
        var found = new List<(PartFile, int[]?)>();
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].MinNs < endNs && parts[i].MaxNs >= startNs) found.Add((parts[i], numbers[i].Value));
        }
        return found;
    }

    /// <summary>How many streams have something in memory.</summary>
    public int InMemoryCount => heads.Sum(h => h.Count);

    /// <summary>What is in memory of streams that touch a range of time, the oldest first for each.</summary>
    public IEnumerable<(Labels Labels, BlockRef[] Blocks, HeadSnapshot? Head)> InMemory(long startNs, long endNs)
    {
        foreach (var streams in heads)
        {
            var source = new HeadSource(streams, startNs, endNs, 0);
            while (source.MoveNext()) yield return (source.Labels, source.Blocks, source.Head);
        }
    }

    /// <summary>Tells of damage of a part's index.</summary>
    public void Damaged(PartFile part, Exception e) => damaged(part, e);

    /// <summary>Label pairs in canonical form of streams with entries in a range of time, in any order, some more than once.</summary>
    /// <param name="name">At least those of this name; null: at least one of each name.</param>
    public IEnumerable<byte[]> Pairs(string? name, long startNs, long endNs)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].MinNs >= endNs || parts[i].MaxNs < startNs) continue;
            // Where all streams of a part count their pairs are enough.
            bool whole = matchers.Count == 0 && parts[i].MinNs >= startNs && parts[i].MaxNs < endNs;
            var pairs = whole
                ? UntilDamage(i, name is null ? parts[i].Index.Names() : parts[i].Index.Pairs(System.Text.Encoding.UTF8.GetBytes(name)))
                : OfPart(i, startNs, endNs).SelectMany(s => LabelPair.AllOf(s.Labels));
            foreach (byte[] pair in pairs) yield return pair;
        }
        foreach (var streams in heads)
        {
            var source = new HeadSource(streams, startNs, endNs, 0);
            while (source.MoveNext())
            {
                foreach (byte[] pair in LabelPair.AllOf(source.Labels)) yield return pair;
            }
        }
    }

    /// <summary>Where nothing of an index can be read, the part is as if it were not there.</summary>
    private IEnumerable<(Labels Labels, BlockRef[] Blocks)> OfPart(int number, long startNs, long endNs)
    {
        return UntilDamage(number, Streams());

        IEnumerable<(Labels Labels, BlockRef[] Blocks)> Streams()
        {
            foreach (var stream in parts[number].Index.Streams(numbers[number].Value, startNs, endNs))
            {
                if (Matcher.All(matchers, stream.Labels)) yield return stream;
            }
        }
    }

    private IEnumerable<T> UntilDamage<T>(int number, IEnumerable<T> items)
    {
        using var rest = items.GetEnumerator();
        while (true)
        {
            try
            {
                if (!rest.MoveNext()) break;
            }
            catch (Exception e) when (PartReader.IsDamage(e))
            {
                damaged(parts[number], e);
                break;
            }
            yield return rest.Current;
        }
    }

    private abstract class Source(int order)
    {
        public int Order { get; } = order;

        public abstract Labels Labels { get; }

        public abstract BlockRef[] Blocks { get; }

        public virtual HeadSnapshot? Head => null;

        public abstract bool MoveNext();
    }

    private sealed class PartSource(IEnumerator<(Labels Labels, BlockRef[] Blocks)> streams, int order) : Source(order)
    {
        public override Labels Labels => streams.Current.Labels;

        public override BlockRef[] Blocks => streams.Current.Blocks;

        public override bool MoveNext() => streams.MoveNext();
    }

    private sealed class HeadSource(List<LogStream> streams, long startNs, long endNs, int order) : Source(order)
    {
        private int at = -1;
        private BlockRef[] blocks = [];
        private HeadSnapshot? head;

        public override Labels Labels => streams[at].Labels;

        public override BlockRef[] Blocks => blocks;

        public override HeadSnapshot? Head => head;

        public override bool MoveNext()
        {
            while (++at < streams.Count)
            {
                (blocks, head) = streams[at].Snapshot();
                blocks = BlockRef.In(blocks, startNs, endNs);
                if (head is { } open && (open.MinNs >= endNs || open.MaxNs < startNs)) head = null;
                if (blocks.Length > 0 || head is not null) return true;
            }
            return false;
        }
    }
}
