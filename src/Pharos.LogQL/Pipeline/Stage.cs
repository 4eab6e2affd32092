namespace Pharos.LogQL.Pipeline;

/// <summary>The line in hand.</summary>
internal ref struct LogLine
{
    public ReadOnlySpan<byte> Bytes;
    public long TimestampNs;
    public LabelState Labels;
}

/// <summary>A stage that is ready to run. Belongs to one query and one thread: stages keep scratch buffers.</summary>
internal abstract class Stage
{
    /// <summary>Whether it may set or remove labels.</summary>
    public virtual bool ChangesLabels => false;

    /// <summary>Whether it may replace the line.</summary>
    public virtual bool ChangesLine => false;

    /// <summary>False: the line is left out.</summary>
    public abstract bool Process(ref LogLine line);
}
