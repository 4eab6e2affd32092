using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>
/// Arithmetic and comparison between two vectors. The "one" side is gathered by its matching labels, the other
/// streams past it; what is unique is decided step by step, as series may come and go.
/// </summary>
internal sealed class VectorJoin : IDisposable
{
    private readonly Evaluation run;
    private readonly BinaryExpr binary;
    private readonly VectorMatching matching;
    private readonly Grid grid;
    private readonly ElementMath math;
    private readonly bool swapped;
    private readonly bool oneToOne;
    private readonly bool distinct;
    private readonly NameList labelNames;
    private readonly NameList? lookedAt;
    private readonly LabelKey resultKey;
    private readonly ValueSlabs slabs = new();
    private readonly Dictionary<Labels, Group> groups = new(LabelsComparer.Instance);
    private readonly List<Output> order = [];

    // Null as long as every result has the labels of its group, which no other group has.
    private Dictionary<Labels, Output>? outputs;

    /// <param name="manyUnique">No two series of the many side differ in their name alone.</param>
    /// <param name="looked">The only labels of the results that are looked at; null for all.</param>
    public VectorJoin(Evaluation run, BinaryExpr binary, Grid grid, bool manyUnique, IReadOnlyList<string>? looked)
    {
        this.run = run;
        this.binary = binary;
        this.grid = grid;
        matching = binary.Matching!;
        math = new ElementMath(run, binary, grid);
        swapped = matching.Cardinality == MatchCardinality.OneToMany;
        oneToOne = matching.Cardinality == MatchCardinality.OneToOne;
        distinct = manyUnique && !oneToOne && matching is { Include.Count: 0, FillLeft: null, FillRight: null };
        labelNames = new NameList(matching.Labels);
        // The many side's labels, without those that cannot hold for the result.
        var names = DropsName ? Evaluator.NameLabels : [];
        resultKey = !oneToOne ? new LabelKey(names, keep: false, dropName: false)
            : matching.On ? new LabelKey([.. matching.Labels.Except(names)], keep: true, dropName: false)
            : new LabelKey([.. matching.Labels, .. names], keep: false, dropName: false);
        if (distinct && looked is not null && !run.Options.DelayedNameRemoval) lookedAt = new NameList(DropsName ? looked.Except(Evaluator.NameLabels) : looked);
    }

    private bool DropsName => BinaryMath.DropsName(binary.Op) || (binary.ReturnBool && !run.Options.DelayedNameRemoval);

    /// <summary>Series of one side with equal matching labels.</summary>
    private sealed class Group(Labels key)
    {
        private Column? only;
        private List<Column>? several;

        // One-to-one: steps at which a result was made, as bits.
        private ulong matched;
        private ulong[]? matchedLater;

        public Labels Key { get; } = key;

        /// <summary>The result that has the group's labels; null for none.</summary>
        public Output? Output { get; set; }

        public ReadOnlySpan<Column> One => several is not null ? CollectionsMarshal.AsSpan(several) : only is null ? [] : new ReadOnlySpan<Column>(ref only!);

        /// <summary>Steps at which some series of the many side is there; only kept where that side is filled.</summary>
        public bool[]? ManySeen { get; set; }

        public void Add(Column column)
        {
            if (only is null) only = column;
            else (several ??= [only]).Add(column);
        }

        /// <summary>Notes that a result was made at a step; false where one was before.</summary>
        public bool Match(int step, int steps)
        {
            if (step >= 64) matchedLater ??= new ulong[steps / 64];
            ref ulong bits = ref (step < 64 ? ref matched : ref matchedLater![(step / 64) - 1]);
            ulong bit = 1UL << (step & 63);
            if ((bits & bit) != 0) return false;
            bits |= bit;
            return true;
        }
    }

    private sealed class Output(Column column, Group first)
    {
        private Group[]? makers;

        public Column Column { get; } = column;

        /// <summary>The group that a step which is there came from.</summary>
        public Group MakerAt(int step) => makers?[step] ?? first;

        public void Made(int step, Group group)
        {
            if (makers is null && ReferenceEquals(first, group)) return;
            if (makers is null)
            {
                makers = new Group[Column.Count];
                Array.Fill(makers, first);
            }
            makers[step] = group;
        }
    }

    public IEnumerable<Column> Run(IEnumerable<Column> left, IEnumerable<Column> right)
    {
        using var key = new LabelKey(matching.Labels, matching.On, dropName: true);
        var lookup = groups.GetAlternateLookup<ReadOnlySpan<byte>>();
        // As in Prometheus, fill_left is for the many side and fill_right for the one side, also under group_right.
        double? fillOne = matching.FillRight;
        double? fillMany = matching.FillLeft;
        long held = 0;
        (int Step, string Message)? duplicate = null;
        foreach (var column in swapped ? left : right)
        {
            var signature = key.Of(column.Labels);
            if (!lookup.TryGetValue(signature, out var group))
            {
                group = new Group(Labels.FromEncoded(signature));
                groups[group.Key] = group;
            }
            duplicate = FindDuplicate(group, column, duplicate);
            group.Add(column);
            run.Hold(binary, grid.Count);
            held += grid.Count;
        }
        var anyMany = new bool[grid.Count];
        foreach (var column in swapped ? right : left)
        {
            run.CheckCancelled();
            for (int i = 0; duplicate is not null && i < grid.Count; i++) anyMany[i] |= column.Has(i);
            var signature = key.Of(column.Labels);
            if (!lookup.TryGetValue(signature, out var group))
            {
                if (fillOne is null)
                {
                    column.Dispose();
                    continue;
                }
                group = new Group(Labels.FromEncoded(signature));
                groups[group.Key] = group;
            }
            if (fillOne is null && fillMany is null && TryInPlace(group, column)) continue;
            using (column) Match(group, column, fillOne, fillMany is not null);
        }
        if (duplicate is not null) ThrowDuplicate(anyMany, fillMany);
        if (fillMany is { } fill)
        {
            foreach (var group in groups.Values) FillMany(group, fill);
        }
        foreach (var group in groups.Values)
        {
            foreach (var column in group.One) column.Dispose();
        }
        run.Release(held);
        foreach (var output in order)
        {
            if (output.Column.IsEmpty()) output.Column.Dispose();
            else yield return output.Column;
        }
    }

    private (int Step, string Message)? FindDuplicate(Group group, Column column, (int, string)? known)
    {
        if (known is not null) return known;
        foreach (var other in group.One)
        {
            run.CheckCancelled();
            for (int i = 0; i < grid.Count; i++)
            {
                if (column.Has(i) && other.Has(i)) return (i, "");
            }
        }
        return null;
    }

    // Two series of the "one" side at a step are an error where the other side has anything at all at that step.
    private void ThrowDuplicate(bool[] anyMany, double? fillMany)
    {
        foreach (var group in groups.Values)
        {
            for (int i = 0; i < grid.Count; i++)
            {
                if (!anyMany[i] && fillMany is null) continue;
                Column? first = null, second = null;
                foreach (var column in group.One)
                {
                    if (!column.Has(i)) continue;
                    if (first is null) first = column;
                    else second ??= column;
                }
                if (second is null) continue;
                var (a, b) = (first!.Labels, second.Labels);
                if (a.CompareTo(b) > 0) (a, b) = (b, a);
                var matched = matching.On ? LabelEditing.Filter(a, labelNames, keep: true) : group.Key;
                throw new QueryException(
                    QueryErrorKind.Execution,
                    $"found duplicate series for the match group {matched} on the {(swapped ? "left" : "right")} hand-side of the operation: [{a}, {b}];many-to-many matching not allowed: matching labels must be unique on one side",
                    SourcePosition.At(run.Query, binary.Span.Start));
            }
        }
    }

    /// <summary>
    /// One-to-one between floats: the results take the place of the values of the many side, whose column they keep. False, and nothing is
    /// done, where it has to go the long way.
    /// </summary>
    private bool TryInPlace(Group group, Column many)
    {
        if (!oneToOne || many.Histograms is not null || group.One is not [{ Histograms: null } one]) return false;
        bool comparison = BinaryExpr.IsComparison(binary.Op);
        if (!comparison && !BinaryMath.DropsName(binary.Op)) return false;
        var labels = ResultLabels(group, many, one);
        if (Find(group, labels) is not null) return false;
        var into = many.Values;
        var other = one.Values;
        bool any = false;
        for (int i = 0; i < into.Length; i++)
        {
            if (!Column.IsPresent(into[i])) continue;
            if (!Column.IsPresent(other[i]))
            {
                into[i] = Column.Absent;
                continue;
            }
            NoteMatch(group, i);
            if (!comparison) into[i] = BinaryMath.Arithmetic(binary.Op, into[i], other[i]);
            else if (binary.ReturnBool) into[i] = BinaryMath.Compare(binary.Op, into[i], other[i]) ? 1 : 0;
            else if (!BinaryMath.Compare(binary.Op, into[i], other[i]))
            {
                into[i] = Column.Absent;
                continue;
            }
            any = true;
        }
        if (any)
        {
            many.Labels = labels;
            many.DropName |= binary.ReturnBool && run.Options.DelayedNameRemoval;
            Enter(group, new Output(many, group));
            return true;
        }
        many.Dispose();
        return true;
    }

    private void Match(Group group, Column many, double? fillOne, bool noteSeen)
    {
        if (noteSeen) group.ManySeen ??= new bool[grid.Count];
        var missing = fillOne is null ? null : new bool[grid.Count];
        for (int i = 0; i < grid.Count; i++)
        {
            if (!many.Has(i)) continue;
            if (group.ManySeen is { } seen) seen[i] = true;
            if (missing is not null) missing[i] = true;
        }
        // Where nothing is taken from the one side, all its series give one result.
        bool each = matching.Include.Count > 0;
        Output? output = null;
        foreach (var one in group.One)
        {
            if (each) output = null;
            for (int i = 0; i < grid.Count; i++)
            {
                if (!many.Has(i) || !one.Has(i)) continue;
                if (missing is not null) missing[i] = false;
                var manyElement = new Element(many.Values[i], many.HistogramAt(i));
                var oneElement = new Element(one.Values[i], one.HistogramAt(i));
                if (oneToOne) NoteMatch(group, i);
                if (!Combine(i, manyElement, oneElement, out var result)) continue;
                output ??= OutputFor(group, many, one);
                Put(output, group, i, result);
            }
        }
        if (missing is null) return;
        if (each) output = null;
        for (int i = 0; i < grid.Count; i++)
        {
            if (!missing[i]) continue;
            if (oneToOne) NoteMatch(group, i);
            if (!Combine(i, new Element(many.Values[i], many.HistogramAt(i)), new Element(fillOne!.Value, null), out var result)) continue;
            output ??= OutputFor(group, many, null);
            Put(output, group, i, result);
        }
    }

    private void FillMany(Group group, double fill)
    {
        foreach (var one in group.One)
        {
            Output? output = null;
            for (int i = 0; i < grid.Count; i++)
            {
                if (!one.Has(i) || group.ManySeen?[i] == true) continue;
                if (!Combine(i, new Element(fill, null), new Element(one.Values[i], one.HistogramAt(i)), out var result)) continue;
                output ??= OutputFor(group, null, one);
                Put(output, group, i, result);
            }
        }
    }

    private bool Combine(int step, in Element many, in Element one, out Element result)
    {
        math.Step = step;
        var outcome = math.Apply(swapped ? one : many, swapped ? many : one, out result);
        if (!binary.ReturnBool || outcome == Outcome.None) return outcome == Outcome.Kept;
        result = new Element(outcome == Outcome.Kept ? 1 : 0, null);
        return true;
    }

    // Several series of the left side that match one are an error, even where a comparison would filter them.
    private void NoteMatch(Group group, int step)
    {
        if (group.Match(step, grid.Count)) return;
        bool[] all = new bool[grid.Count];
        all[step] = true;
        ThrowDuplicate(all, null);
        throw Fail("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
    }

    private void Put(Output output, Group group, int step, in Element result)
    {
        if (output.Column.Has(step))
        {
            if (!oneToOne && ReferenceEquals(output.MakerAt(step), group))
                throw Fail("multiple matches for labels: grouping labels must ensure unique matches");
            throw Evaluator.SameLabels();
        }
        if (!oneToOne) output.Made(step, group);
        if (result.Histogram is not null) output.Column.Set(step, result.Histogram);
        else output.Column.Values[step] = result.Value;
    }

    private QueryException Fail(string message) =>
        new(QueryErrorKind.Execution, message, SourcePosition.At(run.Query, binary.Span.Start));

    private Output OutputFor(Group group, Column? many, Column? one)
    {
        var labels = lookedAt is null ? ResultLabels(group, many, one) : LabelEditing.Filter(many!.Labels, lookedAt, keep: true);
        bool dropName = binary.ReturnBool && run.Options.DelayedNameRemoval;
        if (!distinct && Find(group, labels) is { } known) return known;
        var column = new Column(labels, dropName || (many?.DropName ?? false), grid.Count, run.Memory, slabs);
        column.Values.Fill(Column.Absent);
        var output = new Output(column, group);
        Enter(group, output);
        return output;
    }

    /// <summary>The result that has the labels already.</summary>
    private Output? Find(Group group, Labels labels)
    {
        if (outputs is null && ReferenceEquals(labels, group.Key)) return group.Output;
        if (outputs is null)
        {
            outputs = new Dictionary<Labels, Output>(LabelsComparer.Instance);
            foreach (var output in order) outputs.Add(output.Column.Labels, output);
        }
        return outputs.GetValueOrDefault(labels);
    }

    private void Enter(Group group, Output output)
    {
        order.Add(output);
        if (distinct) return;
        if (outputs is null) group.Output = output;
        else outputs.Add(output.Column.Labels, output);
    }

    /// <summary>The many side's labels, without those that cannot hold for the result, with what is taken from the one side.</summary>
    private Labels ResultLabels(Group group, Column? many, Column? one)
    {
        Labels labels;
        if (many is null)
        {
            // A filled series has no labels but those that matched.
            labels = matching.On ? LabelEditing.Filter(one!.Labels, labelNames, keep: true) : LabelEditing.WithoutName(LabelEditing.Filter(one!.Labels, labelNames, keep: false));
        }
        else
        {
            var kept = resultKey.Of(many.Labels);
            // One-to-one they are the matching labels, mostly.
            labels = kept.Length == many.Labels.Encoded.Length ? many.Labels
                : kept.SequenceEqual(group.Key.Encoded) ? group.Key
                : Labels.FromEncoded(kept);
        }
        if (matching.Include.Count == 0) return labels;
        // Nothing can be taken from a side that is filled.
        if (one is null) return labels;
        var builder = new LabelsBuilder(labels);
        foreach (string name in matching.Include) builder.Set(name, one.Labels[name]);
        return builder.ToLabels();
    }

    public void Dispose()
    {
        resultKey.Dispose();
        slabs.Dispose();
    }
}
