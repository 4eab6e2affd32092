using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Writes queries in Loki's standard layout: on one line where that fits into 100 characters, else nested by two spaces.</summary>
internal static class Formatter
{
    private const int LineCharsMax = 100;

    public static string Format(Expr expr) => Pretty(expr, 0);

    private static string Pretty(Expr expr, int level)
    {
        string pad = new(' ', level * 2);
        string line = Line(expr);
        if (pad.Length + line.Length <= LineCharsMax) return pad + line;
        switch (expr)
        {
            case LogExpr log:
                return pad + Selector(log.Matchers) + Stages(log.Stages, level);
            case RangeAggregation range:
                string parameter = range.Parameter is { } phi ? $"{pad}  {Numbers.Show(phi)},\n" : "";
                string body = $"{pad}  {Selector(range.Range.Log.Matchers)}{Stages(range.Range.Log.Stages, level + 1)}{UnwrapLines(range.Range.Unwrap, level + 1)} {Range(range.Range)}";
                return $"{pad}{range.Op}(\n{parameter}{body}\n{pad}){GroupingText(range.Grouping, leading: true)}";
            case VectorAggregation vector:
                string k = vector.Parameter is { } count ? $"{pad}  {Numbers.Show(count)},\n" : "";
                return $"{pad}{vector.Op}{GroupingText(vector.Grouping, leading: true)}(\n{k}{Pretty(vector.Inner, level + 1)}\n{pad})";
            case LabelReplaceExpr replace:
                var words = new[] { replace.Destination, replace.Replacement, replace.Source, replace.Pattern }.Select(w => $"{pad}  {GoString.Quote(w)}");
                return $"{pad}label_replace(\n{Pretty(replace.Inner, level + 1)},\n{string.Join(",\n", words)}\n{pad})";
            case BinaryExpr binary:
                return $"{Pretty(binary.Left, level + 1)}\n{pad}{Operator(binary)}\n{Pretty(binary.Right, level + 1)}";
            default:
                return pad + line;
        }
    }

    private static string Line(Expr expr) => expr switch
    {
        LogExpr log => Selector(log.Matchers) + string.Concat(log.Stages.Select(s => " " + Stage(s))),
        LiteralExpr literal => Numbers.Show(literal.Value),
        VectorExpr vector => $"vector({vector.Value:F6})",
        RangeAggregation range => $"{range.Op}({(range.Parameter is { } p ? Numbers.Show(p) + "," : "")}{RangeLine(range.Range)}){GroupingText(range.Grouping, leading: true)}",
        VectorAggregation vector =>
            $"{vector.Op}{GroupingText(vector.Grouping, leading: true)}({(vector.Parameter is { } k ? Numbers.Show(k) + "," : "")}{Line(vector.Inner)})",
        LabelReplaceExpr replace =>
            $"label_replace({Line(replace.Inner)},{GoString.Quote(replace.Destination)},{GoString.Quote(replace.Replacement)},{GoString.Quote(replace.Source)},{GoString.Quote(replace.Pattern)})",
        BinaryExpr binary => $"({Line(binary.Left)} {Operator(binary)} {Line(binary.Right)})",
        _ => throw new ArgumentException($"expression {expr.GetType().Name} is unknown", nameof(expr)),
    };

    private static string RangeLine(RangeExpr range)
    {
        var text = new StringBuilder(Selector(range.Log.Matchers));
        foreach (var stage in range.Log.Stages) text.Append(' ').Append(Stage(stage));
        text.Append(UnwrapText(range.Unwrap, " "));
        return text.Append(Range(range)).ToString();
    }

    private static string Range(RangeExpr range)
    {
        string offset = range.OffsetNs == 0 ? "" : $" offset {(range.OffsetNs < 0 ? "-" : "")}{Duration(Math.Abs(range.OffsetNs))}";
        return $"[{Duration(range.RangeNs)}]{offset}";
    }

    private static string Duration(long ns) => PromDuration.FormatMs(ns / 1_000_000);

    private static string UnwrapText(UnwrapSyntax? unwrap, string separator)
    {
        if (unwrap is null) return "";
        var text = new StringBuilder(separator).Append("| unwrap ");
        text.Append(unwrap.Conversion.Length > 0 ? $"{unwrap.Conversion}({unwrap.Label})" : unwrap.Label);
        foreach (var filter in unwrap.Filters) text.Append(separator).Append("| ").Append(Filter(filter));
        return text.ToString();
    }

    private static string UnwrapLines(UnwrapSyntax? unwrap, int level) => UnwrapText(unwrap, "\n" + new string(' ', (level * 2) + 2));

    private static string Stages(IReadOnlyList<StageSyntax> stages, int level) =>
        string.Concat(stages.Select(s => "\n" + new string(' ', (level * 2) + 2) + Stage(s)));

    private static string GroupingText(Grouping? grouping, bool leading)
    {
        if (grouping is null) return "";
        return $"{(leading ? " " : "")}{(grouping.Without ? "without" : "by")} ({string.Join(",", grouping.Labels)}) ".TrimEnd() + (leading ? " " : "");
    }

    private static string Operator(BinaryExpr binary)
    {
        var text = new StringBuilder(binary.Op);
        if (binary.ReturnBool) text.Append(" bool");
        if (binary.Matching is not { } matching) return text.ToString();
        text.Append(matching.On ? " on" : " ignoring").Append(" (").AppendJoin(",", matching.Labels).Append(')');
        if (matching.Cardinality != MatchCardinality.OneToOne)
        {
            text.Append(matching.Cardinality == MatchCardinality.ManyToOne ? " group_left" : " group_right");
            if (matching.Include.Count > 0) text.Append(" (").AppendJoin(",", matching.Include).Append(')');
        }
        return text.ToString();
    }

    private static string Selector(IEnumerable<Matcher> matchers) =>
        $"{{{string.Join(", ", matchers.Select(Match))}}}";

    private static string Match(Matcher matcher) => $"{matcher.Name}{Matcher.Symbol(matcher.Op)}{GoString.Quote(matcher.Value)}";

    private static string Stage(StageSyntax stage) => stage switch
    {
        LineFilterSyntax filter => $"{Symbol(filter.Op)} {string.Join(" or ", filter.Terms.Select(t => t.IsIp ? $"ip({GoString.Quote(t.Text)})" : GoString.Quote(t.Text)))}",
        JsonSyntax json => Words("| json", Extractions(json.Extractions)),
        LogfmtSyntax logfmt => Words("| logfmt", logfmt.Strict ? "--strict" : "", logfmt.KeepEmpty ? "--keep-empty" : "", Extractions(logfmt.Extractions)),
        RegexpSyntax regexp => $"| regexp {GoString.Quote(regexp.Pattern)}",
        PatternSyntax pattern => $"| pattern {GoString.Quote(pattern.Text)}",
        UnpackSyntax => "| unpack",
        LabelFilterStage filter => $"| {Filter(filter.Filter)}",
        LineFormatSyntax format => $"| line_format {GoString.Quote(format.Template)}",
        LabelFormatSyntax format => $"| label_format {string.Join(",", format.Assignments.Select(a => $"{a.Name}={(a.Rename ? a.Value : GoString.Quote(a.Value))}"))}",
        DecolorizeSyntax => "| decolorize",
        DropKeepSyntax labels => $"| {(labels.Keep ? "keep" : "drop")} {string.Join(", ", labels.Labels.Select(l => l.Matcher is null ? l.Name : Match(l.Matcher)))}",
        _ => throw new ArgumentException($"stage {stage.GetType().Name} is unknown", nameof(stage)),
    };

    private static string Words(params string[] words) => string.Join(' ', words.Where(w => w.Length > 0));

    private static string Extractions(IReadOnlyList<Extraction> extractions) =>
        string.Join(",", extractions.Select(e => e.Short ? e.Label : $"{e.Label}={GoString.Quote(e.Expression)}"));

    private static string Filter(LabelFilterSyntax filter) => filter switch
    {
        StringFilter text => Match(text.Matcher),
        IpFilter ip => $"{ip.Label}{(ip.Negated ? "!=" : "=")}ip({GoString.Quote(ip.Pattern)})",
        QuantityFilter quantity => $"{quantity.Label}{quantity.Op}{quantity.Text}",
        LogicFilter logic => $"( {Filter(logic.Left)} {(logic.And ? "," : "or")} {Filter(logic.Right)} )",
        _ => throw new ArgumentException($"filter {filter.GetType().Name} is unknown", nameof(filter)),
    };

    private static string Symbol(LineFilterOp op) => op switch
    {
        LineFilterOp.Contains => "|=",
        LineFilterOp.NotContains => "!=",
        LineFilterOp.Matches => "|~",
        LineFilterOp.NotMatches => "!~",
        LineFilterOp.Pattern => "|>",
        _ => "!>",
    };
}
