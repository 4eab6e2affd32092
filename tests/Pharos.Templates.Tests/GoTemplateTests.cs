using Pharos.Core;
using Pharos.Templates.Formatting;

namespace Pharos.Templates.Tests;

public sealed class GoTemplateTests
{
    private static string Render(string text, object? data = null, TemplateOptions? options = null, TemplateFunctions? functions = null) =>
        GoTemplate.Parse("t", text, functions ?? TemplateFunctions.None, options).Execute(data);

    [Theory]
    [InlineData("{{range $i, $x := .}}{{if eq $i 1}}{{continue}}{{end}}{{$x}}{{end}}", "ac")]
    [InlineData("{{range .}}{{.}}{{else}}none{{end}}", "abc")]
    [InlineData("{{range 3}}{{.}}{{end}}", "012")]
    [InlineData("{{$n := 0}}{{range .}}{{$n = len .}}{{end}}{{$n}}", "1")]
    [InlineData("{{with index . 0}}{{.}}{{else}}x{{end}}", "a")]
    [InlineData("{{with \"\"}}{{.}}{{else with \"y\"}}{{.}}{{end}}", "y")]
    [InlineData("a {{- /* gone */ -}} b", "ab")]
    [InlineData("{{define \"T\"}}[{{.}}]{{end}}{{template \"T\" 1}}{{template \"T\"}}", "[1][<no value>]")]
    [InlineData("{{block \"B\" 5}}({{.}}){{end}}", "(5)")]
    [InlineData("{{printf \"%5.1f|%-4d|%04d|%x|%q|%t|%e\" 3.14159 7 -7 \"hi\" \"a\\\"b\" true 12345.678}}", "  3.1|7   |-007|6869|\"a\\\"b\"|true|1.234568e+04")]
    [InlineData("{{printf \"%6s|%-6s|%.2s|%c|%U\" \"ab\" \"ab\" \"abc\" 65 0x2318}}", "    ab|ab    |ab|A|U+2318")]
    [InlineData("{{printf \"%[2]d %[1]d %*d\" 1 2}}", "2 1 %!d(MISSING)")]
    [InlineData("{{printf \"%v %v %v\" 1e6 1e20 123456.0}}", "1e+06 1e+20 123456")]
    [InlineData("{{printf \"%z\" 3}}{{printf \"%\"}}{{printf \"%d%%\" 5}}", "%!z(int=3)%!(NOVERB)5%")]
    [InlineData("{{slice \"grüße\" 2 4}} {{len \"ü\"}}", "ü 2")]
    [InlineData("{{1 | printf \"%d-%d\" 2}}", "2-1")]
    [InlineData("{{and 0 (index .  99)}}", "0")]
    [InlineData("{{or \"\" 0 \"x\"}}", "x")]
    [InlineData("{{not 1.5}} {{eq 1 2 3 1}} {{ne \"a\" \"b\"}}", "false true true")]
    [InlineData("{{js \"a'b<c\"}} {{urlquery \"a b\" \"ü\"}}", "a\\'b\\u003Cc a+b%C3%BC")]
    public void Renders_as_Go_does(string text, string expected) => Assert.Equal(expected, Render(text, new[] { "a", "b", "c" }));

    [Theory]
    [InlineData("{{.x", "template: t:1: unclosed action")]
    [InlineData("a\n{{if}}x{{end}}", "template: t:2: missing value for if")]
    [InlineData("{{$x}}", "template: t:1: undefined variable \"$x\"")]
    [InlineData("{{break}}", "template: t:1: {{break}} outside {{range}}")]
    [InlineData("{{\"a\" | 1}}", "template: t:1: non executable command in pipeline stage 2")]
    [InlineData("{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}", "template: t:1: template: multiple definition of template \"a\"")]
    [InlineData("{{/* x }}", "template: t:1: unclosed comment")]
    [InlineData("{{(1}}", "template: t:1: unclosed left paren")]
    [InlineData("{{if 1}}{{else if 2}}", "template: t:1: unexpected EOF")]
    public void Says_where_a_text_is_no_template(string text, string expected)
    {
        var error = Assert.Throws<TemplateException>(() => Render(text));
        Assert.Equal(expected, error.Message);
    }

    [Theory]
    [InlineData("{{.a.b}}", "template: t:1:4: executing \"t\" at <.a.b>: can't evaluate field b in type float64")]
    [InlineData("\n{{len 3}}", "template: t:2:2: executing \"t\" at <len 3>: error calling len: len of type int")]
    [InlineData("{{.a 1}}", "template: t:1:2: executing \"t\" at <.a>: a is not a method but has arguments")]
    [InlineData("{{template \"x\"}}", "template: t:1:11: executing \"t\" at <{{template \"x\"}}>: template \"x\" not defined")]
    [InlineData("{{lt 1 \"a\"}}", "template: t:1:2: executing \"t\" at <lt 1 \"a\">: error calling lt: incompatible types for comparison: int and string")]
    public void Says_where_an_execution_failed(string text, string expected)
    {
        var error = Assert.Throws<TemplateException>(() => Render(text, new Dictionary<string, object?> { ["a"] = 1.5 }));
        Assert.Equal(expected[expected.IndexOf("executing", StringComparison.Ordinal)..], error.Message[error.Message.IndexOf("executing", StringComparison.Ordinal)..]);
    }

    [Fact]
    public void A_later_text_replaces_a_definition_and_a_clone_leaves_the_original_alone()
    {
        var original = GoTemplate.Create("set", TemplateFunctions.None)
            .AddParse("defaults", "{{define \"title\"}}default{{end}}")
            .AddParse("main", "{{template \"title\"}}");
        var changed = original.Clone().AddParse("own", "{{define \"title\"}}own{{end}}");
        using var first = new StringWriter();
        using var second = new StringWriter();
        original.Execute("main", null, first);
        changed.Execute("main", null, second);
        Assert.Equal("default", first.ToString());
        Assert.Equal("own", second.ToString());
    }

    [Theory]
    [InlineData("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}")]
    [InlineData("{{range 9223372036854775807}}{{end}}")]
    [InlineData("{{$x := \"0123456789\"}}{{range 100}}{{$x = print $x $x}}{{end}}")]
    [InlineData("{{range 1000}}{{printf \"%1000000d\" 1}}{{end}}")]
    public void Hostile_text_ends_with_an_error(string text) => Assert.Throws<TemplateException>(() => Render(text));

    [Fact]
    public void Text_nested_very_deep_is_refused()
    {
        string parens = "{{" + new string('(', 200_000) + "1" + new string(')', 200_000) + "}}";
        Assert.Throws<TemplateException>(() => Render(parens));
        string ifs = string.Concat(Enumerable.Repeat("{{if 1}}", 200_000)) + string.Concat(Enumerable.Repeat("{{end}}", 200_000));
        Assert.Throws<TemplateException>(() => Render(ifs));
    }

    [Theory]
    [InlineData("<p>{{.}}</p>", "<b>&'\"", "<p>&lt;b&gt;&amp;&#39;&#34;</p>")]
    [InlineData("<a title=\"{{.}}\">", "x\" onclick=\"y", "<a title=\"x&#34; onclick=&#34;y\">")]
    [InlineData("<a title={{.}}>", "a b", "<a title=a&#32;b>")]
    [InlineData("<a href=\"{{.}}\">", "javascript:alert(1)", "<a href=\"#ZgotmplZ\">")]
    [InlineData("<a href=\"/s?q={{.}}\">", "a b&c", "<a href=\"/s?q=a%20b%26c\">")]
    [InlineData("<a href=\"{{.}}\">", "https://x/?a=b&c=d e", "<a href=\"https://x/?a=b&amp;c=d%20e\">")]
    [InlineData("<script>var x = {{.}};</script>", "</script>", "<script>var x = \"\\u003c/script\\u003e\";</script>")]
    [InlineData("<!-- {{.}} -->x", "y", "x")]
    [InlineData("<style>a{color:{{.}}}</style>", "red;}", "<style>a{color:ZgotmplZ}</style>")]
    public void Html_mode_escapes_by_place(string text, string value, string expected) =>
        Assert.Equal(expected, Render(text, value, new TemplateOptions { Html = true }));

    [Fact]
    public void Functions_get_the_types_they_ask_for()
    {
        var functions = new TemplateFunctions()
            .Set("half", (double x) => x / 2)
            .Set("repeat", (long n, string s) => string.Concat(Enumerable.Repeat(s, (int)n)))
            .SetVariadic<string>("joined", 1, parts => string.Join('+', parts))
            .Set("fail", (string why) => why.Length > 0 ? throw new TemplateFunctionException(why) : "");
        Assert.Equal("1.5 aa x+y", Render("{{half 3}} {{\"a\" | repeat 2}} {{joined \"x\" \"y\"}}", null, null, functions));
        Assert.Contains("wrong number of args for half: want 1 got 2", Assert.Throws<TemplateException>(() => Render("{{half 1 2}}", null, null, functions)).Message);
        Assert.Contains("expected float; found \"a\"", Assert.Throws<TemplateException>(() => Render("{{half \"a\"}}", null, null, functions)).Message);
        Assert.Contains("wrong type for value; expected string; got int", Assert.Throws<TemplateException>(() => Render("{{$x := 1}}{{joined $x}}", null, null, functions)).Message);
        Assert.Contains("error calling fail: no luck", Assert.Throws<TemplateException>(() => Render("{{fail \"no luck\"}}", null, null, functions)).Message);
    }

    [Theory]
    [InlineData("2006-01-02T15:04:05Z07:00", "2026-03-05T07:08:09Z")]
    [InlineData("Mon, 02 Jan 2006 15:04:05 MST", "Thu, 05 Mar 2026 07:08:09 UTC")]
    [InlineData("3:04PM _2 January 06 .000 002", "7:08AM  5 March 26 .123 064")]
    [InlineData("2006-01-02 15:04:05.999999999 -0700 MST", "2026-03-05 07:08:09.1234567 +0000 UTC")]
    public void Times_follow_Go_layouts(string layout, string expected)
    {
        var time = GoTime.From(new DateTimeOffset(2026, 3, 5, 7, 8, 9, TimeSpan.Zero).AddTicks(1234567));
        Assert.Equal(expected, time.Format(layout));
    }

    [Fact]
    public void Times_are_read_by_layout()
    {
        Assert.Equal(1772694489, GoTimeLayout.Parse("2006-01-02T15:04:05Z07:00", "2026-03-05T09:08:09+02:00").UnixSeconds);
        Assert.Equal(123_000_000, GoTimeLayout.Parse("15:04:05", "07:08:09.123").Nanosecond);
        Assert.Throws<TemplateFunctionException>(() => GoTimeLayout.Parse("2006-01-02", "2026-13-01"));
    }

    [Theory]
    [InlineData(0L, "0s")]
    [InlineData(1_500_000L, "1.5ms")]
    [InlineData(3_723_000_000_000L, "1h2m3s")]
    [InlineData(-61_500_000_000L, "-1m1.5s")]
    public void Durations_print_as_Go_does(long ns, string expected)
    {
        Assert.Equal(expected, new GoDuration(ns).ToString());
        Assert.True(GoDuration.TryParse(expected, out var read));
        Assert.Equal(ns, read.Nanoseconds);
    }

    [Theory]
    [InlineData(0.5, 'f', 0, "0")]
    [InlineData(2.5, 'f', 0, "2")]
    [InlineData(1.005, 'f', 2, "1.00")]
    [InlineData(5e-324, 'g', -1, "5e-324")]
    [InlineData(1e-5, 'g', -1, "1e-05")]
    [InlineData(123456789.0, 'g', 4, "1.235e+08")]
    [InlineData(-0.0, 'g', -1, "-0")]
    [InlineData(9.995, 'e', 2, "9.99e+00")]
    public void Floats_print_as_Go_does(double value, char verb, int precision, string expected) =>
        Assert.Equal(expected, FloatVerbs.Format(value, verb, precision));
}
