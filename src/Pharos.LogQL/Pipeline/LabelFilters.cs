using System.Text;
using Pharos.Core;
using Pharos.LogQL.Engine;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>A label filter that is ready to run.</summary>
internal abstract class LabelPredicate
{
    public const string Error = "LabelFilterErr";

    /// <summary>Whether the line stays; may set an error, and then it stays.</summary>
    public abstract bool Holds(LabelState labels);

    /// <exception cref="QueryException">An ip pattern is wrong.</exception>
    public static LabelPredicate From(LabelFilterSyntax syntax) => syntax switch
    {
        StringFilter text => new TextPredicate(text.Matcher),
        IpFilter ip => new IpPredicate(ip.Label, ip.Negated, IpPattern.Parse(ip.Pattern)),
        QuantityFilter quantity => new QuantityPredicate(quantity),
        LogicFilter { And: true } both => new BothPredicate(From(both.Left), From(both.Right)),
        LogicFilter either => new EitherPredicate(From(either.Left), From(either.Right)),
        _ => throw new ArgumentException($"label filter {syntax.GetType().Name} is unknown", nameof(syntax)),
    };
}

/// <summary>
/// A predicate whose answer depends on one label's value alone: for values of a dictionary it is worked out once.
/// </summary>
internal abstract class ValuePredicate(string label) : LabelPredicate
{
    private LogFieldColumn? column;
    private bool?[] answers = [];

    public sealed override bool Holds(LabelState labels)
    {
        if (!labels.TryGetId(label, out var dictionary, out int id)) return HoldsFor(labels, out _);
        if (!ReferenceEquals(dictionary, column))
        {
            column = dictionary;
            answers = new bool?[dictionary.Distinct + 1];
        }
        if (answers[id] is { } known) return known;
        bool holds = HoldsFor(labels, out bool always);
        if (always) answers[id] = holds;
        return holds;
    }

    /// <param name="always">Whether the answer is the same for each line with this value.</param>
    protected abstract bool HoldsFor(LabelState labels, out bool always);
}

internal sealed class TextPredicate(Matcher matcher) : ValuePredicate(matcher.Name)
{
    private readonly WholeExpression? expression = matcher.Op is MatchOp.Regex or MatchOp.NotRegex && matcher.Alternatives is null
        ? new WholeExpression(matcher.Value, dotMatchesNewline: false)
        : null;

    protected override bool HoldsFor(LabelState labels, out bool always)
    {
        always = true;
        string value = labels.Get(matcher.Name) ?? "";
        return expression is null ? matcher.Matches(value) : expression.IsMatch(value) == (matcher.Op == MatchOp.Regex);
    }
}

internal sealed class IpPredicate(string label, bool negated, IpPattern pattern) : LabelPredicate
{
    public override bool Holds(LabelState labels)
    {
        if (labels.HasError) return true;
        string? value = labels.Get(label);
        return value is not null && pattern.FoundIn(Encoding.UTF8.GetBytes(value)) != negated;
    }
}

internal sealed class QuantityPredicate(QuantityFilter filter) : ValuePredicate(filter.Label)
{
    protected override bool HoldsFor(LabelState labels, out bool always)
    {
        always = true;
        // The error label has no quantity: only filters on text can look at it.
        if (filter.Label == LabelState.ErrorLabel) return false;
        string? text = labels.Get(filter.Label);
        if (text is null) return false;
        double value;
        string error = "";
        bool read = filter.Kind switch
        {
            QuantityKind.Number => Numbers.TryFloat(text, out value) || Invalid(text, out error),
            QuantityKind.Duration => Numbers.TryGoDuration(text, out value, out error),
            _ => Numbers.TrySize(text, out value, out error),
        };
        if (!read)
        {
            always = false;
            // The first error is the cause of the later ones.
            if (!labels.HasError) labels.Fail(Error, error);
            return true;
        }
        Arithmetic.TryCompare(filter.Op, value, filter.Value, out bool holds);
        return holds;
    }

    private static bool Invalid(string text, out string error)
    {
        error = $"strconv.ParseFloat: parsing {GoString.Quote(text)}: invalid syntax";
        return false;
    }
}

internal sealed class BothPredicate(LabelPredicate left, LabelPredicate right) : LabelPredicate
{
    public override bool Holds(LabelState labels) => left.Holds(labels) && right.Holds(labels);
}

internal sealed class EitherPredicate(LabelPredicate left, LabelPredicate right) : LabelPredicate
{
    public override bool Holds(LabelState labels) => left.Holds(labels) || right.Holds(labels);
}

internal sealed class LabelPredicateStage(LabelPredicate predicate) : Stage
{
    // A comparison may set the error labels.
    public override bool ChangesLabels => predicate is not TextPredicate;

    public override bool Process(ref LogLine line) => predicate.Holds(line.Labels);
}
