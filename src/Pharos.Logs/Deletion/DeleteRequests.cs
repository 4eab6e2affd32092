using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Logs.Parts;

namespace Pharos.Logs.Deletion;

/// <summary>A deletion whose entries are still on the disk.</summary>
internal sealed record ActiveDeletion(LogDeleteRequest Request, LogFilter Filter)
{
    public bool Touches(Labels stream) => Matcher.All(Filter.Matchers, stream);
}

/// <summary>The deletions of one tenant: those that hide entries, and the record of those that are done. Safe for several threads.</summary>
internal sealed class DeleteRequests
{
    /// <summary>Requests remembered after they were processed.</summary>
    private const int ProcessedMax = 1000;

    private readonly Lock gate = new();
    private readonly DeleteFile file;
    private readonly ILogFilterLanguage? language;
    private readonly List<LogDeleteRequest> all = [];
    private volatile ActiveDeletion[] active = [];
    private FlushMark known = FlushMark.None;

    public DeleteRequests(DeleteFile file, ILogFilterLanguage? language)
    {
        this.file = file;
        this.language = language;
    }

    /// <summary>Deletions that hide entries now.</summary>
    public IReadOnlyList<ActiveDeletion> Active => active;

    public IReadOnlyList<LogDeleteRequest> All
    {
        get
        {
            lock (gate) return [.. all];
        }
    }

    /// <summary>All requests of one moment, as the file of a snapshot would hold them.</summary>
    public (IReadOnlyList<LogDeleteRequest> Requests, FlushMark Known) Record
    {
        get
        {
            lock (gate) return ([.. all], known);
        }
    }

    /// <summary>Reads what was asked for before a restart; returns the mark under which entries last went off the disk.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or holds a query that this version cannot read.</exception>
    public FlushMark Load()
    {
        lock (gate)
        {
            all.Clear();
            (var requests, known) = file.Read();
            all.AddRange(requests);
            Activate();
            return known;
        }
    }

    public LogDeleteRequest Add(string query, long startNs, long endNs, DateTimeOffset now)
    {
        if (startNs >= endNs) throw new QueryException(QueryErrorKind.BadData, "the start of a deletion must be before its end");
        _ = Parse(query);
        lock (gate)
        {
            string id = IdOf(query, startNs, endNs, now);
            for (int again = 1; all.Any(r => r.Id == id); again++) id = IdOf($"{query} {again}", startNs, endNs, now);
            var request = new LogDeleteRequest(id, query, startNs, endNs, now, LogDeleteState.Received);
            Replace([.. all, request], known);
            return request;
        }
    }

    public bool Cancel(string id)
    {
        lock (gate)
        {
            if (!all.Any(r => r.Id == id && r.State == LogDeleteState.Received)) return false;
            Replace([.. all.Where(r => r.Id != id)], known);
            return true;
        }
    }

    /// <summary>Notes that the entries of some requests are off the disk.</summary>
    /// <param name="mark">Held when they went: without it a start would take them from the write log again.</param>
    public void Done(IReadOnlyCollection<string> ids, FlushMark mark)
    {
        lock (gate)
        {
            var left = all.ConvertAll(r => ids.Contains(r.Id) ? r with { State = LogDeleteState.Processed } : r);
            int tooMany = left.Count(r => r.State == LogDeleteState.Processed) - ProcessedMax;
            if (tooMany > 0) left.RemoveAll(r => r.State == LogDeleteState.Processed && tooMany-- > 0);
            Replace(left, FlushMark.Newer(known, mark));
        }
    }

    /// <summary>Durable first, then in force.</summary>
    private void Replace(List<LogDeleteRequest> next, FlushMark mark)
    {
        try
        {
            file.Write(next, mark);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"the deletion cannot be written to {file.Path}: {e.Message}{(TryTakeBack() ? "" : "; it may come into force at the next start")}", e);
        }
        all.Clear();
        all.AddRange(next);
        known = mark;
        Activate();
    }

    /// <summary>The file may be the new one already, although writing it failed.</summary>
    private bool TryTakeBack()
    {
        try
        {
            file.Write(all, known);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Activate() => active = [.. all.Where(r => r.State == LogDeleteState.Received).Select(r => new ActiveDeletion(r, Parse(r.Query)))];

    private LogFilter Parse(string query) => language is null
        ? throw new QueryException(QueryErrorKind.BadData, "deletion is not available: this store was started without a query language")
        : language.Parse(query);

    private static string IdOf(string query, long startNs, long endNs, DateTimeOffset now) =>
        $"{Crc32C.Of(System.Text.Encoding.UTF8.GetBytes($"{query} {startNs} {endNs} {now.UtcTicks}")):x8}";
}
