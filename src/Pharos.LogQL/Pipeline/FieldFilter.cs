using Pharos.Core;
using Pharos.LogQL.Engine;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>The filters right after a parser, asked of a whole block by the least and greatest values of its fields and their dictionaries, and of all its lines by the columns of these fields.</summary>
internal sealed class FieldFilter : LogFieldFilter
{
    private readonly LabelPredicate[] predicates;

    private FieldFilter(LogFieldFormat format, IReadOnlyList<string> names, LabelPredicate[] predicates)
    {
        Format = format;
        Names = names;
        this.predicates = predicates;
    }

    public override LogFieldFormat Format { get; }

    public override IReadOnlyList<string> Names { get; }

    /// <summary>Null where the stages give nothing to ask.</summary>
    public static FieldFilter? For(IReadOnlyList<StageSyntax> stages)
    {
        var (parser, filters) = Find(stages);
        if (parser is null or LogfmtSyntax { Strict: true }) return null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var predicates = new List<LabelPredicate>();
        foreach (var filter in filters)
        {
            var own = new HashSet<string>(StringComparer.Ordinal);
            Hints.Collect(filter.Filter, own);
            if (own.Any(IsMore) || DependsOnErrors(filter.Filter, filters)) continue;
            names.UnionWith(own);
            predicates.Add(LabelPredicate.From(filter.Filter));
        }
        return predicates.Count == 0 ? null : new FieldFilter(parser is JsonSyntax ? LogFieldFormat.Json : LogFieldFormat.Logfmt, [.. names], [.. predicates]);
    }

    public override bool MayPass(LogFields fields) => Array.TrueForAll(predicates, p => p.MayHold(fields));

    public override void Narrow(LogFields fields, Span<bool> marks)
    {
        foreach (var predicate in predicates) predicate.Narrow(fields, marks);
    }

    /// <summary>A value that is no quantity is an error, and a line with an error passes all addresses.</summary>
    public static bool DependsOnErrors(LabelFilterSyntax filter, IEnumerable<LabelFilterStage> filters) =>
        Has(filter, static s => s is IpFilter) && filters.Any(f => Has(f.Filter, static s => s is QuantityFilter));

    /// <summary>The parser of the stored line whose fields the store knows, null where there is none; and the filters right after it.</summary>
    private static (StageSyntax? Parser, List<LabelFilterStage> Filters) Find(IReadOnlyList<StageSyntax> stages)
    {
        var left = stages.SkipWhile(s => s is LineFilterSyntax).ToList();
        if (left is not [JsonSyntax { Extractions.Count: 0 } or LogfmtSyntax { Extractions.Count: 0, KeepEmpty: false }, ..]) return (null, []);
        var filters = left.Skip(1).TakeWhile(s => s is LabelFilterStage).Cast<LabelFilterStage>().ToList();
        return (left[0], filters);
    }

    private static bool Has(LabelFilterSyntax filter, Func<LabelFilterSyntax, bool> kind) =>
        kind(filter) || (filter is LogicFilter logic && (Has(logic.Left, kind) || Has(logic.Right, kind)));

    /// <summary>
    /// Labels that are not a field's alone: those of errors, those that a stream gets only after it was read (the tenant's), and other names for labels
    /// that were there already.
    /// </summary>
    public static bool IsMore(string name) => name.Contains("__", StringComparison.Ordinal) || name.EndsWith(LabelState.ExtractedSuffix, StringComparison.Ordinal);
}
