using System.Buffers;
using System.Globalization;
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

    /// <summary>
    /// False: it holds for no line of a block whose lines have no other labels of the names it looks at than these fields. Safe for several threads.
    /// </summary>
    public virtual bool MayHold(LogFields fields) => true;

    /// <summary>Takes the marks off lines of such a block for which it does not hold. Safe for several threads.</summary>
    public virtual void Narrow(LogFields fields, Span<bool> marks)
    {
    }

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

    public sealed override void Narrow(LogFields fields, Span<bool> marks)
    {
        if (fields.Column(label) is not { } values)
        {
            if (!MayHoldFor(null)) marks.Clear();
            return;
        }
        if (values.Distinct == 0)
        {
            if (TryNarrow(fields, values, marks)) return;
            for (int row = marks.IndexOf(true); row >= 0 && row < marks.Length; row++) marks[row] = marks[row] && MayHoldFor(values, row);
            return;
        }
        bool[] rented = ArrayPool<bool>.Shared.Rent(values.Distinct + 1);
        var wanted = rented.AsSpan(0, values.Distinct + 1);
        wanted[0] = MayHoldFor(null);
        for (int id = 1; id < wanted.Length; id++) wanted[id] = MayHoldFor(values.TextOfId(id));
        values.Keep(wanted, marks);
        ArrayPool<bool>.Shared.Return(rented);
    }

    /// <summary>False: it holds for no line with this value; null where it does not have the label.</summary>
    protected abstract bool MayHoldFor(string? value);

    /// <summary>Narrows by all values of a column together. False: it did not.</summary>
    protected virtual bool TryNarrow(LogFields fields, LogFieldColumn values, Span<bool> marks) => false;

    protected virtual bool MayHoldFor(LogFieldColumn values, int row) => MayHoldFor(values.TextOf(row));

    /// <param name="always">Whether the answer is the same for each line with this value.</param>
    protected abstract bool HoldsFor(LabelState labels, out bool always);
}

internal sealed class TextPredicate(Matcher matcher) : ValuePredicate(matcher.Name)
{
    private readonly WholeExpression? expression = matcher.Op is MatchOp.Regex or MatchOp.NotRegex && matcher.Alternatives is null
        ? new WholeExpression(matcher.Value, dotMatchesNewline: false)
        : null;

    /// <summary>The value, where there is only one, as it can be compared with bytes.</summary>
    private readonly byte[]? only = matcher.Op == MatchOp.Equal && matcher.Value.Length > 0 && !matcher.Value.Contains('\uFFFD') ? Encoding.UTF8.GetBytes(matcher.Value) : null;

    protected override bool HoldsFor(LabelState labels, out bool always)
    {
        always = true;
        return Matches(labels.Get(matcher.Name) ?? "");
    }

    public override bool MayHold(LogFields fields)
    {
        if (fields.RangeOf(matcher.Name) is { } range)
        {
            // Lines without the field have the empty value.
            var wanted = matcher.Op == MatchOp.Equal ? [matcher.Value] : matcher.Op == MatchOp.Regex ? matcher.Alternatives : null;
            return wanted is null || wanted.Any(v => v.Length == 0 || IsWithin(v, range));
        }
        return fields.ValuesOf(matcher.Name) is not { } values || values.Any(MayHoldFor);
    }

    protected override bool MayHoldFor(string? value) => Matches(value ?? "");

    protected override bool MayHoldFor(LogFieldColumn values, int row) => only is null ? base.MayHoldFor(values, row) : values.Is(row, only);

    /// <summary>Whether a text can be one of some decimal numbers with what follows each of them.</summary>
    private static bool IsWithin(string text, in LogFieldRange range) =>
        text.EndsWith(range.Suffix, StringComparison.Ordinal) &&
        double.TryParse(text.AsSpan(0, text.Length - range.Suffix.Length), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) &&
        number >= range.Min && number <= range.Max;

    private bool Matches(string value) =>
        expression is null ? matcher.Matches(value) : expression.IsMatch(value) == (matcher.Op == MatchOp.Regex);
}

internal sealed class IpPredicate(string label, bool negated, IpPattern pattern) : LabelPredicate
{
    public override bool Holds(LabelState labels)
    {
        if (labels.HasError) return true;
        string? value = labels.Get(label);
        return value is not null && Holds(value);
    }

    /// <summary>Only where nothing before it can fail: a line with an error stays.</summary>
    public override bool MayHold(LogFields fields)
    {
        if (!negated && pattern.V4 is var (low, high) && fields.HasAddress(label, low, high) is { } has) return has;
        return fields.ValuesOf(label) is not { } values || values.Any(v => v is not null && Holds(ParserText.Clean(v)));
    }

    private bool Holds(string value) => pattern.FoundIn(Encoding.UTF8.GetBytes(value)) != negated;
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
        if (!TryRead(text, out double value, out string error))
        {
            always = false;
            // The first error is the cause of the later ones.
            if (!labels.HasError) labels.Fail(Error, error);
            return true;
        }
        return Compares(value);
    }

    public override bool MayHold(LogFields fields)
    {
        if (fields.RangeOf(filter.Label) is { } range)
        {
            return !Numbers.TryRange(range, filter.Kind, out double min, out double max, out _) || filter.Op switch
            {
                "==" => min <= filter.Value && filter.Value <= max,
                ">" or ">=" => Compares(max),
                "<" or "<=" => Compares(min),
                _ => true,
            };
        }
        // A value that is no quantity stays, as an error.
        return fields.ValuesOf(filter.Label) is not { } values
            || values.Any(MayHoldFor);
    }

    protected override bool TryNarrow(LogFields fields, LogFieldColumn values, Span<bool> marks)
    {
        if (fields.RangeOf(filter.Label) is not { } range || !Numbers.TryRange(range, filter.Kind, out _, out _, out double factor)) return false;
        double rounded = filter.Kind == QuantityKind.Number ? 0 : 1;
        values.KeepBetween(
            filter.Op is "==" or ">" or ">=" ? (filter.Value - rounded) / factor : double.NegativeInfinity,
            filter.Op is "==" or "<" or "<=" ? (filter.Value + rounded) / factor : double.PositiveInfinity,
            marks);
        return true;
    }

    protected override bool MayHoldFor(string? value) => value is not null && (!TryRead(value, out double number, out _) || Compares(number));

    private bool Compares(double value)
    {
        Arithmetic.TryCompare(filter.Op, value, filter.Value, out bool holds);
        return holds;
    }

    private bool TryRead(string text, out double value, out string error)
    {
        error = "";
        return filter.Kind switch
        {
            QuantityKind.Number => Numbers.TryFloat(text, out value) || Invalid(text, out error),
            QuantityKind.Duration => Numbers.TryGoDuration(text, out value, out error),
            _ => Numbers.TrySize(text, out value, out error),
        };
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

    public override bool MayHold(LogFields fields) => left.MayHold(fields) && right.MayHold(fields);

    public override void Narrow(LogFields fields, Span<bool> marks)
    {
        left.Narrow(fields, marks);
        right.Narrow(fields, marks);
    }
}

internal sealed class EitherPredicate(LabelPredicate left, LabelPredicate right) : LabelPredicate
{
    public override bool Holds(LabelState labels) => left.Holds(labels) || right.Holds(labels);

    public override bool MayHold(LogFields fields) => left.MayHold(fields) || right.MayHold(fields);

    public override void Narrow(LogFields fields, Span<bool> marks)
    {
        bool[] rented = ArrayPool<bool>.Shared.Rent(marks.Length);
        var others = rented.AsSpan(0, marks.Length);
        marks.CopyTo(others);
        left.Narrow(fields, marks);
        right.Narrow(fields, others);
        for (int row = 0; row < marks.Length; row++) marks[row] |= others[row];
        ArrayPool<bool>.Shared.Return(rented);
    }
}

internal sealed class LabelPredicateStage(LabelPredicate predicate) : Stage
{
    // A comparison may set the error labels.
    public override bool ChangesLabels => predicate is not TextPredicate;

    public override bool Process(ref LogLine line) => predicate.Holds(line.Labels);
}
