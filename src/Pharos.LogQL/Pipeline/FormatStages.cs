using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;
using Pharos.LogQL.Templates;

namespace Pharos.LogQL.Pipeline;

/// <summary><c>| line_format "…"</c></summary>
internal sealed class LineFormatStage(LogTemplate template) : Stage
{
    public override bool ChangesLabels => true;

    public override bool ChangesLine => true;

    public override bool Process(ref LogLine line)
    {
        if (template.TryRun(ref line, out string text)) line.Bytes = Encoding.UTF8.GetBytes(text);
        return true;
    }
}

/// <summary><c>| label_format a=b, c="…"</c></summary>
internal sealed class LabelFormatStage : Stage
{
    private readonly (string Name, string? Source, LogTemplate? Template)[] assignments;

    /// <exception cref="QueryException">A template is wrong.</exception>
    public LabelFormatStage(LabelFormatSyntax syntax, TimeProvider time) =>
        assignments = [.. syntax.Assignments.Select(a => a.Rename ? (a.Name, a.Value, null) : (a.Name, (string?)null, new LogTemplate(a.Value, time)))];

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        foreach (var (name, source, template) in assignments)
        {
            if (source is not null)
            {
                if (source == name) continue;
                if (line.Labels.Get(source) is not { } value) continue;
                line.Labels.Set(name, value);
                line.Labels.Remove(source);
            }
            else if (template!.TryRun(ref line, out string text))
            {
                line.Labels.Set(name, text);
            }
        }
        return true;
    }
}

/// <summary><c>| drop a, b="x"</c></summary>
internal sealed class DropStage(IReadOnlyList<LabelChoice> choices) : Stage
{
    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        foreach (var choice in choices)
        {
            if (choice.Matcher is null || choice.Matcher.Matches(line.Labels.Get(choice.Name) ?? "")) line.Labels.Remove(choice.Name);
        }
        return true;
    }
}

/// <summary><c>| keep a, b="x"</c>; the error labels always stay.</summary>
internal sealed class KeepStage(IReadOnlyList<LabelChoice> choices) : Stage
{
    private readonly List<(string Name, string Value)> all = [];

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        line.Labels.CopyTo(all);
        foreach (var (name, value) in all)
        {
            if (name is LabelState.ErrorLabel or LabelState.ErrorDetailsLabel) continue;
            if (!Keeps(name, value)) line.Labels.Remove(name);
        }
        return true;
    }

    private bool Keeps(string name, string value)
    {
        foreach (var choice in choices)
        {
            if (choice.Name == name && (choice.Matcher is null || choice.Matcher.Matches(value))) return true;
        }
        return false;
    }
}

/// <summary><c>| decolorize</c>: takes out the terminal's escape sequences (CSI and OSC).</summary>
internal sealed class DecolorizeStage : Stage
{
    public override bool ChangesLine => true;

    public override bool Process(ref LogLine line)
    {
        if (line.Bytes.IndexOf((byte)0x1b) < 0) return true;
        var source = line.Bytes;
        var plain = new byte[source.Length];
        int to = 0;
        for (int at = 0; at < source.Length;)
        {
            int end = source[at] == 0x1b ? SequenceEnd(source, at) : at;
            if (end > at) at = end;
            else plain[to++] = source[at++];
        }
        line.Bytes = plain.AsSpan(0, to);
        return true;
    }

    /// <summary>Index after the escape sequence that starts here; the same index where none does.</summary>
    private static int SequenceEnd(ReadOnlySpan<byte> text, int at)
    {
        if (at + 1 >= text.Length) return at;
        int i = at + 2;
        switch (text[at + 1])
        {
            case (byte)'[':
                while (i < text.Length && text[i] is >= 0x20 and < 0x40) i++;
                return i < text.Length && text[i] is >= 0x40 and < 0x7f ? i + 1 : at;
            case (byte)']':
                while (i < text.Length && text[i] != 0x07)
                {
                    if (text[i] == 0x1b && i + 1 < text.Length && text[i + 1] == '\\') return i + 2;
                    i++;
                }
                return i < text.Length ? i + 1 : at;
            default:
                return at;
        }
    }
}
