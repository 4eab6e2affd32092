using Pharos.Core;
using Pharos.LogQL.Engine;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>
/// For log queries, which need all labels of the lines that they return: asks the filters right after a parser by the fields that the
/// store knows, so that only lines which pass are parsed. Belongs to one thread.
/// </summary>
internal sealed class FieldProbe
{
    private readonly LinePipeline pipeline;

    private FieldProbe(LinePipeline pipeline) => this.pipeline = pipeline;

    /// <summary>Null where the stages give nothing to ask.</summary>
    public static FieldProbe? For(IReadOnlyList<StageSyntax> stages, TimeProvider time)
    {
        int parser = 0;
        while (parser < stages.Count && stages[parser] is LineFilterSyntax) parser++;
        if (parser == stages.Count || stages[parser] is not (JsonSyntax { Extractions.Count: 0 } or LogfmtSyntax { Extractions.Count: 0, KeepEmpty: false })) return null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        int end = parser + 1;
        for (; end < stages.Count && stages[end] is LabelFilterStage filter; end++) Hints.Collect(filter.Filter, names);
        if (names.Count == 0 || names.Any(n => n.StartsWith("__error", StringComparison.Ordinal))) return null;
        return new FieldProbe(LinePipeline.Build([.. stages.Skip(parser).Take(end - parser)], new NeededLabels(names), time));
    }

    /// <summary>True where the filters leave the current line out. Uses the labels.</summary>
    public bool Rejects(ILogCursor cursor, LabelState labels)
    {
        if (cursor.Fields is not { } fields || fields.FormatOf(cursor.FieldRow) == LogFieldFormat.None) return false;
        labels.Reset(cursor.Stream, cursor.Metadata);
        var line = new LogLine(cursor) { Labels = labels };
        return !pipeline.Process(ref line);
    }
}
