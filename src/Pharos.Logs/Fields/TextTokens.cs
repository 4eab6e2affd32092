using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pharos.Logs.Fields;

/// <summary>
/// Cuts text that is neither JSON nor pairs into what varies between lines (tokens) and what stands between. Tokens are words, several words
/// without digits together, a date with its time, what stands in quotes, and all that follows a line break. Any cut is right, since
/// lines are put together from all of their bytes; a good one makes few shapes. Reused; not safe for several threads.
/// </summary>
internal sealed class TextTokens
{
    /// <summary>The last token takes all the rest of a text with more.</summary>
    private const int TokensMax = 48;

    /// <summary>What stands in quotes is one token where it has more spaces: agents have, requests have not.</summary>
    private const int QuotedSpacesMax = 2;

    private const byte Separator = 1;
    private const byte Digit = 2;
    private const byte NoKey = 4;

    /// <summary>What each byte is. Words are short: a loop that looks each byte up is done before a vectorised search has begun.</summary>
    private static readonly byte[] Classes = [.. Enumerable.Range(0, 256).Select(i => (byte)(
        (i < 33 || "\"[](){}<>,;=|".Contains((char)i) ? Separator : 0) | (char.IsAsciiDigit((char)i) ? Digit : 0)
        | (char.IsAsciiLetterOrDigit((char)i) || (char)i is '_' or '.' or '-' ? 0 : NoKey)))];

    private readonly (int At, int Length)[] tokens = new (int, int)[TokensMax];
    private int count;

    /// <summary>Where the tokens of the last text are, in its order. Between two of them there is a byte at least, and none is empty.</summary>
    public ReadOnlySpan<(int At, int Length)> Found => tokens.AsSpan(0, count);

    public void Split(ReadOnlySpan<byte> line, int from, int to)
    {
        count = 0;
        line = line[..to];
        int at = from;
        while (at < to)
        {
            byte b = line[at];
            if ((Classes[b] & Separator) == 0)
            {
                at = Word(line, at);
                continue;
            }
            at++;
            if (b == '\n')
            {
                Add(at, to - at, to);
                return;
            }
            if (b != '"') continue;
            int length = line[at..].IndexOf((byte)'"');
            if (length < 0) continue;
            Quoted(line, at, at + length);
            at += length + 1;
        }
    }

    private static bool StartsWithDigits(ReadOnlySpan<byte> text, int digits) =>
        text.Length >= digits && text[..digits].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    /// <summary>Takes a word, or several; returns where to go on.</summary>
    private int Word(ReadOnlySpan<byte> line, int at)
    {
        int end = WordEnd(line, at, out int classes);
        if (end < line.Length && line[end] == '=' && char.IsAsciiLetter((char)line[at]) && (classes & NoKey) == 0) return end + 1;
        if ((classes & Digit) == 0)
        {
            while (end + 1 < line.Length && line[end] == ' ' && (Classes[line[end + 1]] & Separator) == 0)
            {
                int next = WordEnd(line, end + 1, out classes);
                if ((classes & Digit) != 0 || (next < line.Length && line[next] == '=')) break;
                end = next;
            }
        }
        else if (end - at == 10 && end + 9 <= line.Length && line[end] == ' ' && line[end + 3] == ':' && line[at + 4] == line[at + 7] && StartsWithDigits(line[at..], 4) && StartsWithDigits(line[(end + 1)..], 2))
        {
            // 2026-03-01 12:00:00, and what else belongs to it
            end = WordEnd(line, end + 1, out _);
            if (end + 4 <= line.Length && line[end] == ',' && StartsWithDigits(line[(end + 1)..], 3)) end = WordEnd(line, end + 1, out _);
        }
        Add(at, end - at, line.Length);
        return end;
    }

    private void Quoted(ReadOnlySpan<byte> line, int at, int end)
    {
        var text = line[at..end];
        bool words = text.Count((byte)' ') <= QuotedSpacesMax && text.Length > 0 && text[0] != ' ' && text[^1] != ' ' && text.IndexOf("  "u8) < 0;
        if (!words)
        {
            Add(at, text.Length, line.Length);
            return;
        }
        while (true)
        {
            int length = line[at..end].IndexOf((byte)' ');
            Add(at, length < 0 ? end - at : length, line.Length);
            if (length < 0) return;
            at += length + 1;
        }
    }

    private void Add(int at, int length, int to)
    {
        if (length == 0 || count == TokensMax) return;
        tokens[count] = (at, count == TokensMax - 1 ? to - at : length);
        count++;
    }

    /// <param name="classes">What the bytes of the word are, all together.</param>
    private static int WordEnd(ReadOnlySpan<byte> line, int at, out int classes)
    {
        classes = 0;
        ref byte ofByte = ref MemoryMarshal.GetArrayDataReference(Classes);
        for (; at < line.Length; at++)
        {
            int now = Unsafe.Add(ref ofByte, line[at]);
            if ((now & Separator) != 0) break;
            classes |= now;
        }
        return at;
    }
}
