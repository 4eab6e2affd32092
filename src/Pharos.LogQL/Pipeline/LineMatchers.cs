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

/// <summary>Required literals first, as bytes; only lines that hold them are decoded and given to the regular expression.</summary>
internal sealed class RegexLineMatcher(LinearRegex regex, byte[][] required) : LineMatcher
{
    public override bool IsMatch(ReadOnlySpan<byte> line)
    {
        foreach (byte[] literal in required)
        {
            if (line.IndexOf(literal) < 0) return false;
        }
        if (line.Length <= 1024)
        {
            Span<char> text = stackalloc char[1024];
            return regex.IsMatch(text[..Encoding.UTF8.GetChars(line, text)]);
        }
        char[] rented = ArrayPool<char>.Shared.Rent(line.Length);
        try
        {
            return regex.IsMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(line, rented)));
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
internal sealed class LineFilterStage(LineMatcher matcher, bool negated) : Stage
{
    public override bool LineOnly => true;

    public override bool Process(ref LogLine line) => matcher.IsMatch(line.Bytes) != negated;
}
