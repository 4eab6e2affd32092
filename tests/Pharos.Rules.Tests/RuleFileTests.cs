using Pharos.Core;

namespace Pharos.Rules.Tests;

public sealed class RuleFileTests
{
    /// <summary>A group with everything that is awkward to write as YAML.</summary>
    private static readonly RuleGroupDefinition Odd = new()
    {
        Name = "a: b",
        Interval = TimeSpan.FromSeconds(90),
        QueryOffset = TimeSpan.FromSeconds(30),
        Limit = 5,
        Labels = new SortedDictionary<string, string> { ["team"] = "yes" },
        Rules =
        [
            new RuleDefinition
            {
                Alert = "It's \"down\"",
                Expr = "sum(x)\n  /\nsum(y) > 1 # half\n",
                For = TimeSpan.FromMinutes(5),
                KeepFiringFor = TimeSpan.FromHours(25),
                Labels = new SortedDictionary<string, string> { ["n"] = "1", ["null"] = "null", ["empty"] = "", ["tab"] = "a\tb", ["lead"] = " x" },
                Annotations = new SortedDictionary<string, string> { ["summary"] = "{{ $value }}: it's\n\nbad", ["x"] = "line\n" },
            },
            new RuleDefinition { Record = "a:b:c", Expr = "up{job=\"x\"} == 0" },
        ],
    };

    private static List<string> Findings(string yaml, bool legacy = false)
    {
        var findings = new List<Diagnostic>();
        RuleFileReader.Parse(yaml, "r.yml", new RuleFileOptions { Language = new FakeLanguage(), LegacyNames = legacy }, findings);
        return [.. findings.Select(f => f.ToString())];
    }

    [Fact]
    public void All_mistakes_are_found_together_with_their_places()
    {
        var found = Findings("""
            groups:
              - name: one
                intervall: 1m
                interval: 5
                rules:
                  - record: a
                    alert: b
                    expr: is bad
                  - expr: |
                      this
                        is bad
                    alert: x
                    labels: {__name__: y}
                    annotations:
                      note: "ok {{ $nope }}"
              - name: one
                limit: many
                rules:
                  - record: q
                    expr: ""
                    for: 1m
            extra: 1
            """);
        Assert.Equal(
            [
                "r.yml:4:15: interval: duration \"5\" has no unit; write for example \"5s\"",
                "r.yml:7:9: group \"one\", rule 1, \"a\": only one of 'record' and 'alert' must be set",
                "r.yml:8:19: group \"one\", rule 1, \"a\": could not parse expression: unexpected bad",
                "r.yml:10:15: group \"one\", rule 2, \"x\": could not parse expression: unexpected bad",
                "r.yml:13:28: invalid label name: \"__name__\"",
                "r.yml:15:24: annotation \"note\": undefined variable \"$nope\"",
                "r.yml:3:5: field intervall not found in rule group; did you mean \"interval\"?",
                "r.yml:17:12: limit must be a whole number, not \"many\"",
                "r.yml:19:9: group \"one\", rule 1, \"q\": field 'expr' must be set in rule",
                "r.yml:21:9: group \"one\", rule 1, \"q\": invalid field 'for' in recording rule",
                "r.yml:16:5: groupname: \"one\" is repeated in the same file; give each group a name of its own",
                "r.yml:22:1: field extra not found in rule file; known fields: groups",
            ],
            found);
    }

    [Theory]
    [InlineData("groups: [", "r.yml:2:1: not valid YAML")]
    [InlineData("groups: 5", "r.yml:1:9: groups must be a list")]
    [InlineData("- a", "r.yml:1:1: rule file must be a mapping of keys to values")]
    [InlineData("groups: []\n---\ngroups: []\n", "r.yml:2:1: more than one YAML document; keep one")]
    [InlineData("groups: *x", "unknown anchor 'x'")]
    public void Text_that_is_no_rule_file_is_refused(string yaml, string expected) => Assert.Contains(expected, Assert.Single(Findings(yaml)));

    [Fact]
    public void Very_deep_yaml_is_refused() =>
        Assert.Contains("nested more than", Assert.Single(Findings(string.Concat(Enumerable.Repeat("[", 100_000)))));

    [Fact]
    public void Quoted_text_may_go_on_at_the_indentation_of_its_key()
    {
        var group = RuleFileReader.ParseGroup("name: g\nrules:\n  - alert: a\n    expr: x\n    annotations:\n      a: \"one\n      two\\\"\n\n      three\"\n      b: 'it''s\n      so'\n");
        Assert.Equal("one two\"\nthree", group.Rules[0].Annotations["a"]);
        Assert.Equal("it's so", group.Rules[0].Annotations["b"]);
    }

    [Fact]
    public async Task Promtool_accepts_what_is_written()
    {
        string promtool = Places.Program("promtool");
        using var folder = Places.NewFolder();
        string file = Path.Combine(folder, "rules.yml");
        await File.WriteAllTextAsync(file, RuleFileWriter.WriteFile([Odd]), TestContext.Current.CancellationToken);
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(promtool)
        {
            ArgumentList = { "check", "rules", file }, RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains("SUCCESS: 2 rules found", output);
    }

    [Fact]
    public void What_is_written_reads_back_the_same()
    {
        var group = Odd;
        string written = RuleFileWriter.WriteGroup(group);
        var read = RuleFileReader.ParseGroup(written);
        Assert.Equal(written, RuleFileWriter.WriteGroup(read));
        Assert.Equal(group.Rules[0].Expr, read.Rules[0].Expr);
        Assert.Equal(group.Rules[0].Labels, read.Rules[0].Labels);
        Assert.Equal(group.Rules[0].Annotations, read.Rules[0].Annotations);
        Assert.Equal(TimeSpan.FromHours(25), read.Rules[0].KeepFiringFor);
        Assert.Equal("groups:\n    - name: g\n      rules:\n          - record: r\n            expr: vector(1)\n",
            RuleFileWriter.WriteFile([new RuleGroupDefinition { Name = "g", Rules = [new RuleDefinition { Record = "r", Expr = "vector(1)" }] }]));
    }
}
