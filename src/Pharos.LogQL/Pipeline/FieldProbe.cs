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
        var (parser, filters, names) = Find(stages);
        if (parser is null || names.Count == 0 || names.Any(n => n.StartsWith("__error", StringComparison.Ordinal))) return null;
        return new FieldProbe(LinePipeline.Build([parser, .. filters], new NeededLabels(names), time));
    }

    /// <summary>The parser of the stored line whose fields the store knows, null where there is none; the filters right after it, and the labels they look at.</summary>
    public static (StageSyntax? Parser, List<LabelFilterStage> Filters, HashSet<string> Names) Find(IReadOnlyList<StageSyntax> stages)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var left = stages.SkipWhile(s => s is LineFilterSyntax).ToList();
        if (left is not [JsonSyntax { Extractions.Count: 0 } or LogfmtSyntax { Extractions.Count: 0, KeepEmpty: false }, ..]) return (null, [], names);
        var filters = left.Skip(1).TakeWhile(s => s is LabelFilterStage).Cast<LabelFilterStage>().ToList();
        foreach (var filter in filters) Hints.Collect(filter.Filter, names);
        return (left[0], filters, names);
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
