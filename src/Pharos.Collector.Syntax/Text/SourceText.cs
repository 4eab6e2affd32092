using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Syntax;

/// <summary>One configuration text with its name, and where its lines start.</summary>
public sealed class SourceText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly int[] lineStarts;

    /// <param name="name">Shown in findings; empty for a text without a file.</param>
    public SourceText(string name, string text)
    {
        Name = name;
        Text = text.StartsWith('\uFEFF') ? text[1..] : text;
        var starts = new List<int> { 0 };
        for (int i = 0; i < Text.Length; i++)
        {
            if (Text[i] == '\n') starts.Add(i + 1);
        }
        lineStarts = [.. starts];
    }

    public string Name { get; }

    /// <summary>The text without a byte order mark.</summary>
    public string Text { get; }

    public int LineCount => lineStarts.Length;

    /// <summary>Decodes UTF-8, with or without a byte order mark.</summary>
    /// <exception cref="ConfigurationException">The bytes are not UTF-8; names the line.</exception>
    public static SourceText FromUtf8(string name, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new SourceText(name, StrictUtf8.GetString(bytes));
        }
        catch (DecoderFallbackException bad)
        {
            int line = 1 + bytes[..Math.Clamp(bad.Index, 0, bytes.Length)].Count((byte)'\n');
            throw new ConfigurationException([Diagnostic.Error(new SourcePosition(name, line, 1), "the file is not valid UTF-8", "save it as UTF-8")]);
        }
    }

    /// <summary>Line (from 1) of a character.</summary>
    public int LineOf(int offset)
    {
        int at = Array.BinarySearch(lineStarts, offset);
        return at >= 0 ? at + 1 : ~at;
    }

    public SourcePosition PositionOf(int offset)
    {
        int line = LineOf(offset);
        return new SourcePosition(Name, line, offset - lineStarts[line - 1] + 1);
    }

    /// <summary>The text of a line (from 1) without its end.</summary>
    public string Line(int line)
    {
        int start = lineStarts[line - 1];
        int end = line < lineStarts.Length ? lineStarts[line] - 1 : Text.Length;
        if (end > start && Text[end - 1] == '\r') end--;
        return Text[start..end];
    }
}

/// <summary>A stretch of a text, end exclusive.</summary>
public readonly record struct TextSpan(SourceText Source, int Start, int End)
{
    public SourcePosition Position => Source.PositionOf(Start);

    /// <summary>The text itself.</summary>
    public override string ToString() => Source is null ? "" : Source.Text[Start..End];

    /// <summary>From the start of one to the end of the other.</summary>
    public TextSpan To(TextSpan last) => new(Source, Start, last.End);
}
