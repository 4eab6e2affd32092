using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Rules;

/// <summary>The functions of Prometheus's rule and console templates.</summary>
public static class PrometheusTemplateFunctions
{
    /// <param name="externalUrl">The address under which users reach this server, without a slash at the end.</param>
    /// <param name="timestampMs">The evaluation time.</param>
    /// <param name="query">Answers <c>query "expr"</c>; null refuses it.</param>
    public static TemplateFunctions Create(string externalUrl, long timestampMs, Func<string, IReadOnlyList<VectorSample>>? query = null)
    {
        string pathPrefix = Uri.TryCreate(externalUrl, UriKind.Absolute, out var uri) ? uri.AbsolutePath.TrimEnd('/') : "";
        return new TemplateFunctions()
            .Set("query", (string expression) => query is null
                ? throw new TemplateFunctionException("queries are not available here")
                : new QueryResult(query(expression).Select(s => new QuerySample(s.Labels, s.Value))))
            .Set("first", (IReadOnlyList<object> vector) => vector.Count > 0
                ? vector[0]
                : throw new TemplateFunctionException("first() called on vector with no elements"))
            .Set("label", (string name, object sample) => Sample(sample).Labels[name])
            .Set("value", (object sample) => Sample(sample).Value)
            .Set("strvalue", (object sample) => Sample(sample).Labels["__value__"])
            .Set("sortByLabel", (string name, IReadOnlyList<object> vector) =>
                new QueryResult(vector.Select(Sample).OrderBy(s => s.Labels[name], StringComparer.Ordinal)))
            .SetVariadic<object>("args", 0, a => Arguments(a))
            .Set("tmpl", TemplateFunction.WithContext([typeof(string), typeof(object)], null,
                (context, a) => new SafeText(SafeKind.Html, context.Render((string)a[0]!, a[1]))))
            .Set("safeHtml", (string text) => new SafeText(SafeKind.Html, text))
            .Set("externalURL", () => externalUrl)
            .Set("pathPrefix", () => pathPrefix)
            .Set("graphLink", (string expression) => GraphLink(expression))
            .Set("tableLink", (string expression) => TableLink(expression))
            .Set("urlQueryEscape", (string text) => GoText.UrlQueryEscape(text))
            .Set("reReplaceAll", (string pattern, string replacement, string text) => GoText.ReReplaceAll(pattern, replacement, text))
            .Set("match", (string pattern, string text) => GoText.Match(pattern, text))
            .Set("title", (string text) => GoText.Title(text))
            .Set("toUpper", (string text) => text.ToUpperInvariant())
            .Set("toLower", (string text) => text.ToLowerInvariant())
            .Set("stripPort", (string text) => GoText.StripPort(text))
            .Set("stripDomain", (string text) => GoText.StripDomain(text))
            .Set("humanize", (object value) => Humanize.Metric(value))
            .Set("humanize1024", (object value) => Humanize.Bytes(value))
            .Set("humanizeDuration", (object value) => Humanize.Duration(value))
            .Set("humanizePercentage", (object value) => Humanize.Percentage(value))
            .Set("humanizeTimestamp", (object value) => Humanize.Timestamp(value))
            .Set("toTime", (object value) => Humanize.ToTime(value))
            .Set("toDuration", (object value) => GoDuration.FromSeconds(Humanize.ToFloat(value)))
            .Set("now", () => timestampMs / 1000.0)
            .Set("parseDuration", (string text) => ParseDuration(text));
    }

    /// <summary>Path of the page that graphs an expression.</summary>
    public static string GraphLink(string expression) => $"/graph?g0.expr={GoText.UrlQueryEscape(expression)}&g0.tab=0";

    /// <summary>Path of the page that shows an expression's result as a table.</summary>
    public static string TableLink(string expression) => $"/graph?g0.expr={GoText.UrlQueryEscape(expression)}&g0.tab=1";

    private static QuerySample Sample(object? value) => value as QuerySample
        ?? throw new TemplateFunctionException("wrong type for value; expected *template.sample");

    private static Dictionary<string, object?> Arguments(object?[] values)
    {
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (int i = 0; i < values.Length; i++) named[$"arg{i}"] = values[i];
        return named;
    }

    private static double ParseDuration(string text)
    {
        bool negative = text.StartsWith('-');
        if (!PromDuration.TryParseMs(negative ? text.AsSpan(1) : text, out long ms, out string? error)) throw new TemplateFunctionException(error!);
        return (negative ? -ms : ms) / 1000.0;
    }
}
