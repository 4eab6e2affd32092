using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>The small steps of reading exposition text: names, quoted strings, numbers, ends of lines. What is wrong is named with line and column.</summary>
internal static class TextScan
{
    public static readonly SearchValues<byte> MetricNameBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"u8);

    public static readonly SearchValues<byte> LabelNameBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"u8);

    public static ReadOnlySpan<byte> Quoted(ReadOnlySpan<byte> text, scoped ref int at, string expected)
    {
        int start = at + 1;
        int i = start;
        while (true)
        {
            int next = text[i..].IndexOfAny((byte)'"', (byte)'\\', (byte)'\n');
            if (next < 0) Fail(text, at, expected);
            i += next;
            if (text[i] == '"') break;
            if (text[i] == '\n') Fail(text, at, expected);
            i += 2;
            if (i > text.Length) Fail(text, at, expected);
        }
        at = i + 1;
        return text[start..i];
    }

    public static double NumberAfterSpace(ReadOnlySpan<byte> text, ref int at, string expected)
    {
        if (at >= text.Length || text[at] != ' ') Fail(text, at, expected);
        int from = ++at;
        while (at < text.Length && text[at] is not ((byte)' ' or (byte)'\n')) at++;
        return Number(text, from, at, expected);
    }

    /// <summary>A space and a timestamp in seconds, which becomes milliseconds.</summary>
    public static long Seconds(ReadOnlySpan<byte> text, ref int at)
    {
        int from = at + 1;
        double seconds = NumberAfterSpace(text, ref at, "expected a timestamp");
        if (!double.IsFinite(seconds)) Fail(text, from, "invalid timestamp");
        double ms = seconds * 1000;
        if (Math.Abs(ms) >= long.MaxValue) Fail(text, from, "timestamp is out of range");
        return (long)ms;
    }

    public static double Number(ReadOnlySpan<byte> text, int from, int to, string expected)
    {
        if (from == to) Fail(text, from, expected);
        if (!GoFloat.TryParse(text[from..to], out double value)) Fail(text, from, $"invalid number \"{Encoding.UTF8.GetString(text[from..Math.Min(to, from + 50)])}\"");
        return value;
    }

    public static ReadOnlySpan<byte> Line(ReadOnlySpan<byte> text, scoped ref int at)
    {
        var rest = text[at..];
        int length = rest.IndexOf((byte)'\n');
        if (length < 0) length = rest.Length;
        at += length + 1;
        if (at > text.Length) at = text.Length;
        return rest[..length];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SkipBlanks(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t') at++;
    }

    public static bool IsNameStart(byte c) => char.IsAsciiLetter((char)c) || c is (byte)'_' or (byte)':';

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Fail(ReadOnlySpan<byte> text, int at, string message)
    {
        at = Math.Min(at, text.Length);
        int line = text[..at].Count((byte)'\n') + 1;
        int column = at - (text[..at].LastIndexOf((byte)'\n') + 1) + 1;
        throw new WireFormatException(WireErrorKind.Malformed, $"line {line}, column {column}: {message}");
    }
}
