using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>
/// Counts very many streams from the headers in parts' indexes, page by page, on several threads. What the headers of a stream do not say for certain, because it has
/// entries in memory too, or blocks that may have entries in common, is left and read as streams are otherwise. Safe for several threads.
/// </summary>
internal sealed class CountedStreams
{
    /// <summary>Streams in memory that are looked for among those of parts; where there are more, all are read stream by stream.</summary>
    private const int ApartMax = 100_000;

    /// <summary>Fewer pages of streams are read stream by stream: blocks that must be opened are spread over the readers better so.</summary>
    private const int PagesMin = 4;

    private readonly StreamSelection streams;
    private readonly LogSelection selection;
    private readonly CancellationToken cancel;
    private readonly Dictionary<byte[], Apart> apart = new(ByteKeys.Instance);
    private readonly List<(PartFile Part, int[]? Numbers, int Order, int Page)> pages = [];
    private readonly Lock gate = new();
    private int taken;
    private int done;
    private SectionQueue? rest;

    private CountedStreams(StreamSelection streams, LogSelection selection, CancellationToken cancel)
    {
        this.streams = streams;
        this.selection = selection;
        this.cancel = cancel;
    }

    /// <summary>How many readers are of use.</summary>
    public int Pages => pages.Count;

    /// <summary>Null where headers alone do not answer, or it is not worth while.</summary>
    public static CountedStreams? For(StreamSelection streams, LogSelection selection, bool anyDeletion, CancellationToken cancel)
    {
        if (selection.Counting is null || selection.MetadataNames is null || anyDeletion || streams.InMemoryCount > ApartMax) return null;
        if (selection.RequiredLiterals.Count > 0 || selection.RequiredFolded is not null || selection.RequiredExpression is not null) return null;
        var counted = new CountedStreams(streams, selection, cancel);
        try
        {
            return counted.TryPrepare() ? counted : null;
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            return null;
        }
    }

    /// <summary>Has the next page counted. False: there is none.</summary>
    public bool TryCount(StreamCounts counts)
    {
        cancel.ThrowIfCancellationRequested();
        int number = Interlocked.Increment(ref taken) - 1;
        if (number >= pages.Count) return false;
        var (part, numbers, order, page) = pages[number];
        try
        {
            counts.Part = order;
            part.Index.Visit(page, numbers, counts);
        }
        catch (Exception e) when (PartReader.IsDamage(e))
        {
            streams.Damaged(part, e);
        }
        finally
        {
            Interlocked.Increment(ref done);
        }
        return true;
    }

    /// <summary>What was left, once no page is being counted; waits for that.</summary>
    public SectionQueue Rest()
    {
        // Pages take next to no time, and each is being counted by a thread that runs.
        SpinWait.SpinUntil(() => Volatile.Read(ref done) >= pages.Count);
        lock (gate) return rest ??= new SectionQueue(apart.Values.OrderBy(a => a.Labels).Select(a => (a.Labels, a.Content())), counting: true, cancel);
    }

    /// <summary>The stream, where it is to be left.</summary>
    public Apart? FindApart(ReadOnlySpan<byte> labels) =>
        apart.Count > 0 && apart.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(labels, out var found) ? found : null;

    private bool TryPrepare()
    {
        var parts = streams.PartsIn(selection.StartNs, selection.EndNs);
        foreach (var (part, _) in parts)
        {
            if (part.Index.Unclear() is not { } unclear) return false;
            foreach (var labels in unclear.Select(Labels.FromEncoded))
            {
                if (Matcher.All(streams.Matchers, labels)) ApartOf(labels);
            }
        }
        foreach (var (labels, blocks, head) in streams.InMemory(selection.StartNs, selection.EndNs)) ApartOf(labels).AddMemory(blocks, head);
        for (int i = 0; i < parts.Count; i++)
        {
            foreach (int page in parts[i].Part.Index.PagesOf(parts[i].Numbers, selection.StartNs, selection.EndNs)) pages.Add((parts[i].Part, parts[i].Numbers, i, page));
        }
        return pages.Count >= PagesMin;
    }

    private Apart ApartOf(Labels labels)
    {
        ref var found = ref CollectionsMarshal.GetValueRefOrAddDefault(apart, labels.Encoded.ToArray(), out _);
        return found ??= new Apart(labels);
    }

    /// <summary>A stream that is read as streams are otherwise. Safe for several threads.</summary>
    public sealed class Apart(Labels labels)
    {
        private readonly List<(int Part, BlockRef Block)> inParts = [];
        private readonly List<BlockRef> inMemory = [];
        private readonly List<HeadSnapshot> heads = [];

        public Labels Labels => labels;

        public void AddMemory(BlockRef[] blocks, HeadSnapshot? head)
        {
            inMemory.AddRange(blocks);
            if (head is { } open) heads.Add(open);
        }

        /// <param name="part">Its place in the order of writing.</param>
        public void Add(int part, BlockRef block)
        {
            lock (inParts) inParts.Add((part, block));
        }

        public StreamSnapshot Content() =>
            new([.. inParts.OrderBy(b => b.Part).ThenBy(b => b.Block.Number).Select(b => b.Block), .. inMemory], [.. heads]);
    }
}
