using Pharos.Templates.Formatting;

namespace Pharos.Templates.Execution;

/// <summary>What one execution may still spend, nested templates included.</summary>
internal sealed class Budget(TemplateOptions options, CancellationToken cancel)
{
    private int steps;
    private int chars;

    public CancellationToken Cancel { get; } = cancel;

    public void Step()
    {
        if (++steps > options.StepsMax) throw new TemplateFunctionException($"template takes more than {options.StepsMax} steps");
        if ((steps & 0xf) != 0) return;
        Cancel.ThrowIfCancellationRequested();
        options.Watch?.Invoke();
    }

    public void Written(int count)
    {
        chars += count;
        if (chars > options.OutputCharsMax) throw new TemplateFunctionException($"output is longer than {options.OutputCharsMax} characters");
    }
}

/// <summary>Where text and values of a template go.</summary>
internal interface IOutput
{
    /// <summary>Text that the template's author wrote.</summary>
    void Text(string text);

    /// <summary>A value: in HTML mode escaped for the place where it stands.</summary>
    void Value(object? value);
}

internal sealed class PlainOutput(TextWriter writer, Budget budget) : IOutput
{
    public void Text(string text)
    {
        budget.Written(text.Length);
        writer.Write(text);
    }

    public void Value(object? value) => Text(value is null ? "<no value>" : GoFormat.Value(value));
}
