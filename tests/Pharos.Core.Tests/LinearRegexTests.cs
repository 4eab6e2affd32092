using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class LinearRegexTests
{
    [Theory]
    [InlineData("a.*", "abc", true)]
    [InlineData("a.*", "xabc", false)]
    [InlineData("a.c", "a\nc", true)]
    [InlineData("(?i)ABC", "abc", true)]
    [InlineData(@"\d+", "٣", false)]
    [InlineData(@"[[:alpha:]]+\Q.*\E", "ab.*", true)]
    [InlineData(@"foo$", "foo\n", false)]
    [InlineData("[^a-c]+", "xyz", true)]
    [InlineData("", "", true)]
    [InlineData("a{2,3}", "aaa", true)]
    [InlineData("a{,3}", "a{,3}", true)]
    public void Anchored_expressions_match_as_in_re2(string pattern, string input, bool matches) =>
        Assert.Equal(matches, LinearRegex.Anchored(pattern).IsMatch(input));

    [Theory]
    [InlineData("abc.*", "abc")]
    [InlineData("abc*", "ab")]
    [InlineData("abc?d", "ab")]
    [InlineData("abc{0,2}", "ab")]
    [InlineData("abc+", "abc")]
    [InlineData("10.0", "10")]
    [InlineData("ab|cd", "")]
    [InlineData("(?i)abc", "")]
    [InlineData("\U0001F600*", "")]
    [InlineData("", "")]
    public void What_a_match_begins_with_is_known(string pattern, string prefix) => Assert.Equal(prefix, LinearRegex.LiteralPrefix(pattern));

    [Fact]
    public void What_needs_no_automaton_matches_as_it_would()
    {
        var random = new Random(17);
        string[] parts = ["a", "b", "é", "1", ".", ".*", ".+", "a?", "(a|b)", "(?:ab|c)?", "[ab]", "[0-9]", "[^a]", "[a-z0-9]", "|", "\\.", ".*?", "😀", "-", "^", "$", "(b.*|1)", ".?"];
        string[] characters = ["a", "b", "c", "é", "1", ".", "\n", "-"];
        int plain = 0;
        for (int i = 0; i < 4000; i++)
        {
            string pattern = string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => parts[random.Next(parts.Length)]));
            if (RegexShape.Of(pattern) is not { } shape) continue;
            plain++;
            var automaton = LinearRegex.Anchored(pattern);
            for (int v = 0; v < 40; v++)
            {
                string value = string.Concat(Enumerable.Range(0, random.Next(0, 8)).Select(_ => characters[random.Next(characters.Length)]));
                bool matches = shape.Matches(System.Text.Encoding.UTF8.GetBytes(value));
                Assert.True(automaton.IsMatch(value) == matches, $"{pattern} on {value}");
                Assert.True(shape.Literals is null || shape.Literals.Contains(value) == matches, $"{pattern} on {value}");
                Assert.True(!matches || System.Text.Encoding.UTF8.GetBytes(value).AsSpan().StartsWith(shape.PrefixUtf8), $"{pattern} on {value}");
            }
        }
        Assert.True(plain > 2000, $"only {plain} patterns needed no automaton");
    }

    [Theory]
    [InlineData("service-[12]", "service-1,service-2")]
    [InlineData("(a|b)c?", "a,ac,b,bc")]
    [InlineData(@"10\.0\.0\.1", "10.0.0.1")]
    [InlineData("a.c", null)]
    [InlineData("a+", null)]
    [InlineData("(?i)a", null)]
    public void Values_that_are_few_are_known(string pattern, string? values) =>
        Assert.Equal(values, new Matcher(MatchOp.Regex, "l", pattern).Alternatives is { } known ? string.Join(',', known.Order(StringComparer.Ordinal)) : null);

    [Theory]
    [InlineData("[z-a]")]
    [InlineData("a**")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("[a")]
    public void What_is_wrong_is_an_error_without_an_automaton_too(string pattern) =>
        Assert.ThrowsAny<FormatException>(() => new Matcher(MatchOp.Regex, "l", pattern));

    [Fact]
    public void Bytes_match_as_texts_do()
    {
        var random = new Random(9);
        string[] parts = ["a", "b", "é", "1", ".", ".*", "b+", "a?", "c*", "[ab]", "(a|b)", "x{0,1}", "|", "\\."];
        string[] values = ["", "a", "ab", "abb", "b1", "é", "aé1", "a.b", "cab", new string('a', 600)];
        for (int i = 0; i < 2000; i++)
        {
            string pattern = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => parts[random.Next(parts.Length)]));
            if (!LinearRegex.TryCreate(pattern, anchored: true, dotMatchesNewline: true, out _, out _)) continue;
            var matcher = new Matcher(random.Next(2) == 0 ? MatchOp.Regex : MatchOp.NotRegex, "l", pattern);
            foreach (string value in values)
                Assert.True(matcher.Matches(value) == matcher.Matches(System.Text.Encoding.UTF8.GetBytes(value)), $"{matcher} on {value}");
        }
    }

    [Theory]
    [InlineData("(?=a)")]
    [InlineData("(a)\\1")]
    [InlineData("a**")]
    [InlineData("*a")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("[a")]
    [InlineData("\\C")]
    [InlineData("a{1001}")]
    [InlineData("(?P<n>a)(?P<n>b)")]
    public void What_re2_lacks_is_refused(string pattern)
    {
        Assert.False(LinearRegex.TryCreate(pattern, false, false, out _, out string? error));
        Assert.StartsWith("error parsing regexp", error);
    }

    [Fact]
    public void Groups_are_numbered_in_order_and_expanded_as_in_go()
    {
        var regex = LinearRegex.Anchored("(a)(?P<word>b+)(c)");
        var match = regex.Match("abbc");
        Assert.Equal("c-bb-a-$-", regex.Expand("$3-${word}-$1-$$-$9", match));
        Assert.Equal("", regex.Expand("$1x", match));
    }

    [Fact]
    public void A_hostile_pattern_takes_linear_time()
    {
        var regex = LinearRegex.Anchored("(x+x+)+y");
        Assert.False(regex.IsMatch(new string('x', 50_000)));
    }
}
