using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Syntax;

/// <summary>One finding about a configuration, with the stretch of text it is about.</summary>
/// <param name="Message">What is wrong, in a plain sentence without a full stop.</param>
/// <param name="Mend">What to do about it; null where the message says it all.</param>
public sealed record SyntaxDiagnostic(Severity Severity, TextSpan Span, string Message, string? Mend = null)
{
    public static SyntaxDiagnostic Error(TextSpan span, string message, string? mend = null) => new(Severity.Error, span, message, mend);

    public static SyntaxDiagnostic Warning(TextSpan span, string message, string? mend = null) => new(Severity.Warning, span, message, mend);

    public SourcePosition Position => Span.Source is null ? SourcePosition.None : Span.Position;

    public Diagnostic ToDiagnostic() => new(Severity, Position, Message, Mend);

    /// <summary><c>Error: file:line:column: message</c></summary>
    public override string ToString()
    {
        string place = Position.ToString();
        string text = Mend is null ? Message : $"{Message}; {Mend}";
        return place.Length == 0 ? $"{Severity}: {text}" : $"{Severity}: {place}: {text}";
    }

    /// <summary>The finding with an excerpt of the text: one line of context on each side, tabs as four spaces.</summary>
    public string Render()
    {
        var text = new StringBuilder(ToString()).Append('\n');
        if (Span.Source is null) return text.ToString();
        var source = Span.Source;
        int startLine = source.LineOf(Span.Start);
        int endLine = source.LineOf(Math.Max(Span.Start, Span.End - 1));
        int from = Math.Max(1, startLine - 1), to = Math.Min(source.LineCount, endLine + 1);
        int width = to.ToString(CultureInfo.InvariantCulture).Length;
        bool many = endLine > startLine;
        text.Append('\n');
        for (int line = from; line <= to; line++)
        {
            string number = line.ToString(CultureInfo.InvariantCulture).PadLeft(width);
            string body = source.Line(line);
            bool inside = many && line > startLine && line <= endLine;
            text.Append(number).Append(" | ").Append(many ? (inside ? "| " : "  ") : "").Append(Expand(body)).Append('\n');
            if (line == startLine)
            {
                int column = Column(body, source.PositionOf(Span.Start).Column - 1);
                int length = many
                    ? Math.Max(1, Expand(body).Length - column)
                    : Math.Max(1, Column(body, source.PositionOf(Span.End).Column - 1) - column);
                if (!many && source.LineOf(Span.End) != startLine) length = Math.Max(1, Expand(body).Length - column);
                text.Append(' ', width).Append(" | ")
                    .Append(many ? " _" + new string('_', column) : new string(' ', column))
                    .Append('^', length).Append('\n');
            }
            if (many && line == endLine)
            {
                int column = Column(body, source.PositionOf(Span.End - 1).Column - 1);
                text.Append(' ', width).Append(" | |_").Append('_', column).Append("^\n");
            }
        }
        return text.ToString();
    }

    /// <summary>All findings, each with its excerpt, blank lines between.</summary>
    public static string RenderAll(IEnumerable<SyntaxDiagnostic> findings) =>
        string.Join('\n', findings.Select(f => f.Render()));

    private static string Expand(string line) => line.Replace("\t", "    ", StringComparison.Ordinal);

    private static int Column(string line, int index) => Expand(line[..Math.Clamp(index, 0, line.Length)]).Length;
}

/// <summary>A configuration that cannot be used. Holds every finding, not only the first.</summary>
public sealed class SyntaxException(IReadOnlyList<SyntaxDiagnostic> findings)
    : Exception(string.Join('\n', findings.Where(f => f.Severity == Severity.Error)))
{
    public IReadOnlyList<SyntaxDiagnostic> Findings { get; } = findings;
}
