using System.Text;

namespace Pharos.Collector.Syntax;

/// <summary>
/// Lines of output before alignment. Neighbouring lines of one indentation that start with a name have their <c>=</c> aligned;
/// so have comments at the ends of neighbouring lines.
/// </summary>
internal sealed class Layout
{
    private sealed class Line
    {
        public int Indent;
        public bool Verbatim;
        public StringBuilder Text { get; } = new();

        /// <summary>Where the name before <c>=</c> ends; -1 for none.</summary>
        public int NameEnd = -1;
        public string Comment = "";
    }

    private readonly List<Line> lines = [];

    public bool IsEmpty => lines.Count == 0;

    public bool LineIsEmpty => lines.Count == 0 || lines[^1].Text.Length == 0;

    public void NewLine(int indent, bool verbatim = false) => lines.Add(new Line { Indent = indent, Verbatim = verbatim });

    public void Append(string text)
    {
        var pieces = text.Split('\n');
        lines[^1].Text.Append(pieces[0].TrimEnd('\r'));
        for (int i = 1; i < pieces.Length; i++)
        {
            NewLine(0, verbatim: true);
            lines[^1].Text.Append(i == pieces.Length - 1 ? pieces[i] : pieces[i].TrimEnd('\r'));
        }
    }

    public void MarkName()
    {
        if (lines[^1].NameEnd < 0) lines[^1].NameEnd = lines[^1].Text.Length;
    }

    public void TrailingComment(string text) =>
        lines[^1].Comment = lines[^1].Comment.Length == 0 ? text : lines[^1].Comment + " " + text;

    public string Render()
    {
        Align(l => l.NameEnd >= 0, l => l.NameEnd, (l, width) => l.Text.Insert(l.NameEnd, " ", width - l.NameEnd));
        Align(l => l.Comment.Length > 0, Width, (l, width) => l.Text.Append(' ', width - Width(l)));
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            if (line.Text.Length > 0 && !line.Verbatim) text.Append('\t', line.Indent);
            text.Append(line.Text);
            if (line.Comment.Length > 0) text.Append(' ').Append(line.Comment);
            text.Append('\n');
        }
        return text.ToString();

        static int Width(Line line) => line.Text.Length;
    }

    private void Align(Func<Line, bool> takesPart, Func<Line, int> width, Action<Line, int> pad)
    {
        for (int i = 0; i < lines.Count;)
        {
            int end = i;
            while (end < lines.Count && takesPart(lines[end]) && lines[end].Indent == lines[i].Indent && lines[end].Verbatim == lines[i].Verbatim) end++;
            if (end == i)
            {
                i++;
                continue;
            }
            int widest = 0;
            for (int k = i; k < end; k++) widest = Math.Max(widest, width(lines[k]));
            for (int k = i; k < end; k++) pad(lines[k], widest);
            i = end;
        }
    }
}
