using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Engine;

/// <summary>
/// The lines of a log query in its order, with its stages run on all processors: sections of the store are read some ahead of where the order is, each up to a
/// number of lines, and merged. The lines are those that one cursor over all would give. For one thread, which the crew helps; nothing runs between calls.
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

    /// <summary>Opens the lines of a query; its limit says how many will be asked for, about.</summary>
    /// <exception cref="QueryException">A stage cannot run.</exception>
    public OrderedLines(QueryContext context, LogExpr log, LogQlRangeQuery query)
    {
        this.context = context;
        backward = query.Backward;
        linesWanted = query.Limit;
        this.log = log;
        firstLines = log.Stages.Any(s => s is LineFilterSyntax or LabelFilterStage) ? FilteredLines : 1;
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
            if (current.Lines.Count == 0 && !current.Ended) Refill(current);
            Enqueue(current);
            current = null;
        }
        // A section that may hold a line of the same time goes first: its rank may be lower.
        while (upcoming is not null && (byTime.Count == 0 || IsDue(upcoming))) OpenMore();
        if (!byTime.TryDequeue(out current, out _)) return null;
        given++;
        return current.Lines.Dequeue();
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
        else section.Dispose();
    }

    /// <summary>Opens the next section and some after it: more each time, so that whoever finds what they want at once pays for little.</summary>
    private void OpenMore()
    {
        context.Cancel.ThrowIfCancellationRequested();
        for (; batch.Count < atOnce && upcoming is not null; upcoming = sections.Next()) batch.Add(new OpenSection(upcoming, firstLines));
        atOnce = Math.Min(2 * atOnce, SectionsAtOnce * lanes.Length);
        int most = LinesOfEach(byTime.Count + batch.Count), taken = 0;
        context.Crew.Run(Math.Min(lanes.Length, batch.Count), worker =>
        {
            for (int n = Interlocked.Increment(ref taken); n <= batch.Count; n = Interlocked.Increment(ref taken)) batch[n - 1].Fill(LaneOf(worker), most);
        });
        foreach (var section in batch) Enqueue(section);
        batch.Clear();
    }

    /// <summary>Reads a section on, and where many lines of it were wanted also others that run out of theirs.</summary>
    private void Refill(OpenSection section)
    {
        batch.Add(section);
        if (section.Wanted > FilteredLines)
        {
            foreach (var (other, _) in byTime.UnorderedItems)
            {
                if (!other.Ended && other.Wanted > FilteredLines && other.Lines.Count < other.Wanted / 4) batch.Add(other);
                if (batch.Count == SectionsAtOnce * lanes.Length) break;
            }
        }
        int most = LinesOfEach(byTime.Count + 1);
        // A section belongs to its lane, and a lane to one thread at a time: threads take lanes.
        var ofLanes = batch.GroupBy(s => s.Lane!).ToArray();
        int taken = 0;
        context.Crew.Run(ofLanes.Length, _ =>
        {
            for (int n = Interlocked.Increment(ref taken); n <= ofLanes.Length; n = Interlocked.Increment(ref taken))
            {
                foreach (var one in ofLanes[n - 1]) one.Fill(ofLanes[n - 1].Key, most);
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
        public int Wanted { get; private set; } = section.MayReadAhead ? wanted : 1;

        public bool Ended { get; private set; }

        /// <summary>Lines that were read and not given out.</summary>
        public Queue<(LogQlEntry Entry, bool InMemory)> Lines { get; } = [];

        public void Fill(Lane lane, int linesMax)
        {
            if (Lane is null)
            {
                Lane = lane;
                cursor = section.Open(lane.Number);
            }
            var labels = lane.Labels;
            for (int more = Math.Min(Wanted, linesMax); more > 0;)
            {
                if (!cursor!.MoveNext())
                {
                    Ended = true;
                    Dispose();
                    return;
                }
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
