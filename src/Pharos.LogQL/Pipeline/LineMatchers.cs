using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline;

/// <summary>Looks at the bytes of a line.</summary>
internal abstract class LineMatcher
{
    public abstract bool IsMatch(ReadOnlySpan<byte> line);
}

internal sealed class ContainsMatcher(byte[] needle) : LineMatcher
{
    public override bool IsMatch(ReadOnlySpan<byte> line) => line.IndexOf(needle) >= 0;
}

internal sealed class AnyMatcher(LineMatcher[] matchers) : LineMatcher
{
    public override bool IsMatch(ReadOnlySpan<byte> line)
    {
        foreach (var matcher in matchers)
        {
            if (matcher.IsMatch(line)) return true;
        }
        return false;
    }
}

/// <summary>A string in upper or lower case, as <c>(?i)text</c> asks for it.</summary>
/// <param name="automaton">For lines that are no ASCII, where the needle has relatives.</param>
internal sealed class FoldedMatcher(FoldedNeedle needle, LineAutomaton automaton) : LineMatcher
{
    /// <summary>Null where the expression is another one.</summary>
    public static FoldedNeedle? TryNeedle(string pattern)
    {
        const string flag = "(?i)";
        if (!pattern.StartsWith(flag, StringComparison.Ordinal) || pattern.Length == flag.Length) return null;
        string text = pattern[flag.Length..];
        bool plain = text.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '_' or '-' or '=' or ':' or '/' or ',' or '"' or '\'' or '@' or '#' or '%' or '&' or '<' or '>' or ';' or '~' or '!');
        return plain ? new FoldedNeedle(Encoding.ASCII.GetBytes(text)) : null;
    }

    public override bool IsMatch(ReadOnlySpan<byte> line) =>
        needle.HasRelatives && !Ascii.IsValid(line) ? automaton.IsMatch(line) : needle.IndexIn(line) >= 0;
}

/// <summary>Required literals first, as bytes; only lines that hold them are given to the regular expression.</summary>
/// <param name="regex">For what the automaton does not know; null where it knows the expression.</param>
/// <param name="automaton">Null where it does not know the expression.</param>
/// <param name="required">Byte strings that every line which matches holds.</param>
internal sealed class RegexLineMatcher(LinearRegex? regex, LineAutomaton? automaton, byte[][] required) : LineMatcher
{
    public override bool IsMatch(ReadOnlySpan<byte> line)
    {
        foreach (byte[] literal in required)
        {
            if (line.IndexOf(literal) < 0) return false;
        }
        return automaton is null ? MatchesDecoded(line) : automaton.IsMatch(line);
    }

    private bool MatchesDecoded(ReadOnlySpan<byte> line)
    {
        if (line.Length <= 1024)
        {
            Span<char> text = stackalloc char[1024];
            return regex!.IsMatch(text[..Encoding.UTF8.GetChars(line, text)]);
        }
        char[] rented = ArrayPool<char>.Shared.Rent(line.Length);
        try
        {
            return regex!.IsMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(line, rented)));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }
}

/// <summary><c>|&gt;</c>: literals in order with something between them.</summary>
internal sealed class PatternLineMatcher : LineMatcher
{
    private readonly (bool IsCapture, byte[] Literal)[] parts;

    public PatternLineMatcher(string text) =>
        parts = [.. PatternText.Parse(text).Select(p => (p.IsCapture, p.IsCapture ? [] : Encoding.UTF8.GetBytes(p.Text)))];

    public override bool IsMatch(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || parts.Length == 0) return line.IsEmpty && parts.Length == 0;
        var rest = line;
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].IsCapture) continue;
            int hit = rest.IndexOf(parts[i].Literal);
            // Nothing between two literals means an empty capture, which does not count.
            if (hit < 0 || (i != 0 && hit == 0)) return false;
            rest = rest[(hit + parts[i].Literal.Length)..];
        }
        return parts[^1].IsCapture != rest.IsEmpty;
    }
}

/// <summary>A line filter as a whole.</summary>
/// <param name="told">Whether the store was told all that the filter asks for.</param>
internal sealed class LineFilterStage(LineMatcher matcher, bool negated, bool told) : Stage
{
    public override bool LineOnly => true;

    public override bool Process(ref LogLine line) => (told && line.LineFiltersHold) || matcher.IsMatch(line.Bytes) != negated;
}
