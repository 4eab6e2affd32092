using System.Text;
using Pharos.Core;
using Pharos.LogQL.Engine;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>The label filters before any other stage but line filters: they look at labels and structured metadata alone, which the store can ask by columns.</summary>
internal sealed class MetadataFilter : LogFieldFilter
{
    private readonly LabelPredicate[] predicates;

    private MetadataFilter(IReadOnlyList<string> names, LabelPredicate[] predicates, IReadOnlyList<(string, ReadOnlyMemory<byte>)> required)
    {
        Names = names;
        Required = required;
        this.predicates = predicates;
    }

    public override LogFieldFormat Format => LogFieldFormat.None;

    public override IReadOnlyList<string> Names { get; }

    public override IReadOnlyList<(string Name, ReadOnlyMemory<byte> Utf8)> Required { get; }

    /// <summary>Null where the stages give nothing to ask.</summary>
    public static MetadataFilter? For(IReadOnlyList<StageSyntax> stages)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var predicates = new List<LabelPredicate>();
        var required = new List<(string, ReadOnlyMemory<byte>)>();
        var filters = stages.TakeWhile(s => s is LineFilterSyntax or LabelFilterStage).OfType<LabelFilterStage>().ToList();
        foreach (var filter in filters.Select(s => s.Filter))
        {
            var own = new HashSet<string>(StringComparer.Ordinal);
            Hints.Collect(filter, own);
            if (own.Any(FieldFilter.IsMore) || FieldFilter.DependsOnErrors(filter, filters)) continue;
            names.UnionWith(own);
            predicates.Add(LabelPredicate.From(filter));
            CollectRequired(filter, required);
        }
        return predicates.Count == 0 ? null : new MetadataFilter([.. names], [.. predicates], required);
    }

    public override bool MayPass(LogFields fields) => Array.TrueForAll(predicates, p => p.MayHold(fields));

    public override void Narrow(LogFields fields, Span<bool> marks)
    {
        foreach (var predicate in predicates) predicate.Narrow(fields, marks);
    }

    private static void CollectRequired(LabelFilterSyntax filter, List<(string, ReadOnlyMemory<byte>)> into)
    {
        if (filter is LogicFilter { And: true } both)
        {
            CollectRequired(both.Left, into);
            CollectRequired(both.Right, into);
        }
        else if (filter is StringFilter { Matcher: { Op: MatchOp.Equal } matcher } && !matcher.Value.Contains('\uFFFD'))
        {
            into.Add((matcher.Name, Encoding.UTF8.GetBytes(matcher.Value)));
        }
    }
}
