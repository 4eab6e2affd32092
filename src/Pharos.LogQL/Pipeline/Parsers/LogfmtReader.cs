using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary>Walks the pairs of a logfmt line, as the go-logfmt decoder does.</summary>
internal ref struct LogfmtReader(ReadOnlySpan<byte> line)
{
    private readonly ReadOnlySpan<byte> line = line;
    private int at;

    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>The value between its quotes, escapes not resolved.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool IsEscaped { get; private set; }

    /// <summary>What is wrong with the pair that <see cref="Next"/> stopped at; null for nothing.</summary>
    public string? Error { get; private set; }

    /// <summary>Moves to the next pair; false at the end. With <see cref="Error"/> set, the pair has no meaning.</summary>
    public bool Next()
    {
        Error = null;
        Key = Value = default;
        IsEscaped = false;
        while (at < line.Length && line[at] <= ' ') at++;
        if (at >= line.Length) return false;
        int from = at;
        while (at < line.Length && line[at] > ' ' && line[at] is not ((byte)'=' or (byte)'"')) at++;
        Key = line[from..at];
        if (at < line.Length && line[at] == '"') return Fail("unexpected '\"'");
        if (at >= line.Length || line[at] <= ' ') return true;
        if (Key.IsEmpty) return Fail("unexpected '='");
        at++;
        if (at < line.Length && line[at] == '"') return Quoted();
        from = at;
        while (at < line.Length && line[at] > ' ')
        {
            if (line[at] is (byte)'=' or (byte)'"') return Fail($"unexpected '{(char)line[at]}'");
            at++;
        }
        Value = line[from..at];
        return true;
    }

    /// <summary>The value as a label's value.</summary>
    public readonly string Text()
    {
        if (!IsEscaped) return ParserText.Decode(Value);
        string literal = $"\"{Encoding.UTF8.GetString(Value).Replace("\n", "\\n", StringComparison.Ordinal)}\"";
        if (GoString.TryUnquote(literal, out string? text, out _, out _)) return ParserText.Clean(text);
        return ParserText.Decode(Value);
    }

    private bool Quoted()
    {
        int from = ++at;
        while (at < line.Length && line[at] != '"')
        {
            if (line[at] == '\\')
            {
                IsEscaped = true;
                at++;
            }
            at++;
        }
        if (at >= line.Length)
        {
            at = line.Length;
            Error = "unterminated quoted value";
            return true;
        }
        Value = line[from..at];
        at++;
        return true;
    }

    private bool Fail(string what)
    {
        Error = $"logfmt syntax error at pos {at + 1} : {what}";
        while (at < line.Length && line[at] > ' ') at++;
        return true;
    }
}
