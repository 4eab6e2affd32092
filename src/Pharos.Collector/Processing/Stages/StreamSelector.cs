using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>A stream selector with line filters: <c>{app="shop"} |= "error" !~ "debug.*"</c>.</summary>
internal sealed class StreamSelector
{
    private readonly List<Matcher> matchers = [];
    private readonly List<(string Op, string Text, LinearRegex? Regex)> filters = [];

    private StreamSelector() { }

    /// <exception cref="FormatException">The text is malformed, or more than a selector with line filters.</exception>
    public static StreamSelector Parse(string text)
    {
        var selector = new StreamSelector();
        int at = 0;
        Expect(text, ref at, '{');
        Skip(text, ref at);
        while (at < text.Length && text[at] != '}')
        {
            int start = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or ':')) at++;
            string name = text[start..at];
            if (name.Length == 0) throw Fail(text, at, "expected a label name");
            Skip(text, ref at);
            var op = Operator(text, ref at);
            selector.matchers.Add(new Matcher(op, name, Quoted(text, ref at)));
            Skip(text, ref at);
            if (at < text.Length && text[at] == ',') at++;
            Skip(text, ref at);
        }
        Expect(text, ref at, '}');
        Skip(text, ref at);
        while (at < text.Length)
        {
            string op = at + 2 <= text.Length ? text.Substring(at, 2) : "";
            if (op is not ("|=" or "!=" or "|~" or "!~")) throw Fail(text, at, "expected |=, !=, |~ or !~; other stages are not possible here");
            at += 2;
            string value = Quoted(text, ref at);
            selector.filters.Add((op, value, op[1] == '~' ? LinearRegex.Unanchored(value) : null));
            Skip(text, ref at);
        }
        if (selector.matchers.Count == 0) throw Fail(text, 0, "the selector has no matcher");
        return selector;
    }

    public bool Matches(LogEntry entry)
    {
        foreach (var matcher in matchers)
        {
            if (!matcher.Matches(entry.Labels.Get(matcher.Name))) return false;
        }
        foreach (var (op, text, regex) in filters)
        {
            bool holds = regex?.IsMatch(entry.Line) ?? entry.Line.Contains(text, StringComparison.Ordinal);
            if (holds != (op[0] == '|')) return false;
        }
        return true;
    }

    private static MatchOp Operator(string text, ref int at)
    {
        string two = at + 2 <= text.Length ? text.Substring(at, 2) : "";
        MatchOp? op = two switch { "!=" => MatchOp.NotEqual, "=~" => MatchOp.Regex, "!~" => MatchOp.NotRegex, _ => null };
        if (op is { } found)
        {
            at += 2;
            return found;
        }
        Expect(text, ref at, '=');
        return MatchOp.Equal;
    }

    private static string Quoted(string text, ref int at)
    {
        Skip(text, ref at);
        if (at >= text.Length || text[at] is not ('"' or '`')) throw Fail(text, at, "expected a quoted text");
        char quote = text[at];
        int end = at + 1;
        while (end < text.Length && text[end] != quote) end += quote == '"' && text[end] == '\\' ? 2 : 1;
        if (end >= text.Length) throw Fail(text, at, "the quoted text is not closed");
        if (!GoString.TryUnquote(text.AsSpan(at, end + 1 - at), out string? value, out string? error, out int errorAt)) throw Fail(text, at + errorAt, error);
        at = end + 1;
        return value;
    }

    private static void Expect(string text, ref int at, char wanted)
    {
        Skip(text, ref at);
        if (at >= text.Length || text[at] != wanted) throw Fail(text, at, $"expected {wanted}");
        at++;
    }

    private static void Skip(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
    }

    private static FormatException Fail(string text, int at, string message) => new($"selector \"{text}\", character {at + 1}: {message}");
}

/// <summary>Sends entries that fit a selector through stages of their own, or drops them; the others go past.</summary>
internal sealed class MatchBranch(StreamSelector selector, IStage? inner, IStage next, InstrumentCell dropped) : IStage
{
    public void Process(LogEntry entry)
    {
        if (!selector.Matches(entry)) next.Process(entry);
        else if (inner is not null) inner.Process(entry);
        else dropped.Add(1);
    }
}
