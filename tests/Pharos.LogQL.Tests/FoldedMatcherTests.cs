using System.Text;
using Pharos.Core;
using Pharos.LogQL.Pipeline;

namespace Pharos.LogQL.Tests;

public sealed class FoldedMatcherTests
{
    [Fact]
    public void Finds_what_the_regular_expression_finds()
    {
        int hits = 0;
        for (int seed = 1; seed <= 3000; seed++)
        {
            var random = new Random(seed);
            const string letters = "aAbBkKsS=-1 \u017f\u212a\u00e4";
            string line = new([.. Enumerable.Range(0, random.Next(30)).Select(_ => letters[random.Next(letters.Length)])]);
            string needle = new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => letters[random.Next(12)])]);
            Assert.True(LinearRegex.TryCreate("(?i)" + needle, anchored: false, dotMatchesNewline: false, out var regex, out string? error), error);
            bool expected = regex.IsMatch(line);
            Assert.True(new FoldedMatcher(FoldedMatcher.TryNeedle("(?i)" + needle)!, LineAutomaton.For("(?i)" + needle)!).IsMatch(Encoding.UTF8.GetBytes(line)) == expected, $"seed {seed}: {needle} in {line}");
            if (expected) hits++;
        }
        Assert.InRange(hits, 300, 2700);
    }

    [Theory, InlineData("(?i)a.b"), InlineData("(?i)"), InlineData("abc"), InlineData("(?i)a|b"), InlineData("(?i)gr\u00fc")]
    public void Other_expressions_are_left_to_the_engine(string pattern)
    {
        Assert.True(LinearRegex.TryCreate(pattern, anchored: false, dotMatchesNewline: false, out _, out _));
        Assert.Null(FoldedMatcher.TryNeedle(pattern));
    }
}
