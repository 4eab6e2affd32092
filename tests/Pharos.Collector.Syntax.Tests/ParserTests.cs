using Pharos.Core;

namespace Pharos.Collector.Syntax.Tests;

public sealed class ParserTests
{
    [Theory]
    [InlineData("a = ", "(", "1", ")")]
    [InlineData("a = ", "[", "1", "]")]
    [InlineData("a = ", "-", "1", "")]
    [InlineData("a = ", "1 + (", "1", ")")]
    [InlineData("", "b {\n", "", "\n}")]
    [InlineData("a = x", "[0]", "", "")]
    public void Deep_nesting_is_refused_and_exhausts_nothing(string before, string open, string inner, string close)
    {
        string text = before + string.Concat(Enumerable.Repeat(open, 100_000)) + inner + string.Concat(Enumerable.Repeat(close, 100_000)) + "\n";
        Assert.Contains(Parser.ParseFile(new SourceText("", text)).Findings, f => f.Message.EndsWith("nested too deeply", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a = 'x'\n", "1:5: strings are written in double quotes, not single quotes")]
    [InlineData("a = \"\\q\"\n", "1:6: unknown escape sequence")]
    [InlineData("a = \"\\x4\"\n", "1:6: escape sequence needs 2 digits")]
    [InlineData("a = \"\\ud800\"\n", "1:6: escape sequence is invalid Unicode code point")]
    [InlineData("a = 1 # x\n", "1:7: illegal character U+0023 '#'")]
    [InlineData("a = 1\0\n", "1:6: illegal character NUL")]
    [InlineData("a = `x\n", "1:5: raw string literal not terminated")]
    [InlineData("a = 1 /* x\n", "1:7: block comment not terminated")]
    [InlineData("a = 08\n", "1:5: 08 is not a valid number; a leading zero makes a number octal")]
    [InlineData("b { a = 1 c = 2 }\n", "1:11: expected TERMINATOR, got IDENT")]
    [InlineData("é = 1\na-b = 2\n", "2:2: expected block label, got -")]
    public void Mistakes_are_named_at_their_place(string text, string finding) =>
        Assert.Equal(finding, Parser.ParseFile(new SourceText("", text)).Findings.First(f => f.Severity == Severity.Error).ToDiagnostic().ToString());

    [Theory]
    [InlineData("-2 ^ 2", "((-2) ^ 2)")]
    [InlineData("2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))")]
    [InlineData("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)")]
    [InlineData("a || b && c == d", "(a || (b && (c == d)))")]
    [InlineData("!a.b[0](1)", "(!a.b[0](1))")]
    public void Operators_bind_as_the_language_says(string text, string grouped) =>
        Assert.Equal(grouped, Group(Parser.ParseExpression(new SourceText("", text)).Expression));

    [Fact]
    public void A_byte_order_mark_may_only_come_first()
    {
        Assert.Empty(Parser.ParseFile(SourceText.FromUtf8("f", [0xEF, 0xBB, 0xBF, .. "a = 1\n"u8])).Findings);
        Assert.NotEmpty(Parser.ParseFile(new SourceText("f", "a = 1\n\uFEFFb = 2\n")).Findings);
        var bad = Assert.Throws<ConfigurationException>(() => SourceText.FromUtf8("f", [(byte)'a', (byte)'\n', 0xFF]));
        Assert.Equal("f:2:1: the file is not valid UTF-8; save it as UTF-8", bad.Diagnostics.Single().ToString());
    }

    [Fact]
    public void Findings_show_their_place()
    {
        var source = new SourceText("f.alloy", "a {\n\tb = 1\n}\n");
        Assert.Equal(
            "Error: f.alloy:2:2: wrong\n\n1 | a {\n2 |     b = 1\n  |     ^^^^^\n3 | }\n",
            SyntaxDiagnostic.Error(new TextSpan(source, 5, 10), "wrong").Render());
        Assert.Equal(
            "Error: f.alloy:1:1: wrong\n\n1 |   a {\n  |  _^^^\n2 | |     b = 1\n3 | | }\n  | |_^\n4 |   \n",
            SyntaxDiagnostic.Error(new TextSpan(source, 0, 12), "wrong").Render());
    }

    private static string Group(Expression expression) => expression switch
    {
        BinaryExpression b => $"({Group(b.Left)} {b.OperatorSpan} {Group(b.Right)})",
        UnaryExpression u => $"({(u.Operator == UnaryOperator.Not ? "!" : "-")}{Group(u.Operand)})",
        _ => expression.ToString(),
    };
}
