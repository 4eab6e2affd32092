using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class CaptureTests
{
    private static readonly string[] Atoms =
    [
        "a", "b", "c", "ab", "é", "1", " ", ".", "[ab]", "[^a]", "[a-c1]", "\\d", "\\w", "\\S", "\\s", "^", "$", "\\A", "\\z", "\\n", "(?i)", "(?s)", "(?m)", "(?U)", "\\b", "\\B", "[é-世]",
    ];

    private static readonly string[] Repeats = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{0,2}", "{1,}", "{2,}?", "{1,3}?", "{0,2}?"];
    private static readonly string[] Pieces = ["a", "b", "c", "A", "B", "é", "世", "1", "_", " ", "\n"];

    /// <summary>.NET's backtracking engine prefers what RE2 prefers; they differ where what is repeated may be empty, and in words beyond ASCII.</summary>
    [Fact]
    public void Matches_and_groups_are_those_of_a_backtracking_engine()
    {
        var engineErrs = new HashSet<int>();
        int asked = 0, hits = 0, groups = 0, patterns = 0;
        for (int seed = 1; seed <= 6000; seed++)
        {
            var random = new Random(seed);
            string pattern = Pattern(random, 3);
            if (!LinearRegex.TryCreate(pattern, anchored: false, dotMatchesNewline: false, out var regex, out _)) continue;
            string translated = new Re2Translator(pattern).Translate();
            var node = new RegexNodeParser(translated, groups: true).Parse()!;
            if (RepeatsNothing(node)) continue;
            Assert.True(regex.IsOwn, pattern);
            var engine = new Regex(translated, RegexOptions.CultureInvariant);
            var linear = new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            bool words = pattern.Contains("\\b", StringComparison.OrdinalIgnoreCase);
            patterns++;
            for (int n = 0; n < 20; n++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => Pieces[random.Next(random.Next(2) == 0 ? 3 : Pieces.Length)]));
                // Long runs of what no expression names are skipped; in these the other engine would turn back for ages.
                bool isLong = random.Next(4) == 0;
                for (int runs = isLong ? 3 : 0; runs > 0; runs--) text = text.Insert(random.Next(text.Length + 1), new string('-', random.Next(30)));
                if (words) text = text.Replace('é', 'b').Replace('世', ' ');
                string expected = Described(isLong ? linear : engine, text), actual = Described(regex, text);
                if (expected != actual)
                {
                    // The engines err on a few repeats before places: what the expression means decides.
                    string meant = Described(from => RegexMeaning.Match(node, text, from, regex.GroupNames.Count), text);
                    Assert.True(actual == meant, $"seed {seed}: {pattern} in {text}: {actual}, expected {expected}, meant {meant}");
                    engineErrs.Add(seed);
                    expected = meant;
                }
                Assert.Equal(expected.Length > 0, regex.IsMatch(text));
                Assert.Equal(expected.Split(' ')[0], Described(regex, regex.Match(text)));
                asked++;
                if (expected.Length > 0) hits++;
                if (expected.Contains(';', StringComparison.Ordinal)) groups++;
            }
        }
        Assert.InRange(engineErrs.Count, 0, 30);
        Assert.InRange(patterns, 2000, 6000);
        Assert.InRange(hits, asked / 3, asked);
        Assert.InRange(groups, asked / 10, asked);
    }

    /// <summary>What needs too many states is found as it is with them.</summary>
    [Fact]
    public void Long_texts_are_read_without_states_to_the_same_end()
    {
        int simulated = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            string[] patterns = ["(c|d)([ab]{40})b(a[ab]?)", "(c[ab]{20,25}?)a(?P<x>[ab]{30}(a|b)+?)", "(c(a|ba)[ab]{25})bb|((d)[ab]{30})(?:ba)+"];
            string pattern = patterns[seed % patterns.Length];
            var text = new StringBuilder();
            for (int i = 0; i < 40_000; i++) text.Append(random.Next(60) == 0 ? "cd"[random.Next(2)] : "ab"[random.Next(2)]);
            string input = text.ToString();
            var translated = new Re2Translator(pattern);
            var program = RegexProgram.Of(new RegexNodeParser(translated.Translate(), groups: true).Parse()!)!;
            var scan = BackwardScan.Of(program.Reversed())!;
            scan.Read(input, 0, input.Length);
            Assert.InRange(scan.First, 0, input.Length);
            if (scan.IsSimulated) simulated++;
            string expected = Described(new Regex(translated.Translate(), RegexOptions.CultureInvariant), input);
            Assert.True(expected == Described(LinearRegex.Unanchored(pattern), input), $"seed {seed}: {pattern}");
        }
        Assert.InRange(simulated, 4, 12);
    }

    [Theory]
    [InlineData("(a+)(b+)", "xaabbb", "1-6;1-3;3-6")]
    [InlineData("(a*)(a|b)", "aab", "0-3;0-2;2-3")]
    [InlineData("(a|ab)(c|bcd)(d*)", "abcd", "0-4;0-1;1-4;4-4")]
    [InlineData("(?:(a)|b)*", "ab", "0-2;0-1")]
    [InlineData("(a)|(b)", "b", "0-1;-;0-1")]
    [InlineData("(a){0}b", "ab", "1-2;-")]
    [InlineData("a*(|(b))c*", "aacc", "0-4;2-2;-")]
    [InlineData("(.*).*", "ab", "0-2;0-2")]
    [InlineData("(.*?).*", "ab", "0-2;0-0")]
    [InlineData("(?U)(a+)(a*?)", "aaa", "0-3;0-1;1-3")]
    [InlineData("(|a)*", "aa", "0-0;0-0 1-1;1-1 2-2;2-2")]
    [InlineData("(|a)+", "aa", "0-0;0-0 1-1;1-1 2-2;2-2")]
    [InlineData("(a*)*", "b", "0-0;0-0 1-1;1-1")]
    [InlineData("(a*)+", "aab", "0-2;0-2 3-3;3-3")]
    [InlineData("a*", "baac", "0-0 1-3 4-4")]
    [InlineData("", "a😀b", "0-0 1-1 3-3 4-4")]
    [InlineData("(?m)^(\\w*)$", "ab\n\nc", "0-2;0-2 3-3;3-3 4-5;4-5")]
    [InlineData("\\b(\\w+)\\b", "éa bé", "1-2;1-2 3-4;3-4")]
    public void Matches_are_as_in_go(string pattern, string text, string matches) => Assert.Equal(matches, Described(LinearRegex.Unanchored(pattern), text));

    [Theory]
    [InlineData("a*", "baac", "<$0>", "<>b<aa>c<>")]
    [InlineData("(?P<k>\\w+)=(\\w+)", "a=1 b=2", "$2=${k}", "1=a 2=b")]
    [InlineData("x", "abc", "y", "abc")]
    public void Replaced_as_in_go(string pattern, string text, string template, string expected) =>
        Assert.Equal(expected, LinearRegex.Unanchored(pattern).ReplaceAll(text, template));

    [Theory]
    [InlineData("(?P<x>((a|b| ){1,30}){1,30})!", true)]
    [InlineData("(?P<x>((a|b| ){1,30}){1,30})!", false)]
    [InlineData("(((a|b)*|( ){1,30}){1,300})!", true)]
    [InlineData("^(x+x+)+y|((a|b| )*?a.{60}!)", true)]
    [InlineData("(a*)*(b*)*((a|b|ab| )*)(a).{60}!$", true)]
    [InlineData("(a|aa)*([ab ]*)(a)[ab ]{40}!", false)]
    [InlineData("^(.*?)(b[ab ]{60}(a.?))[ab ]*!", true)]
    [InlineData("(?P<x>([ab]|[^x]{1,30}){1,30})(a|b)[ab ]{60}a[ab ]*!$", true)]
    [InlineData("\\b((?:a|b)+)\\b(.*)!", true)]
    [InlineData("(?:(?:(c)?(d)?){200}(a)| |b)*!", true)]
    [InlineData("(?:(?:\\b(c)?(d)?){200}(a)|\\B| |b)*!", true)]
    public void A_hostile_expression_takes_groups_out_of_a_long_text_in_little_time(string pattern, bool matches)
    {
        var random = new Random(11);
        var text = new char[1 << 20];
        for (int i = 0; i < text.Length; i++) text[i] = "abab "[random.Next(5)];
        if (matches) (text[^61], text[^62], text[^1]) = ('a', 'a', '!');
        var regex = LinearRegex.Unanchored(pattern);
        var clock = Stopwatch.StartNew();
        var match = regex.Match(new string(text));
        Assert.Equal(matches, match.Success);
        if (matches) Assert.Equal(text.Length, match.Index + match.Length);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }

    /// <summary>Each search from a match on reads the rest of the text in other engines.</summary>
    [Fact]
    public void All_matches_are_found_in_one_reading()
    {
        var clock = Stopwatch.StartNew();
        Assert.Equal(1 << 19, LinearRegex.Unanchored("(a.*x)|(a)").Matches(new string('a', 1 << 19)).Count());
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }

    [Fact]
    public void Many_threads_take_groups_at_once()
    {
        var regex = LinearRegex.Anchored("(?P<word>[a-z]+)-(\\d+)(?:-(\\d+))?");
        Parallel.For(0, 5000, i =>
        {
            var match = regex.Match($"abc-{i}-7");
            Assert.Equal($"abc {i} 7", $"{match[1].Value} {match[2].Value} {match[3].Value}");
            Assert.False(regex.Match($"abc{i}").Success);
        });
    }

    private static string Described(LinearRegex regex, string text) => string.Join(' ', regex.Matches(text).Select(m => Described(regex, m)));

    private static string Described(LinearRegex regex, RegexMatch match) => !match.Success ? "" : string.Join(
        ';', Enumerable.Range(0, regex.GroupNames.Count).Select(g => match[g].Success ? $"{match[g].Index}-{match[g].Index + match[g].Length}" : "-"));

    private static string Described(Regex engine, string text) => Described(
        from => engine.Match(text, from) is { Success: true } match
            ? [.. match.Groups.Cast<Group>().OrderBy(g => int.Parse(g.Name)).Select(g => g.Success ? (g.Index, g.Index + g.Length) : (-1, -1))]
            : null,
        text);

    /// <summary>As Go finds all: no empty match right behind another match.</summary>
    private static string Described(Func<int, (int Begin, int End)[]?> find, string text)
    {
        var found = new List<string>();
        int before = -1;
        for (int at = 0; at <= text.Length && find(at) is { } match;)
        {
            var (begin, end) = match[0];
            if (end > begin || begin != before) found.Add(string.Join(';', match.Select(g => g.Begin >= 0 ? $"{g.Begin}-{g.End}" : "-")));
            before = end;
            at = Math.Max(end, at + 1);
        }
        return string.Join(' ', found);
    }

    private static bool RepeatsNothing(RegexNode node) => node switch
    {
        RegexNode.Group group => RepeatsNothing(group.Item),
        RegexNode.Sequence sequence => sequence.Items.Exists(RepeatsNothing),
        RegexNode.Choice choice => choice.Items.Exists(RepeatsNothing),
        RegexNode.Repeat repeat => repeat.Item.IsNullable || RepeatsNothing(repeat.Item),
        _ => false,
    };

    private static string Pattern(Random random, int depth)
    {
        var text = new StringBuilder();
        for (int n = random.Next(1, 5); n > 0; n--)
        {
            text.Append(depth > 0 && random.Next(3) == 0 ? $"({(random.Next(3) == 0 ? "?:" : "")}{Pattern(random, depth - 1)})" : Atoms[random.Next(Atoms.Length)]);
            if (random.Next(3) == 0) text.Append(Repeats[random.Next(Repeats.Length)]);
            if (random.Next(7) == 0) text.Append('|');
        }
        return text.ToString();
    }
}
