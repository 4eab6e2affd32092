using Pharos.Core;

namespace Pharos.Logs.Reading;

/// <summary>Entries section by section, in the selection's order within each; several such cursors may take sections from one queue.</summary>
/// <param name="sections">Null: there is none but the first.</param>
internal sealed class SectionCursor(SectionQueue? sections, ReadContext context) : ILogCursor
{
    private StreamEntries? current;
    private CountedBlock? fromHeader;
    private Labels? headerOf;
    private int sinceCheck;

    /// <summary>Entries of one section.</summary>
    public SectionCursor(StreamEntries section, ReadContext context) : this((SectionQueue?)null, context) => current = section;

    public Labels Stream => fromHeader is null ? current!.Labels : headerOf!;

    public long TimestampNs => Entry.TimestampNs;

    public ReadOnlySpan<byte> Line => Entry.Line;

    public int LineBytes => Entry.LineLength;

    public ReadOnlySpan<byte> Metadata => context.Selection.MetadataNames is { Count: 0 } ? default : Entry.Metadata;

    public int Count => Entry.Count;

    public LogFields? Fields => Entry.Fields;

    public int FieldRow => Entry.Row;

    public int Section { get; private set; }

    public bool InMemory => Entry.InMemory;

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
            if (sections is null || !sections.TryTake(out var section, out bool isNewStream)) return false;
            if (isNewStream) context.Streams++;
            Section = section.Number;
            fromHeader = CountedBlock.Of(section, context);
            headerOf = section.Labels;
            if (fromHeader is not null) continue;
            current = new StreamEntries(section.Labels, section.Content, context);
        }
    }

    private EntrySource Entry => fromHeader ?? current!.Current;

    public void Dispose()
    {
        current?.Dispose();
        current = null;
    }
}
