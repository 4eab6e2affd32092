using Pharos.Core;

namespace Pharos.LogQL.Serving;

/// <summary>
/// A store as one query sees it: what it reads can be looked at from outside, and ends where its bytes are used up. Without a limit the
/// store's own cursors are handed out.
/// </summary>
/// <param name="bytesMax">Bytes of lines that the query may read; 0 for no limit.</param>
/// <param name="stops">True: at the limit the lines end. False: the query fails.</param>
internal sealed class MeteredLogs(ILogQueryable store, long bytesMax, bool stops) : ILogQueryable
{
    private readonly List<Func<LogReadStatistics>> opened = [];
    private long bytesRead;

    /// <summary>Whether lines ended at the limit.</summary>
    public bool Stopped { get; private set; }

    /// <summary>All that was read so far.</summary>
    public LogReadStatistics Read
    {
        get
        {
            lock (opened) return opened.Aggregate(default(LogReadStatistics), (sum, read) => sum + read());
        }
    }

    public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel) => Meter(store.Open(tenant, selection, cancel));

    public IReadOnlyList<ILogCursor> OpenSplit(TenantId tenant, LogSelection selection, int cursorsMax, CancellationToken cancel) =>
        [.. store.OpenSplit(tenant, selection, cursorsMax, cancel).Select(Meter)];

    public ILogSections OpenSections(TenantId tenant, LogSelection selection, CancellationToken cancel)
    {
        var sections = store.OpenSections(tenant, selection, cancel);
        lock (opened) opened.Add(() => sections.Statistics);
        return bytesMax > 0 ? new MeteredSections(this, sections) : sections;
    }

    public IReadOnlyList<Labels> Streams(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
        store.Streams(tenant, matcherSets, startNs, endNs, cancel);

    public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
        store.Volumes(tenant, matchers, startNs, endNs, cancel);

    private ILogCursor Meter(ILogCursor cursor)
    {
        lock (opened) opened.Add(() => cursor.Statistics);
        return bytesMax > 0 ? new Metered(this, cursor) : cursor;
    }

    /// <summary>Adds bytes to what the query read, whichever cursor read them; what is left of its bytes, negative where it read more.</summary>
    private long Tell(long more) => bytesMax - Interlocked.Add(ref bytesRead, more);

    /// <summary>The bytes are used up.</summary>
    /// <exception cref="QueryException">The query fails then.</exception>
    private void Stop()
    {
        if (!stops)
        {
            throw new QueryException(
                QueryErrorKind.BadData,
                $"the query would read too many bytes (query: {Volatile.Read(ref bytesRead)} bytes so far, limit: {bytesMax} bytes); consider adding more specific stream selectors or reduce the time range of the query");
        }
        Stopped = true;
    }

    private sealed class MeteredSections(MeteredLogs owner, ILogSections sections) : ILogSections
    {
        private long told;

        public LogReadStatistics Statistics => sections.Statistics;

        public long? BytesLeft
        {
            get
            {
                long before = told;
                told = sections.Statistics.Bytes;
                return owner.Tell(told - before);
            }
        }

        public LogSection? Next() => sections.Next();

        public void End() => owner.Stop();
    }

    private sealed class Metered(MeteredLogs owner, ILogCursor cursor) : ILogCursor
    {
        private const int EntriesBetweenLooks = 64;

        private int moves;
        private long told;

        public Labels Stream => cursor.Stream;

        public long TimestampNs => cursor.TimestampNs;

        public ReadOnlySpan<byte> Line => cursor.Line;

        public ReadOnlySpan<byte> Metadata => cursor.Metadata;

        public int Count => cursor.Count;

        public int LineBytes => cursor.LineBytes;

        public LogFields? Fields => cursor.Fields;

        public int FieldRow => cursor.FieldRow;

        public int Section => cursor.Section;

        public bool InMemory => cursor.InMemory;

        public bool LineFiltersHold => cursor.LineFiltersHold;

        public LogReadStatistics Statistics => cursor.Statistics;

        public bool MoveNext()
        {
            if (++moves % EntriesBetweenLooks == 0 && Tell() < 0)
            {
                owner.Stop();
                return false;
            }
            return cursor.MoveNext();
        }

        private long Tell()
        {
            long before = told;
            told = cursor.Statistics.Bytes;
            return owner.Tell(told - before);
        }

        public void Dispose() => cursor.Dispose();
    }
}
