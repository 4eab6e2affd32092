using System.Text;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Tests;

public sealed class SyntaxTests
{
    private static readonly string[] Corpus =
    [
        """{app="a", b!="c", d=~"e.+", f!~"g|h"} |= "x" or ip("10.0.0.0/8") != "y" |~ "z+" !~ "w" |> "<_> p" !> "q" """,
        """{app="a"} | json a="b.c[0]", d | logfmt --strict --keep-empty e, f="g" | regexp "(?P<n>x)" | pattern "<a> <_>" | unpack""",
        """{app="a"} | a>=5ms and (b<2.5KiB or c=="0x") , d!=-3 e="f" | line_format "{{.x}}" | label_format a=b,c="{{.d}}" | decolorize | drop a,b="c" | keep d""",
        """sum by (a,b) (rate({app="a"} | logfmt | unwrap duration(x) | y="z" [5m] offset -1h)) / ignoring (c) group_left (d) topk(3, count_over_time({app="a"}[1d]))""",
        """quantile_over_time(0.99, {app="a"} | unwrap v [1h]) by (x) > bool 1 or vector(2) unless on () avg without (y) (bytes_rate({app="b"}[30s]))""",
        """label_replace(absent_over_time({app="a"}[5m]), "x", "$1", "app", "(.*)") ^ 2 ^ 3 % -1.5e3""",
    ];

    [Fact]
    public void Formatting_a_formatted_query_changes_nothing()
    {
        foreach (string query in Corpus)
        {
            if (query.Contains("c==\"0x\"", StringComparison.Ordinal)) continue;
            string once = LogQl.Format(query);
            Assert.Equal(once, LogQl.Format(once));
        }
        Assert.Equal(
            """
            sum by (cluster,namespace) (
              count_over_time(
                {namespace="prod", container="a-container-with-a-long-name"}
                  |= "something that is quite long"
                  | json
                  | status>=500 [5m]
              )
            )
            """.ReplaceLineEndings("\n"),
            LogQl.Format("""sum by (cluster,namespace)(count_over_time({namespace="prod",container="a-container-with-a-long-name"} |= "something that is quite long" | json | status>=500 [5m]))"""));
    }

    [Fact]
    public void Any_text_is_either_parsed_or_refused()
    {
        int parsed = 0;
        for (int seed = 1; seed <= 20_000; seed++)
        {
            var random = new Random(seed);
            var text = new StringBuilder(Corpus[random.Next(Corpus.Length)]);
            for (int i = random.Next(4); i >= 0 && text.Length > 2; i--)
            {
                int at = random.Next(text.Length - 1), length = random.Next(1, Math.Min(12, text.Length - at));
                switch (random.Next(4))
                {
                    case 0: text.Remove(at, length); break;
                    case 1: text.Insert(at, Corpus[random.Next(Corpus.Length)].AsSpan(random.Next(20), random.Next(20))); break;
                    case 2: text[at] = (char)random.Next(1, 400); break;
                    default: text.Insert(at, text.ToString(at, length)); break;
                }
            }
            string query = text.ToString();
            try
            {
                string once = LogQl.Format(query);
                parsed++;
                Assert.True(once == LogQl.Format(once), $"seed {seed}: {query}");
            }
            catch (QueryException)
            {
                // Refused: what most broken queries deserve.
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {query}: {e}");
            }
        }
        Assert.True(parsed > 500, $"{parsed} of the mutated queries parsed");
    }

    [Fact]
    public void Deep_nesting_and_long_texts_are_refused()
    {
        Assert.Contains("nested too deeply", Assert.Throws<QueryException>(() => LogQl.Format(new string('(', 100_000))).Message);
        Assert.Contains("input size too long", Assert.Throws<QueryException>(() => LogQl.Format(new string(' ', 200_000))).Message);
        Assert.ThrowsAny<QueryException>(() => LogQl.Format("{a=\"b\"} | " + new string('(', 100_000)));
        Assert.ThrowsAny<QueryException>(() => LogQl.Format("rate(" + new string('(', 100_000)));
    }

    [Theory]
    [InlineData("http(s?)://[^ ]+:[^ ]+@", "http ://")]
    [InlineData("error.*timeout", "timeout error")]
    [InlineData("ab+cd?ef", "ab ef")]
    [InlineData("foo|bar", "")]
    [InlineData("foo(bar|baz)qux", "foo qux")]
    [InlineData("(?i)error", "")]
    [InlineData("foo(?i)bar", "")]
    [InlineData(@"a\.bc\d+xyz", "a.bc xyz")]
    [InlineData(@"ab\x41cd|ef", "")]
    [InlineData(@"ab\x41cd", "ab")]
    [InlineData("ab{2}cd", "cd")]
    [InlineData("[[:alpha:]]xy[]a]zz", "xy zz")]
    public void Literals_of_an_expression_are_those_that_every_match_holds(string pattern, string literals) =>
        Assert.Equal(literals, string.Join(' ', RegexLiterals.Required(pattern)));

    [Fact]
    public void Required_literals_are_in_every_line_that_matches()
    {
        string[] pieces = ["a", "b", "ab", "c+", "d*", "e?", "(f|g)", "[hi]", ".", "xy", @"\.", @"\d", "(?:jk)", "{2}", "|", "^", "$", "(", ")", @"\x41", "(?i)", "z{1,2}"];
        for (int seed = 1; seed <= 20_000; seed++)
        {
            var random = new Random(seed);
            string pattern = string.Concat(Enumerable.Range(0, random.Next(1, 7)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (!LinearRegex.TryCreate(pattern, anchored: false, dotMatchesNewline: false, out var regex, out _)) continue;
            var literals = RegexLiterals.Required(pattern);
            for (int i = 0; i < 5 && literals.Count > 0; i++)
            {
                string line = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => "abcdefghijkxyz.A1"[random.Next(17)]));
                if (!regex.IsMatch(line)) continue;
                Assert.True(literals.All(l => line.Contains(l, StringComparison.Ordinal)), $"seed {seed}: {pattern} matches {line} without {string.Join(' ', literals)}");
            }
        }
    }

    [Fact]
    public void Parsers_take_any_line()
    {
        var stages = ((LogExpr)Parser.Parse("""{a="b"} | json | json x="a.b[0]" | logfmt --strict | logfmt | pattern "<p> <_>x<q>" | regexp "(?P<r>\\w+)" | unpack | decolorize | label_format l="{{.x}}{{.p | trunc 3}}" | line_format "{{.l}}" | c > 5 or d = ip("1.2.3.4")""")).Stages;
        string[] seeds = ["""{"a":{"b":[1,"x\u00e9",null]},"c":7,"_entry":"e=f"}""", "a=b c=\"d \\\" e\" f==g =h i", "\u001b[31mred\u001b]0;t\u0007", "1.2.3.4 ::1 [x] 10.0.0."];
        for (int seed = 1; seed <= 5000; seed++)
        {
            var random = new Random(seed);
            byte[] line = Encoding.UTF8.GetBytes(seeds[random.Next(seeds.Length)]);
            for (int i = random.Next(5); i > 0; i--) line[random.Next(line.Length)] = (byte)random.Next(256);
            var pipeline = LinePipeline.Build([stages[random.Next(stages.Count)], stages[random.Next(stages.Count)]], NeededLabels.All, TimeProvider.System);
            var labels = new LabelState();
            labels.Reset(Labels.Of(("a", "b")), []);
            var current = new LogLine { Bytes = line.AsSpan(0, random.Next(line.Length + 1)), Labels = labels };
            try
            {
                pipeline.Process(ref current);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {Encoding.Latin1.GetString(line)}: {e}");
            }
        }
    }
}
