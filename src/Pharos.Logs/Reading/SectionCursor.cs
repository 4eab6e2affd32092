using Pharos.Core;

namespace Pharos.Logs.Reading;

/// <summary>Entries section by section, oldest first within each; several such cursors may take sections from one queue.</summary>
internal sealed class SectionCursor(SectionQueue sections, ReadContext context) : ILogCursor
{
    private StreamEntries? current;
    private int sinceCheck;

    public Labels Stream => current!.Labels;

    public long TimestampNs => current!.Current.TimestampNs;

    public ReadOnlySpan<byte> Line => current!.Current.Line;

    public int LineBytes => current!.Current.LineLength;

    public ReadOnlySpan<byte> Metadata => context.Selection.MetadataNames is { Count: 0 } ? default : current!.Current.Metadata;

    public int Count => current!.Current.Count;

    public LogFields? Fields => current!.Current.Fields;

    public int FieldRow => current!.Current.Row;

    public int Section { get; private set; }

    public bool InMemory => current!.Current.InMemory;

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
            if (current is not null)
            {
                if (current.MoveNext()) return true;
                current.Dispose();
                current = null;
            }
            if (!sections.TryTake(out var section, out bool isNewStream)) return false;
            if (isNewStream) context.Streams++;
            Section = section.Number;
            current = new StreamEntries(section.Labels, section.Content, context);
        }
    }

    public void Dispose()
    {
        current?.Dispose();
        current = null;
    }
}
