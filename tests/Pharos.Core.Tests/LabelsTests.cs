using Pharos.Core;

namespace Pharos.Core.Tests;

public sealed class LabelsTests
{
    [Fact]
    public void Label_sets_are_equal_whatever_the_order_and_empty_values_are_absent()
    {
        var a = Labels.Of(("job", "api"), ("__name__", "up"), ("zone", ""));
        var b = Labels.Of(("__name__", "up"), ("job", "api"));
        Assert.Equal(a, b);
        Assert.Equal(a.Hash, b.Hash);
        Assert.Equal("""{__name__="up", job="api"}""", a.ToString());
        Assert.Equal("", a["zone"]);
    }

    [Fact]
    public void Order_is_that_of_names_and_values_not_of_their_lengths()
    {
        var random = new Random(7);
        string Word() => new([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (char)('a' + random.Next(3)))]);
        var sets = Enumerable.Range(0, 300).Select(_ => Labels.Of((Word(), Word()), (Word(), Word()), ("z", random.Next(9) == 0 ? new string('x', 200 + random.Next(3)) : ""))).ToList();
        static int Plain(Labels a, Labels b)
        {
            var left = a.ToDictionary().SelectMany(p => new[] { p.Key, p.Value }).ToList();
            var right = b.ToDictionary().SelectMany(p => new[] { p.Key, p.Value }).ToList();
            for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
            {
                int order = string.CompareOrdinal(left[i], right[i]);
                if (order != 0) return order;
            }
            return left.Count - right.Count;
        }
        foreach (var a in sets)
        {
            foreach (var b in sets) Assert.Equal(Math.Sign(Plain(a, b)), Math.Sign(a.CompareTo(b)));
        }
    }

    [Fact]
    public void Order_compares_label_by_label_and_the_shorter_set_first()
    {
        var sorted = new[] { Labels.Of(("a", "2")), Labels.Of(("a", "1"), ("b", "1")), Labels.Of(("a", "1")) };
        Array.Sort(sorted);
        Assert.Equal(["""{a="1"}""", """{a="1", b="1"}""", """{a="2"}"""], sorted.Select(l => l.ToString()));
    }

    [Theory]
    [InlineData("\"a\\tb\"", "a\tb")]
    [InlineData("'it\\'s'", "it's")]
    [InlineData("`raw\\n`", "raw\\n")]
    [InlineData("\"\\u00e9\\xc3\\xa9\\303\\251\"", "ééé")]
    public void Go_strings_are_unquoted(string literal, string expected)
    {
        Assert.True(GoString.TryUnquote(literal, out string? text, out _, out _));
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("\"\\q\"")]
    [InlineData("\"\\x1\"")]
    [InlineData("\"a")]
    public void Bad_go_strings_are_refused(string literal) => Assert.False(GoString.TryUnquote(literal, out _, out _, out _));

    [Theory]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1y2w", (365L + 14) * 86_400_000)]
    [InlineData("0", 0)]
    public void Durations_parse(string text, long ms)
    {
        Assert.True(PromDuration.TryParseMs(text, out long parsed, out _));
        Assert.Equal(ms, parsed);
    }

    [Theory]
    [InlineData("15")]
    [InlineData("5m1h")]
    [InlineData("")]
    [InlineData("1.5h")]
    public void Bad_durations_say_why(string text)
    {
        Assert.False(PromDuration.TryParseMs(text, out _, out string? error));
        Assert.False(string.IsNullOrEmpty(error));
    }
}
