using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>Functions that reorder or relabel series.</content>
internal sealed partial class Evaluator
{
    private IEnumerable<Column> Sort(CallExpr call, Grid grid)
    {
        if (run.IsRangeQuery)
        {
            run.Annotations.Warn(call, "sort is ineffective for range queries since results are always ordered by labels", grid == run.Grid ? TimeRange.All : null);
            return Vector(call.Arguments[0], grid);
        }
        bool down = call.Function.Name.EndsWith("_desc", StringComparison.Ordinal);
        if (call.Function.Name.StartsWith("sort_by_label", StringComparison.Ordinal))
        {
            var names = call.Arguments.Skip(1).Select(Text).ToArray();
            var byLabel = Vector(call.Arguments[0], grid).ToList();
            var sorted = byLabel.ToArray();
            Array.Sort(Enumerable.Range(0, sorted.Length).ToArray(), sorted, Comparer<int>.Create((a, b) => Order(a, b)));
            return sorted;

            int Order(int a, int b)
            {
                foreach (string name in names)
                {
                    int order = NaturalOrder.Compare(byLabel[a].Labels[name], byLabel[b].Labels[name]);
                    if (order != 0) return down ? -order : order;
                }
                int whole = byLabel[a].Labels.CompareTo(byLabel[b].Labels);
                return down ? -whole : whole;
            }
        }
        // Floats only; NaN comes last either way.
        var floats = MapFloats(Vector(call.Arguments[0], grid), v => v);
        return down
            ? floats.OrderBy(c => double.IsNaN(c.Values[0])).ThenByDescending(c => c.Values[0])
            : floats.OrderBy(c => double.IsNaN(c.Values[0])).ThenBy(c => c.Values[0]);
    }

    private IEnumerable<Column> LabelReplace(CallExpr call, Grid grid)
    {
        string target = LabelName(call.Arguments[1]), replacement = Text(call.Arguments[2]), source = Text(call.Arguments[3]), pattern = Text(call.Arguments[4]);
        if (!LinearRegex.TryCreate(pattern, anchored: true, dotMatchesNewline: true, out var regex, out _))
            throw run.Fail(call.Arguments[4], $"invalid regular expression in label_replace(): {pattern}");
        if (target.Length == 0) throw run.Fail(call.Arguments[1], "invalid destination label name in label_replace(): ");
        return Merge(Replaced(), grid);

        IEnumerable<Column> Replaced()
        {
            var builder = new LabelsBuilder();
            foreach (var column in Vector(call.Arguments[0], grid))
            {
                var match = regex.Match(column.Labels[source]);
                if (match.Success)
                {
                    column.Labels = builder.Reset(column.Labels).Set(target, regex.Expand(replacement, match)).ToLabels();
                    if (target == Labels.MetricName) column.DropName = false;
                }
                yield return column;
            }
        }
    }

    private IEnumerable<Column> LabelJoin(CallExpr call, Grid grid)
    {
        string target = LabelName(call.Arguments[1]), separator = Text(call.Arguments[2]);
        if (target.Length == 0) throw run.Fail(call.Arguments[1], "invalid destination label name in label_join(): ");
        var sources = call.Arguments.Skip(3).Select(LabelName).ToArray();
        return Merge(Joined(), grid);

        IEnumerable<Column> Joined()
        {
            var builder = new LabelsBuilder();
            foreach (var column in Vector(call.Arguments[0], grid))
            {
                string joined = string.Join(separator, sources.Select(s => column.Labels[s]));
                column.Labels = builder.Reset(column.Labels).Set(target, joined).ToLabels();
                if (target == Labels.MetricName) column.DropName = false;
                yield return column;
            }
        }
    }

    /// <summary>A label name given as a string; what is not UTF-8 is none.</summary>
    private string LabelName(Expr expr)
    {
        var literal = (StringLiteral)expr.Unwrapped;
        if (literal.InvalidUtf8 is not null) throw run.Fail(expr, $"invalid label name {literal.InvalidUtf8}");
        return literal.Value;
    }
}

/// <summary>Compares texts with the numbers in them by value: <c>a2</c> before <c>a10</c>.</summary>
internal static class NaturalOrder
{
    public static int Compare(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        while (!a.IsEmpty && !b.IsEmpty)
        {
            bool digitsA = char.IsAsciiDigit(a[0]), digitsB = char.IsAsciiDigit(b[0]);
            var partA = Chunk(ref a, digitsA);
            var partB = Chunk(ref b, digitsB);
            if (digitsA && digitsB)
            {
                var numberA = partA.TrimStart('0');
                var numberB = partB.TrimStart('0');
                int order = numberA.Length != numberB.Length ? numberA.Length.CompareTo(numberB.Length) : numberA.SequenceCompareTo(numberB);
                if (order != 0) return order;
                if (partA.Length != partB.Length) return partA.Length.CompareTo(partB.Length);
                continue;
            }
            int text = partA.SequenceCompareTo(partB);
            if (text != 0) return text;
        }
        return a.Length.CompareTo(b.Length);
    }

    private static ReadOnlySpan<char> Chunk(ref ReadOnlySpan<char> text, bool digits)
    {
        int n = 1;
        while (n < text.Length && char.IsAsciiDigit(text[n]) == digits) n++;
        var chunk = text[..n];
        text = text[n..];
        return chunk;
    }
}
