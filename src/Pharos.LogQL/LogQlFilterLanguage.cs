using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL;

/// <summary>LogQL as the language of deletions: a stream selector, with stages that only filter or without.</summary>
public sealed class LogQlFilterLanguage(TimeProvider time) : ILogFilterLanguage
{
    public LogFilter Parse(string query)
    {
        if (Parser.Parse(query) is not LogExpr log) throw new QueryException(QueryErrorKind.BadData, "a deletion takes a stream selector with filters, not a metric query");
        if (log.Matchers.Count == 0) throw new QueryException(QueryErrorKind.BadData, "a deletion takes a stream selector with at least one matcher");
        return new LogFilter(log.Matchers, log.Stages.Count == 0 ? null : () => new LineFilter(new LogQlLineFilter(query, time)));
    }

    private sealed class LineFilter(LogQlLineFilter filter) : ILogLineFilter
    {
        public bool Holds(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata) =>
            filter.Passes(stream, timestampNs, line, metadata);
    }
}
