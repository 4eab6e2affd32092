namespace Pharos.Core;

/// <summary>A stretch of the entries of an ordered selection that can be read by itself: within it they come in the selection's order.</summary>
public abstract class LogSection
{
    /// <summary>No entry of the section is older than this; backward: newer.</summary>
    public abstract long BoundNs { get; }

    /// <summary>Of entries of one time those of a lower rank come first. Sections that have entries of the same time differ in it.</summary>
    public abstract int Rank { get; }

    /// <summary>False: what is read before it is needed is a loss, and lines are wanted one by one.</summary>
    public virtual bool MayReadAhead => true;

    /// <summary>Opens the section; to be called once.</summary>
    /// <param name="reader">From 0. Cursors that were opened for one reader share what is not safe for several threads.</param>
    public abstract ILogCursor Open(int reader);
}

/// <summary>The sections of an ordered selection, in the order of their bounds. For one thread; sections are opened by any.</summary>
public interface ILogSections
{
    /// <summary>The next section; null where there is none.</summary>
    LogSection? Next();

    /// <summary>Work done so far, for all sections.</summary>
    LogReadStatistics Statistics { get; }

    /// <summary>Bytes that may still be read, negative once there were more; null: there is no limit. To be asked while no section is being read.</summary>
    long? BytesLeft => null;

    /// <summary>Says that the entries end before an entry that would have to be read, because <see cref="BytesLeft"/> is used up.</summary>
    /// <exception cref="QueryException">A part of the entries is of no use.</exception>
    void End()
    {
    }
}

/// <summary>One section, for what is read by one cursor.</summary>
public sealed class WholeSelection(ILogCursor cursor, LogSelection selection) : ILogSections
{
    private bool given;

    public LogReadStatistics Statistics => cursor.Statistics;

    public LogSection? Next()
    {
        if (given) return null;
        given = true;
        return new Section(cursor, selection.Backward ? selection.EndNs : selection.StartNs);
    }

    private sealed class Section(ILogCursor cursor, long boundNs) : LogSection
    {
        public override long BoundNs => boundNs;

        public override int Rank => 0;

        public override bool MayReadAhead => false;

        public override ILogCursor Open(int reader) => cursor;
    }
}
