using Pharos.Core;

namespace Pharos.PromQL.Tests.Syntax;

public sealed class ParserErrorTests
{
    [Theory]
    [InlineData("rat(up[5m])", "1:1: parse error: unknown function with name \"rat\"; did you mean \"rate\"?")]
    [InlineData("sum by (job)\n(histogram_quantle(0.9, x))", "2:2: parse error: unknown function with name \"histogram_quantle\"; did you mean \"histogram_quantile\"?")]
    [InlineData("qqq()", "1:1: parse error: unknown function with name \"qqq\"")]
    [InlineData("", "1:1: parse error: no expression found in input")]
    [InlineData("1 +", "1:4: parse error: unexpected end of input, expected an expression")]
    [InlineData("sum(x", "1:6: parse error: unclosed left parenthesis opened at 1:4: unexpected end of input, expected \",\" or \")\"")]
    [InlineData("x{a=b}", "1:5: parse error: unexpected identifier \"b\" in label matching, expected string")]
    [InlineData("x{a!\"b\"}", "1:4: parse error: unexpected character: '!'")]
    [InlineData("x{a=\"b\" c=\"d\"}", "1:9: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\"")]
    [InlineData("x{a=~\"(\"}", "1:6: parse error: error parsing regexp: missing closing ): `(`")]
    [InlineData("rate(x)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector")]
    [InlineData("x[5x]", "1:3: parse error: bad number or duration syntax: \"5x\"; units are y w d h m s ms, in this order, each at most once")]
    [InlineData("x offset", "1:9: parse error: unexpected end of input in offset, expected number, duration, step(), or range()")]
    [InlineData("a and bool b", "1:1: parse error: bool modifier can only be used on comparison operators")]
    [InlineData("a + on(x) group_left(x) b", "1:11: parse error: label \"x\" must not occur in ON and GROUP clause at once")]
    [InlineData("\"abc", "1:1: parse error: unterminated quoted string")]
    [InlineData("foo bar", "1:5: parse error: unexpected identifier \"bar\", expected an operator or end of input")]
    [InlineData("topk(1)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1 in call to \"topk\"")]
    public void Errors_say_place_finding_and_expectation(string query, string message)
    {
        var e = Assert.Throws<QueryException>(() => PromQlLanguage.Parse(query));
        Assert.Equal(QueryErrorKind.BadData, e.Kind);
        Assert.Equal(message, e.Message);
        Assert.Equal(message.Split(": ")[0], e.Position.ToString());
    }

    [Theory]
    [InlineData("sum by (job)\n(histogram_quantle(0.9, x))", "  (histogram_quantle(0.9, x))\n   ^")]
    [InlineData("1 +", "  1 +\n     ^")]
    public void A_caret_points_at_the_place(string query, string pointed)
    {
        var e = Assert.Throws<QueryException>(() => PromQlLanguage.Parse(query));
        Assert.Equal(pointed, PromQlLanguage.Point(query, e.Position));
        string far = new string('a', 500) + "{";
        Assert.InRange(PromQlLanguage.Point(far, new SourcePosition("", 1, 501)).Length, 60, 300);
        Assert.Equal("", PromQlLanguage.Point(query, default));
    }

    [Fact]
    public void Findings_carry_place_and_text_apart()
    {
        var finding = Assert.Single(PromQlLanguage.Check("up ==="));
        Assert.Equal(new SourcePosition("", 1, 6), finding.Position);
        Assert.StartsWith("parse error: unexpected", finding.Message, StringComparison.Ordinal);
        Assert.Empty(PromQlLanguage.Check("up == 1"));
    }

    [Fact]
    public void Depth_and_length_are_bounded()
    {
        Assert.Contains("levels deep", Refused(new string('(', 100_000)), StringComparison.Ordinal);
        Assert.Contains("levels deep", Refused(new string('-', 100_000) + "1"), StringComparison.Ordinal);
        Assert.Contains("binary operators", Refused(string.Join("+", Enumerable.Repeat("1", 100_000))), StringComparison.Ordinal);
        Assert.Contains("levels deep", Refused($"x[{new string('(', 100_000)}"), StringComparison.Ordinal);
        Assert.Contains("at most", Refused(new string('a', PromQlLanguage.QueryLengthMax + 1)), StringComparison.Ordinal);

        static string Refused(string query) => Assert.Throws<QueryException>(() => PromQlLanguage.Parse(query)).Message;
    }

    [Fact]
    public void Any_bytes_give_a_tree_or_an_error_with_a_place()
    {
        var random = new Random(7);
        const string alphabet = "abx_05.9em:{}[]()\"'`\\,=!~<>/+-*%^@# \n\u00e9\ud83d\ude00 sum by(rate offset bool on group_left and 5m";
        for (int i = 0; i < 20_000; i++)
        {
            string query = new([.. Enumerable.Range(0, random.Next(30)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            try
            {
                PromQlLanguage.Parse(query);
            }
            catch (QueryException e)
            {
                Assert.True(e.Position.Line > 0, $"{query}: {e.Message}");
            }
        }
    }
}
