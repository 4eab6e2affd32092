using Pharos.Core;

namespace Pharos.Yaml.Tests;

public sealed class YamlSectionTests
{
    private static string[] Findings(string text, Action<YamlSection>? read = null)
    {
        var reading = new YamlReading(text, "f.yml");
        read?.Invoke(reading.Section("the file"));
        return [.. reading.Findings.Select(f => f.ToString())];
    }

    [Fact]
    public void Each_mistake_has_its_place()
    {
        var findings = Findings("""
            count: x
            flag: maybe
            wait: 5
            size: 5
            share: -1
            texts: [a, {b: c}]
            section: 5
            sections: [{}, ~, 5]
            below: -1
            twice: 1
            twice: 2
            intervall: 1m
            """, s =>
        {
            s.Count("count");
            s.Bool("flag");
            s.DurationOrNull("wait");
            s.Size("size", 0);
            s.Float("share", 0);
            s.Texts("texts");
            s.Section("section");
            s.Sections("sections");
            s.Number("below", 0, 0);
            s.Has("twice");
            s.Has("interval");
            s.Done();
        });
        Assert.Equal(
            [
                "f.yml:11:1: field twice is set twice in the file; keep one of them",
                "f.yml:1:8: count must be a whole number, not \"x\"",
                "f.yml:2:7: flag must be true or false, not \"maybe\"",
                "f.yml:3:7: wait: duration \"5\" has no unit; write for example \"5s\"",
                "f.yml:4:7: size must be a size with a unit, for example 15MB",
                "f.yml:5:8: share must be a number from 0, not \"-1\"",
                "f.yml:6:12: each item of texts must be a text",
                "f.yml:7:10: section must be a mapping of keys to values",
                "f.yml:8:16: empty or null item in sections",
                "f.yml:8:19: each item of sections must be a mapping of keys to values",
                "f.yml:9:8: below must not be negative",
                "f.yml:12:1: field intervall not found in the file; did you mean \"interval\"?",
            ],
            findings);
    }

    [Fact]
    public void A_key_that_is_near_to_none_gets_the_list() =>
        Assert.Equal(["f.yml:1:1: field zzzzzz not found in the file; known fields: a, b"], Findings("zzzzzz: 1", s =>
        {
            s.Has("b");
            s.Has("a");
            s.Done();
        }));

    [Theory]
    [InlineData("a: [", "f.yml:2:1: not valid YAML: ")]
    [InlineData("a: 1\n---\nb: 2", "f.yml:2:1: more than one YAML document; keep one")]
    [InlineData("a: *b", "f.yml:1:4: unknown anchor 'b'")]
    [InlineData("a: !!binary \"%\"", "f.yml:1:4: a !!binary value is not valid base64 of UTF-8 text")]
    public void What_is_no_yaml_is_one_finding_with_its_place(string text, string finding) =>
        Assert.StartsWith(finding, Assert.Single(Findings(text)), StringComparison.Ordinal);

    [Fact]
    public void A_value_of_another_kind_than_a_mapping() => Assert.Equal(["f.yml:1:1: the file must be a mapping of keys to values"], Findings("- a", _ => { }));

    /// <summary>Readers walk nodes recursively: deep text must not take the process down, nor anchors that double at each step.</summary>
    [Fact]
    public void Depth_and_size_are_bounded_with_aliases()
    {
        Assert.Contains("nested more than 60 deep", Findings(new string('[', 100_000))[0], StringComparison.Ordinal);
        string doubling = "a0: &a0 [x, x]\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n"));
        Assert.Contains("more than 2000000 values", Findings(doubling)[0], StringComparison.Ordinal);
        string tall = "a0: &a0 [x]\n" + string.Concat(Enumerable.Range(1, 80).Select(i => $"a{i}: &a{i} [*a{i - 1}]\n"));
        Assert.Contains("nested more than 60 deep", Findings(tall)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Merged_keys_give_way_to_own_ones()
    {
        var section = new YamlReading("base: &b {x: 1, y: 2}\nown:\n  <<: [*b, {z: 4}]\n  x: 3", "").Section("the file").Section("own")!;
        Assert.Equal((3, 2, 4), (section.Count("x"), section.Count("y"), section.Count("z")));
    }

    [Fact]
    public void Null_and_absent_and_quoted_values()
    {
        var section = new YamlReading("a:\nb: ~\nc: \"null\"\nd: !!binary aMOk", "").Section("the file");
        Assert.Equal(("", "", "null", "hä", null), (section.TextOrNull("a"), section.TextOrNull("b"), section.TextOrNull("c"), section.TextOrNull("d"), section.TextOrNull("e")));
        Assert.Equal((null, "null"), (section.Value("b"), section.Value("c")!.Value));
        Assert.True(section.Has("b"));
        Assert.Equal(7, section.Count("a", 7));
    }

    /// <summary>Go's reader takes the further lines of a quoted text at the key's own indentation.</summary>
    [Fact]
    public void Quoted_lines_need_no_indentation_and_secrets_stay_masked()
    {
        var reading = new YamlReading("a:\n- text: \"one\n  two\"\n  key: 'se\n  cret'\n  more: |\n    hidden\n  end: 1", "f.yml");
        var item = Assert.Single(reading.Section("the file").Sections("a"));
        Assert.Equal(("one two", "se cret", "hidden\n"), (item.Text("text"), item.SecretOrNull("key"), item.SecretOrNull("more")));
        Assert.Empty(reading.Findings);
        Assert.DoesNotContain("cret'", reading.Masked(), StringComparison.Ordinal);
        Assert.EndsWith("  key: <secret>\n  more: <secret>\n  end: 1", reading.Masked(), StringComparison.Ordinal);
    }
}
