using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>The line in hand.</summary>
internal ref struct LogLine
{
    private readonly ILogCursor? cursor;
    private ReadOnlySpan<byte> bytes;
    private bool isRead;
    private bool? lineFiltersHold;

    /// <summary>The current entry of a cursor; its line is read when it is asked for.</summary>
    public LogLine(ILogCursor cursor)
    {
        this.cursor = cursor;
        TimestampNs = cursor.TimestampNs;
        Fields = cursor.Fields;
        FieldRow = cursor.FieldRow;
    }

    /// <summary>Setting it ends what was known of the line's fields.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            if (!isRead && cursor is not null) bytes = cursor.Line;
            isRead = true;
            return bytes;
        }
        set
        {
            bytes = value;
            isRead = true;
            Fields = null;
            lineFiltersHold = false;
        }
    }

    /// <summary>See <see cref="ILogCursor.LineFiltersHold"/>; false once the line was replaced.</summary>
    public bool LineFiltersHold => lineFiltersHold ??= cursor?.LineFiltersHold == true;

    /// <summary>What the store knows of the line's fields; null for nothing.</summary>
    public LogFields? Fields { get; private set; }

    /// <summary>The line's row in <see cref="Fields"/>.</summary>
    public int FieldRow { get; }

    public long TimestampNs;
    public required LabelState Labels;
}

/// <summary>A stage that is ready to run. Belongs to one query and one thread: stages keep scratch buffers.</summary>
internal abstract class Stage
{
    /// <summary>Whether it may set or remove labels.</summary>
    public virtual bool ChangesLabels => false;

    /// <summary>Whether it may replace the line.</summary>
    public virtual bool ChangesLine => false;

    /// <summary>Whether it looks at the line alone: not at labels, nor at other lines.</summary>
    public virtual bool LineOnly => false;

    /// <summary>False: the line is left out.</summary>
    public abstract bool Process(ref LogLine line);
}
