using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>
/// The lines of a log query in its order, with its stages run on all processors: sections of the store are read some ahead of where the order is, each up to a
/// number of lines, and merged. The lines are those that one cursor over all would give. For one thread, which the crew helps; nothing runs between calls.
/// Where only so many bytes may be read, what is left of them is shared out among the sections that are read together, and counted when all of these are done:
/// where the lines end does not depend on threads.
/// </summary>
internal sealed class OrderedLines : IDisposable
{
    /// <summary>Lines that a section with filters is read for at first; without filters a first line is enough to know the order.</summary>
    private const int FilteredLines = 64;

    private const int SectionLinesMax = 256;

    /// <summary>Lines that are kept for all sections together, about.</summary>
    private const int LinesMax = 16_384;

    /// <summary>Sections that are opened together, for each thread.</summary>
    private const int SectionsAtOnce = 8;

    private readonly QueryContext context;
    private readonly bool backward;
    private readonly int firstLines;
    private readonly int linesWanted;
    private readonly ILogSections sections;
    private readonly LogExpr log;
    private readonly Lane?[] lanes = new Lane?[Environment.ProcessorCount];
    private readonly PriorityQueue<OpenSection, (long Time, int Rank)> byTime = new();
    private readonly List<OpenSection> batch = [];
    private LogSection? upcoming;
    private OpenSection? current;
    private int atOnce = 1;
    private int given;
    private readonly long? bytesMost;
    private int opened;

    /// <summary>Opens the lines of a query; its limit says how many will be asked for, about.</summary>
    /// <exception cref="QueryException">A stage cannot run.</exception>
    public OrderedLines(QueryContext context, LogExpr log, LogQlRangeQuery query)
    {
        this.context = context;
        backward = query.Backward;
        linesWanted = query.Limit;
        this.log = log;
        var selection = LaneOf(0).Pipeline.StoredLines.Narrow(new LogSelection
        {
            Matchers = log.Matchers,
            StartNs = query.StartNs,
            EndNs = query.EndNs,
            Backward = backward,
            RequiredFields = FieldFilter.For(log.Stages),
            RequiredMetadata = MetadataFilter.For(log.Stages),
        });
        long asked = context.Time.GetTimestamp();
        sections = context.Store.OpenSections(context.Tenant, selection, context.Cancel);
        bytesMost = sections.BytesLeft;
        // A block counts as a whole, so that one line of it costs as much as many.
        firstLines = bytesMost is not null || log.Stages.Any(s => s is LineFilterSyntax or LabelFilterStage) ? FilteredLines : 1;
        upcoming = sections.Next();
        context.Add(default(LogReadStatistics) with { LookUp = context.Time.GetElapsedTime(asked) });
    }

    /// <summary>Work done so far.</summary>
    public LogReadStatistics Statistics => sections.Statistics;

    /// <summary>The next line, and whether no part holds it yet; null at the end.</summary>
    public (LogQlEntry Entry, bool InMemory)? Next()
    {
        if (current is not null)
        {
            if (current.Lines.Count == 0 && !current.Ended && sections.BytesLeft is not < 0) Refill(current);
            Enqueue(current);
            current = null;
        }
        while (true)
        {
            // A section that may hold a line of the same time goes first: its rank may be lower.
            while (upcoming is not null && (byTime.Count == 0 || IsDue(upcoming)))
            {
                // Sections that begin together are opened all, or there would be no first line.
                if ((given > 0 || byTime.Count == 0) && !MayRead()) return null;
                OpenMore();
            }
            if (!byTime.TryDequeue(out var next, out _)) return null;
            if (next.Lines.TryDequeue(out var line))
            {
                current = next;
                given++;
                return line;
            }
            // It was not read far enough, and may hold the next line.
            bool may = MayRead();
            if (may) Refill(next);
            Enqueue(next);
            if (!may) return null;
        }
    }

    public void Dispose()
    {
        current?.Dispose();
        foreach (var section in batch) section.Dispose();
        foreach (var (section, _) in byTime.UnorderedItems) section.Dispose();
    }

    private Lane LaneOf(int worker) => lanes[worker] ??= new Lane(worker, log, context.Time);

    private bool IsDue(LogSection section)
    {
        byTime.TryPeek(out _, out var first);
        return Key(section.BoundNs) <= first.Time;
    }

    private long Key(long timestampNs) => backward ? ~timestampNs : timestampNs;

    private void Enqueue(OpenSection section)
    {
        if (section.Lines.TryPeek(out var line)) byTime.Enqueue(section, (Key(line.Entry.TimestampNs), section.Rank));
        else if (!section.Ended) byTime.Enqueue(section, (Key(section.ReachedNs), section.Rank));
        else section.Dispose();
    }

    private bool MayRead()
    {
        if (sections.BytesLeft is not < 0) return true;
        sections.End();
        return false;
    }

    /// <summary>How many sections may be read together: each may read a block at least, and near the end of the bytes few of them fit.</summary>
    private int SectionsMax(int most) =>
        sections.BytesLeft is not { } left || opened == 0 ? most : (int)Math.Clamp(left / Math.Max(1, (bytesMost!.Value - left) / opened), 1, most);

    /// <summary>The share that each section of the batch has in the bytes that are left.</summary>
    private long? ShareOfEach() => sections.BytesLeft / batch.Count;

    /// <summary>Opens the next section and some after it: more each time, so that whoever finds what they want at once pays for little.</summary>
    private void OpenMore()
    {
        context.Cancel.ThrowIfCancellationRequested();
        int count = SectionsMax(atOnce);
        for (; batch.Count < count && upcoming is not null; upcoming = sections.Next()) batch.Add(new OpenSection(upcoming, upcoming.MayReadAhead || bytesMost is not null ? firstLines : 1));
        opened += batch.Count;
        long? share = ShareOfEach();
        atOnce = Math.Min(2 * atOnce, SectionsAtOnce * lanes.Length);
        int most = LinesOfEach(byTime.Count + batch.Count), taken = 0;
        context.Crew.Run(Math.Min(lanes.Length, batch.Count), worker =>
        {
            for (int n = Interlocked.Increment(ref taken); n <= batch.Count; n = Interlocked.Increment(ref taken)) batch[n - 1].Fill(LaneOf(worker), most, share);
        });
        foreach (var section in batch) Enqueue(section);
        batch.Clear();
    }

    /// <summary>Reads a section on, and where many lines of it were wanted also others that run out of theirs.</summary>
    private void Refill(OpenSection section)
    {
        batch.Add(section);
        int count = SectionsMax(SectionsAtOnce * lanes.Length);
        if (section.Wanted > FilteredLines && count > 1)
        {
            foreach (var (other, _) in byTime.UnorderedItems)
            {
                if (!other.Ended && other.Wanted > FilteredLines && other.Lines.Count < other.Wanted / 4) batch.Add(other);
                if (batch.Count == count) break;
            }
        }
        long? share = ShareOfEach();
        int most = LinesOfEach(byTime.Count + 1);
        // A section belongs to its lane, and a lane to one thread at a time: threads take lanes.
        var ofLanes = batch.GroupBy(s => s.Lane!).ToArray();
        int taken = 0;
        context.Crew.Run(ofLanes.Length, _ =>
        {
            for (int n = Interlocked.Increment(ref taken); n <= ofLanes.Length; n = Interlocked.Increment(ref taken))
            {
                foreach (var one in ofLanes[n - 1]) one.Fill(ofLanes[n - 1].Key, most, share);
            }
        });
        batch.Clear();
    }

    private int LinesOfEach(int open) => Math.Clamp(linesWanted - given, 1, Math.Max(1, LinesMax / open));

    /// <summary>What one thread at a time runs sections through.</summary>
    private sealed class Lane(int number, LogExpr log, TimeProvider time)
    {
        public int Number => number;

        public LinePipeline Pipeline { get; } = LinePipeline.Build(log.Stages, NeededLabels.All, time);

        public LabelState Labels { get; } = new();
    }

    private sealed class OpenSection(LogSection section, int wanted) : IDisposable
    {
        private ILogCursor? cursor;

        public int Rank => section.Rank;

        /// <summary>The lane whose cursor it is.</summary>
        public Lane? Lane { get; private set; }

        /// <summary>Lines that the next reading is for.</summary>
        public int Wanted { get; private set; } = wanted;

        public bool Ended { get; private set; }

        /// <summary>No line that was not read yet is older than this; backward: newer.</summary>
        public long ReachedNs { get; private set; } = section.BoundNs;

        /// <summary>Lines that were read and not given out.</summary>
        public Queue<(LogQlEntry Entry, bool InMemory)> Lines { get; } = [];

        /// <param name="bytesMax">Bytes after which it ends before the lines that are wanted, though not before some were looked at; null for no limit.</param>
        public void Fill(Lane lane, int linesMax, long? bytesMax)
        {
            if (Lane is null)
            {
                Lane = lane;
                cursor = section.Open(lane.Number);
            }
            var labels = lane.Labels;
            long bytesBefore = bytesMax is null ? 0 : cursor!.Statistics.Bytes;
            int moves = 0;
            for (int more = Math.Min(Wanted, linesMax); more > 0;)
            {
                if (bytesMax is { } bytes && moves > 0 && moves % FilteredLines == 0 && cursor!.Statistics.Bytes - bytesBefore > bytes) break;
                moves++;
                if (!cursor!.MoveNext())
                {
                    Ended = true;
                    Dispose();
                    return;
                }
                ReachedNs = cursor.TimestampNs;
                var line = new LogLine(cursor) { Labels = labels };
                if (!lane.Pipeline.ProcessLine(ref line)) continue;
                labels.Reset(cursor.Stream, cursor.Metadata);
                if (!lane.Pipeline.ProcessRest(ref line)) continue;
                Lines.Enqueue((new LogQlEntry(line.TimestampNs, line.Bytes.ToArray(), labels.StreamLabels(), labels.MetadataLabels(), labels.ParsedLabels()), cursor.InMemory));
                more--;
            }
            if (section.MayReadAhead) Wanted = Math.Min(2 * Wanted, SectionLinesMax);
        }

        public void Dispose()
        {
            cursor?.Dispose();
            cursor = null;
        }
    }
}
