using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL;

/// <summary>A log query over lines that come one by one, as for a live tail. Not safe for several threads.</summary>
public sealed class LogQlLineFilter
{
    private readonly LinePipeline pipeline;
    private readonly LabelState labels = new();

    /// <exception cref="QueryException">The text is no log query.</exception>
    public LogQlLineFilter(string query, TimeProvider time)
    {
        if (Parser.Parse(query) is not LogExpr log) throw new QueryException(QueryErrorKind.BadData, "only log queries can be tailed, not metric queries");
        Matchers = log.Matchers;
        pipeline = LinePipeline.Build(log.Stages, NeededLabels.All, time);
    }

    /// <summary>The query's stream selector, which the caller applies.</summary>
    public IReadOnlyList<Matcher> Matchers { get; }

    /// <summary>Whether the stages leave the line in.</summary>
    public bool Passes(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        labels.Reset(stream, metadata);
        var current = new LogLine { Bytes = line, TimestampNs = timestampNs, Labels = labels };
        return pipeline.Process(ref current);
    }

    /// <summary>The line as the stages leave it; null where they leave it out.</summary>
    public LogQlEntry? Process(Labels stream, long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        labels.Reset(stream, metadata);
        var current = new LogLine { Bytes = line, TimestampNs = timestampNs, Labels = labels };
        if (!pipeline.Process(ref current)) return null;
        return new LogQlEntry(timestampNs, current.Bytes.ToArray(), labels.StreamLabels(), labels.MetadataLabels(), labels.ParsedLabels());
    }
}
