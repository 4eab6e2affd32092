namespace Pharos.Templates;

/// <summary>A template that does not parse, or that failed while it ran. The message names template, line and cause as Go does.</summary>
public sealed class TemplateException(string template, int line, int column, string reason, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>Name of the template.</summary>
    public string Template { get; } = template;

    /// <summary>Line in the template's text, from 1; 0 where unknown.</summary>
    public int Line { get; } = line;

    /// <summary>Column in the line, from 1; 0 where unknown.</summary>
    public int Column { get; } = column;

    /// <summary>The cause alone, without the place.</summary>
    public string Reason { get; } = reason;
}

/// <summary>A template function refuses its arguments; the engine adds name and place.</summary>
public sealed class TemplateFunctionException(string message) : Exception(message);
