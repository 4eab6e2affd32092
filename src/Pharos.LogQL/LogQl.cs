using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL;

/// <summary>LogQL texts without running them.</summary>
public static class LogQl
{
    /// <summary>The query in its standard layout.</summary>
    /// <exception cref="QueryException">The query is wrong.</exception>
    public static string Format(string query) => Formatter.Format(Parser.Parse(query));

    /// <summary>Whether a query asks for numbers rather than lines.</summary>
    /// <inheritdoc cref="Format"/>
    public static bool IsMetric(string query) => Parser.Parse(query) is MetricExpr;

    /// <summary>The matchers of a selector such as <c>{app="shop"}</c>; <c>{}</c> and an empty text give none.</summary>
    /// <exception cref="QueryException">The text is no selector.</exception>
    public static IReadOnlyList<Matcher> Selector(string text) => string.IsNullOrWhiteSpace(text) ? [] : Parser.ParseSelector(text);

    /// <summary>The matchers of a log query's selector, its stages left out.</summary>
    /// <exception cref="QueryException">The text is no log query.</exception>
    public static IReadOnlyList<Matcher> MatchersOf(string query) => Parser.Parse(query) is LogExpr log
        ? log.Matchers
        : throw new QueryException(QueryErrorKind.BadData, "a log query is wanted here, not a metric query");
}
