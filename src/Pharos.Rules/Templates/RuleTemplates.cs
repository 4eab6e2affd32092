using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Rules;

/// <summary>Expands the label and annotation templates of alerting rules.</summary>
public static class RuleTemplates
{
    private const string Variables =
        "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

    private static readonly TemplateOptions Options = new() { MissingKey = MissingKey.Zero, OutputCharsMax = 1 << 20, StepsMax = 200_000 };

    private static readonly TemplateFunctions ForCheck = PrometheusTemplateFunctions.Create("", 0);

    /// <summary>The text that a template gives.</summary>
    /// <exception cref="TemplateException">It does not parse or failed.</exception>
    public static string Expand(string text, string ruleName, RuleTemplateData data, TemplateFunctions functions, CancellationToken cancel) =>
        text.Contains("{{", StringComparison.Ordinal)
            ? GoTemplate.Parse($"__alert_{ruleName}", Variables + text, functions, Options).Execute(data, cancel)
            : text;

    /// <summary>Why a template does not parse; null where it does.</summary>
    /// <param name="index">Place of the mistake in the text.</param>
    public static string? Check(string text, string ruleName, out int index)
    {
        index = 0;
        if (!text.Contains("{{", StringComparison.Ordinal)) return null;
        try
        {
            GoTemplate.Parse($"__alert_{ruleName}", Variables + text, ForCheck, Options);
            return null;
        }
        catch (TemplateException e)
        {
            index = IndexOf(text, e);
            return e.Reason;
        }
    }

    private static int IndexOf(string text, TemplateException e)
    {
        int line = 1, start = 0;
        while (line < e.Line)
        {
            int end = text.IndexOf('\n', start);
            if (end < 0) break;
            start = end + 1;
            line++;
        }
        int column = e.Column - 1 - (e.Line == 1 ? Variables.Length : 0);
        return Math.Clamp(start + column, 0, text.Length);
    }
}
