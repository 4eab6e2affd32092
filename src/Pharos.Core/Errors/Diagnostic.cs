namespace Pharos.Core;

public enum Severity
{
    Info,
    Warning,
    Error,
}

/// <summary>A place in a text: file may be empty (a query), line and column count from 1, 0 means unknown.</summary>
public readonly record struct SourcePosition(string File, int Line, int Column)
{
    public static SourcePosition None { get; } = new("", 0, 0);

    /// <summary>The place of a character in a text.</summary>
    public static SourcePosition At(string text, int index, string file = "")
    {
        index = Math.Clamp(index, 0, text.Length);
        int line = 1, lineStart = 0;
        for (int i = 0; i < index; i++)
        {
            if (text[i] == '\n')
            {
                line++;
                lineStart = i + 1;
            }
        }
        return new SourcePosition(file, line, index - lineStart + 1);
    }

    public override string ToString()
    {
        string place = Line > 0 ? $"{Line}:{Column}" : "";
        if (string.IsNullOrEmpty(File)) return place;
        return place.Length > 0 ? $"{File}:{place}" : File;
    }
}

/// <summary>One finding about a user's text: what is wrong, where, and what to do.</summary>
/// <param name="Message">What is wrong, in a plain sentence without a full stop.</param>
/// <param name="Mend">What to do about it; null where the message says it all.</param>
public sealed record Diagnostic(Severity Severity, SourcePosition Position, string Message, string? Mend = null)
{
    public static Diagnostic Error(SourcePosition position, string message, string? mend = null) =>
        new(Severity.Error, position, message, mend);

    public static Diagnostic Warning(SourcePosition position, string message, string? mend = null) =>
        new(Severity.Warning, position, message, mend);

    /// <summary><c>file:line:column: message; mend</c></summary>
    public override string ToString()
    {
        string place = Position.ToString();
        string text = Mend is null ? Message : $"{Message}; {Mend}";
        return place.Length > 0 ? $"{place}: {text}" : text;
    }
}

/// <summary>A configuration that cannot be used. Holds every finding, not only the first.</summary>
public sealed class ConfigurationException(IReadOnlyList<Diagnostic> diagnostics)
    : Exception(string.Join('\n', diagnostics.Where(d => d.Severity == Severity.Error)))
{
    public IReadOnlyList<Diagnostic> Diagnostics { get; } = diagnostics;
}
