using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// An expression that must match the whole of a text, in time linear in it: over its UTF-8 with <see cref="LineAutomaton"/>, or with
/// <see cref="LinearRegex"/> where that does not know the expression. Safe for several threads.
/// </summary>
public sealed class WholeExpression
{
    private const int StackBytes = 512;

    private readonly LinearRegex? regex;
    private readonly string pattern;
    private readonly bool dotMatchesNewline;

    /// <summary>Automata that no thread is using; null where there can be none, and the other engine is asked.</summary>
    private readonly ConcurrentBag<LineAutomaton>? idle;

    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public WholeExpression(string pattern, bool dotMatchesNewline)
    {
        this.pattern = pattern;
        this.dotMatchesNewline = dotMatchesNewline;
        if (LineAutomaton.ForWhole(pattern, dotMatchesNewline) is { } first) idle = [first];
        else regex = LinearRegex.Anchored(pattern, dotMatchesNewline);
    }

    /// <summary>Whether the automaton knows it, so that the other engine is never asked.</summary>
    internal bool IsAutomaton => idle is not null;

    /// <param name="text">UTF-8; a byte that is none stands for U+FFFD.</param>
    public bool IsMatch(ReadOnlySpan<byte> text)
    {
        if (idle is null) return regex!.IsMatch(Encoding.UTF8.GetString(text));
        var automaton = idle.TryTake(out var free) ? free : LineAutomaton.ForWhole(pattern, dotMatchesNewline)!;
        bool match = automaton.IsMatch(text);
        idle.Add(automaton);
        return match;
    }

    public bool IsMatch(string text)
    {
        if (idle is null) return regex!.IsMatch(text);
        int length = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (length <= StackBytes)
        {
            Span<byte> few = stackalloc byte[StackBytes];
            return IsMatch(few[..Encoding.UTF8.GetBytes(text, few)]);
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return IsMatch(rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
