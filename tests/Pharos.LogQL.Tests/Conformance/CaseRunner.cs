using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Tests.Conformance;

/// <summary>Runs cases; an outcome without a failure has passed.</summary>
internal static class CaseRunner
{
    public sealed record Outcome(string Id, string? Failure);

    public static IEnumerable<Outcome> ParseOk(JsonElement file)
    {
        foreach (var c in file.GetProperty("parse_ok").EnumerateArray())
        {
            yield return Run(Text(c, "id"), () =>
            {
                string kind = Parser.Parse(Text(c, "query")) is MetricExpr ? "metric" : "log";
                return kind == Text(c, "kind") ? null : $"is a {kind} query, expected {Text(c, "kind")}";
            });
        }
    }

    public static IEnumerable<Outcome> Reject(JsonElement file)
    {
        foreach (var c in file.GetProperty("reject").EnumerateArray())
        {
            yield return Run(Text(c, "id"), () =>
            {
                try
                {
                    var expr = Parser.Parse(Text(c, "query"));
                    if (Text(c, "when") == "prepare") Prepare(expr);
                    return $"was accepted, expected: {Text(c, "why")}";
                }
                catch (QueryException)
                {
                    return null;
                }
            });
        }
    }

    public static IEnumerable<Outcome> Pipeline(JsonElement file)
    {
        foreach (var c in file.GetProperty("pipeline").EnumerateArray()) yield return Run(Text(c, "id"), () => Pipe(c));
    }

    private static string? Pipe(JsonElement c)
    {
        var log = (LogExpr)Parser.Parse("{conformance=\"yes\"} " + Text(c, "stage"));
        var pipeline = LinePipeline.Build(log.Stages, NeededLabels.All, TimeProvider.System);
        var stream = Pairs(c.GetProperty("labels"));
        string? error = null;
        if (stream.FindIndex(p => p.Item1 == "__error__") is var at and >= 0)
        {
            error = stream[at].Item2;
            stream.RemoveAt(at);
        }
        var metadata = c.TryGetProperty("metadata", out var m) ? LabelEncoding.ToLabels(Pairs(m)) : Labels.Empty;
        var labels = new LabelState();
        labels.Reset(LabelEncoding.ToLabels(stream), metadata.Encoded);
        if (error is not null) labels.Fail(error, "");
        var line = new LogLine
        {
            Bytes = Encoding.UTF8.GetBytes(Text(c, "line")),
            Labels = labels,
            TimestampNs = c.TryGetProperty("timestamp_ns", out var ns) ? long.Parse(ns.GetString()!) : 0,
        };
        bool kept = pipeline.Process(ref line);
        if (kept != c.GetProperty("kept").GetBoolean()) return $"kept={kept}";
        if (!kept || !c.TryGetProperty("expect_line", out var expected)) return null;
        string after = Encoding.UTF8.GetString(line.Bytes);
        if (after != expected.GetString()) return $"line {after}, expected {expected.GetString()}";
        var all = new List<(string Name, string Value)>();
        labels.CopyTo(all);
        all.RemoveAll(p => p.Name == "__error_details__");
        string got = Show(all), wanted = Show(Pairs(c.GetProperty("expect_labels")));
        return got == wanted ? null : $"labels {got}, expected {wanted}";
    }

    public static Outcome Run(string id, Func<string?> test)
    {
        try
        {
            return new Outcome(id, test());
        }
        catch (Exception e)
        {
            return new Outcome(id, $"{e.GetType().Name}: {e.Message.Split('\n')[0]}");
        }
    }

    public static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static List<(string, string)> Pairs(JsonElement map) => [.. map.EnumerateObject().Select(p => (p.Name, p.Value.GetString()!))];

    public static string Show(IEnumerable<(string Name, string Value)> pairs) =>
        "{" + string.Join(", ", pairs.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}={GoString.Quote(p.Value)}")) + "}";

    private static void Prepare(Expr expr)
    {
        var log = expr switch
        {
            LogExpr l => l,
            RangeAggregation r => r.Range.Log,
            _ => throw new InvalidOperationException("this kind of case is not prepared here"),
        };
        LinePipeline.Build(log.Stages, NeededLabels.All, TimeProvider.System);
    }
}
