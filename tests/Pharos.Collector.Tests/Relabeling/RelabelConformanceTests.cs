using System.Text.Json;
using Pharos.Collector.Relabeling;
using Pharos.Core;

namespace Pharos.Collector.Tests.Relabeling;

[Trait("Category", "Conformance")]
public sealed class RelabelConformanceTests
{
    [Fact]
    public void Every_case_agrees()
    {
        using var cases = Load();
        var run = new ConformanceRun("relabel");
        int found = 0;
        foreach (var one in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            found++;
            run.Case(one.GetProperty("id").GetString()!, () => Check(one, one.GetProperty("kept").GetBoolean()));
        }
        Assert.Equal(30, found);
        run.Verify(found);
    }

    [Fact]
    public void A_wrong_expectation_is_caught()
    {
        using var cases = Load();
        var first = cases.RootElement.GetProperty("cases")[1];
        var run = new ConformanceRun("relabel");
        run.Case("wrong", () => Check(first, !first.GetProperty("kept").GetBoolean()));
        Assert.Single(run.Faults(1));
    }

    private static JsonDocument Load() => JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Conformance("prometheus-config"), "relabel-cases.json")));

    private static string? Check(JsonElement one, bool kept)
    {
        var rules = new List<RelabelRule>();
        foreach (var rule in one.GetProperty("rules").EnumerateArray())
        {
            var options = new RelabelRuleOptions
            {
                SourceLabels = rule.TryGetProperty("source_labels", out var sources) ? [.. sources.EnumerateArray().Select(s => s.GetString()!)] : null,
                Separator = Text(rule, "separator"),
                Regex = Text(rule, "regex"),
                TargetLabel = Text(rule, "target_label"),
                Replacement = Text(rule, "replacement"),
                Modulus = rule.TryGetProperty("modulus", out var modulus) ? modulus.GetUInt64() : null,
                Action = Text(rule, "action"),
            };
            if (!RelabelRule.TryCreate(options, out var made, out string? error)) return $"the rule is refused: {error}";
            rules.Add(made);
        }
        var after = RelabelRule.Apply(rules, LabelsOf(one.GetProperty("labels")));
        if (after is null) return kept ? "was dropped" : null;
        if (!kept) return $"was kept as {after}";
        if (!one.TryGetProperty("expect", out var wanted)) return "the case does not say what is expected";
        var expected = LabelsOf(wanted);
        return after.Equals(expected) ? null : $"expected {expected}, came {after}";
    }

    private static string? Text(JsonElement rule, string name) => rule.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static Labels LabelsOf(JsonElement labels) =>
        Labels.Of(labels.EnumerateObject().Select(l => KeyValuePair.Create(l.Name, l.Value.GetString()!)));
}
