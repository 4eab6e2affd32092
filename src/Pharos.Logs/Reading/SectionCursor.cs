using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>Entries section by section, in the selection's order within each; several such cursors may take sections from one queue.</summary>
/// <param name="sections">Null: there is none but the first, or those that counting leaves.</param>
internal sealed class SectionCursor(SectionQueue? sections, ReadContext context) : ILogCursor
{
    private readonly CountedStreams? counted;
    private readonly StreamCounts? counts;
    private SectionQueue? queue = sections;
    private bool isCount;
    private StreamEntries? current;
    private CountedBlock? fromHeader;
    private Labels? headerOf;
    private int sinceCheck;

    /// <summary>Entries of one section.</summary>
    public SectionCursor(StreamEntries section, ReadContext context) : this((SectionQueue?)null, context) => current = section;

    /// <summary>Streams that are counted from headers of parts, with several such cursors.</summary>
    public SectionCursor(CountedStreams counted, IReadOnlyList<Matcher> matchers, ReadContext context) : this((SectionQueue?)null, context)
    {
        this.counted = counted;
        counts = new StreamCounts(counted, matchers, context);
    }

    public Labels Stream => isCount ? counts!.Labels : fromHeader is null ? current!.Labels : headerOf!;

    public long TimestampNs => isCount ? counts!.TimestampNs : Entry.TimestampNs;

    public ReadOnlySpan<byte> Line => Entry.Line;

    public int LineBytes => isCount ? counts!.LineBytes : Entry.LineLength;

    public ReadOnlySpan<byte> Metadata => isCount ? counts!.Metadata : context.Selection.MetadataNames is { Count: 0 } ? default : Entry.Metadata;

    public int Count => isCount ? counts!.Count : Entry.Count;

    public LogFields? Fields => Entry.Fields;

    public int FieldRow => Entry.Row;

    public int Section { get; private set; }

    public bool InMemory => !isCount && Entry.InMemory;

    public bool LineFiltersHold => Entry.LineFiltersHold;

    public LogReadStatistics Statistics => context.Statistics;

    public bool MoveNext()
    {
        if (++sinceCheck >= 1024)
        {
            sinceCheck = 0;
            context.Cancel.ThrowIfCancellationRequested();
        }
        while (true)
        {
            if (fromHeader is not null)
            {
                if (fromHeader.Next()) return true;
                fromHeader = null;
            }
            if (current is not null)
            {
                if (current.MoveNext()) return true;
                current.Dispose();
                current = null;
            }
            isCount = counts?.Next(all: queue is not null) == true;
            if (isCount) return true;
            if (counts is not null && queue is null)
            {
                if (counts.TryTakeLeft(out var left)) Open(new ReadSection(0, left.Labels, new StreamSnapshot([left.Block], [])));
                else if (!counted!.TryCount(counts)) queue = counted.Rest();
                continue;
            }
            if (queue is null || !queue.TryTake(out var section, out bool isNewStream)) return false;
            if (isNewStream) context.Streams++;
            Open(section);
        }
    }

    private void Open(in ReadSection section)
    {
        Section = section.Number;
        fromHeader = CountedBlock.Of(section, context);
        headerOf = section.Labels;
        if (fromHeader is null) current = new StreamEntries(section.Labels, section.Content, context);
    }

    private EntrySource Entry => fromHeader ?? current!.Current;

    public void Dispose()
    {
        current?.Dispose();
        current = null;
    }
}
