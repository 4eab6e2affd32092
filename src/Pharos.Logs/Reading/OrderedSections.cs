using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>The streams of an ordered selection, cut into sections that several readers open, range by range.</summary>
internal sealed class OrderedSections(StreamRanges ranges, Func<LogSelection, ReadContext> contextOf) : ILogSections
{
    private readonly List<Readers> all = [];
    private readonly ReadCounts memory = new();
    private readonly ReadCounts parts = new();
    private List<Section> sections = [];
    private int at;
    private long streams;

    public LogReadStatistics Statistics
    {
        get
        {
            var sum = ReadContext.Sum(streams, memory, parts);
            lock (all) return all.Aggregate(sum, static (so, r) => so + r.Statistics);
        }
    }

    public LogSection? Next()
    {
        while (at == sections.Count)
        {
            if (ranges.Next() is not var (range, found)) return null;
            Cut(range, found);
        }
        return sections[at++];
    }

    private void Cut(LogSelection range, List<(Labels Labels, StreamSnapshot Content)> found)
    {
        var readers = new Readers(range, contextOf);
        lock (all) all.Add(readers);
        sections = new List<Section>(found.Count);
        at = 0;
        for (int rank = 0; rank < found.Count; rank++)
        {
            var (labels, content) = found[rank];
            streams++;
            memory.Chunks += content.Heads.Length;
            foreach (var block in content.Blocks) (block.Source is MemoryBlockSource ? memory : parts).Chunks++;
            foreach (var section in ReadSection.Cut(labels, content, counting: false, 0)) sections.Add(new Section(section, rank, readers));
        }
        sections.Sort(range.Backward ? static (a, b) => Compare(b.BoundNs, a.BoundNs, a.Rank, b.Rank) : static (a, b) => Compare(a.BoundNs, b.BoundNs, a.Rank, b.Rank));
    }

    private static int Compare(long a, long b, int rankOfA, int rankOfB) => a != b ? a.CompareTo(b) : rankOfA.CompareTo(rankOfB);

    /// <summary>What readers carry through the sections of a range, each its own. Safe for several threads.</summary>
    private sealed class Readers(LogSelection range, Func<LogSelection, ReadContext> contextOf)
    {
        private readonly Dictionary<int, ReadContext> contexts = [];

        public LogSelection Range => range;

        public LogReadStatistics Statistics
        {
            get
            {
                lock (contexts) return contexts.Values.Aggregate(default(LogReadStatistics), static (so, c) => so + c.Statistics);
            }
        }

        public ReadContext Of(int reader)
        {
            lock (contexts)
            {
                if (!contexts.TryGetValue(reader, out var context)) contexts[reader] = context = contextOf(range);
                return context;
            }
        }
    }

    private sealed class Section(ReadSection content, int rank, Readers readers) : LogSection
    {
        public override long BoundNs { get; } = Bound(content.Content, readers.Range);

        public override int Rank => rank;

        public override ILogCursor Open(int reader)
        {
            var context = readers.Of(reader);
            return new SectionCursor(new StreamEntries(content.Labels, content.Content, context, counted: true), context);
        }

        private static long Bound(in StreamSnapshot content, LogSelection range)
        {
            long bound = range.Backward ? long.MinValue : long.MaxValue;
            foreach (var block in content.Blocks) bound = range.Backward ? Math.Max(bound, block.Header.MaxNs) : Math.Min(bound, block.Header.MinNs);
            foreach (var head in content.Heads) bound = range.Backward ? Math.Max(bound, head.MaxNs) : Math.Min(bound, head.MinNs);
            return range.Backward ? Math.Min(bound, range.EndNs - 1) : Math.Max(bound, range.StartNs);
        }
    }
}
