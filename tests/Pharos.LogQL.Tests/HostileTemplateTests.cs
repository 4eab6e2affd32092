using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Tests;

/// <summary>Templates that would take the server's memory or a thread for minutes; the line stays as it is and says why.</summary>
public sealed class HostileTemplateTests
{
    private static readonly byte[] Line = Encoding.UTF8.GetBytes(new string('a', 250_000));

    [Theory]
    [InlineData("{{ replace `a` (repeat 1000000 `x`) __line__ }}", "the text has more than 4194304 characters")]
    [InlineData("{{ Replace __line__ `a` (repeat 1000000 `x`) 100 }}", "the text has more than 4194304 characters")]
    [InlineData("{{ regexReplaceAll `a` __line__ (repeat 1000000 `x`) }}", "text is longer than 16777216 characters")]
    [InlineData("{{ regexReplaceAllLiteral `a` __line__ (repeat 1000000 `$`) }}", "text is longer than 16777216 characters")]
    [InlineData("{{ repeat 6148914691236517206 `abc` }}", "repeat gives more than 1048576 characters")]
    [InlineData("{{ indent 1000000 (replace `a` `\n` __line__) }}", "the text has more than 4194304 characters")]
    public void Memory_is_bounded(string template, string reason) => Assert.Contains(reason, DetailsOf(template, TimeProvider.System), StringComparison.Ordinal);

    /// <summary>The first two find each of 250,000 matches by a search to the end of the line: minutes, where no time bounds them.</summary>
    [Theory]
    [InlineData("{{ count `a.*!|a` __line__ }}")]
    [InlineData("{{ regexReplaceAll `a.*!|a` __line__ `b` }}")]
    [InlineData("{{ range $i := 900000 }}{{ $x := replace `a` `b` __line__ }}{{ end }}")]
    public void Time_is_bounded(string template) => Assert.Contains("the template takes longer than 1 s", DetailsOf(template, new FastTime()), StringComparison.Ordinal);

    private static string DetailsOf(string template, TimeProvider time)
    {
        var filter = new LogQlLineFilter($"{{app=\"a\"}} | line_format {GoString.Quote(template)}", time);
        var entry = filter.Process(Labels.Of(("app", "a")), 0, Line, [])!;
        Assert.Equal("TemplateFormatErr", entry.Parsed["__error__"]);
        Assert.Equal(Line, entry.Line);
        return entry.Parsed["__error_details__"];
    }

    /// <summary>100 ms pass from each look to the next.</summary>
    private sealed class FastTime : TimeProvider
    {
        private long looks;

        public override long TimestampFrequency => 10;

        public override long GetTimestamp() => looks++;
    }
}
