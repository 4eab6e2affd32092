using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL;

/// <summary>Reads, checks and prints PromQL, without running it.</summary>
public static class PromQlLanguage
{
    /// <summary>Longest query that is read, in characters.</summary>
    public const int QueryLengthMax = 1 << 20;

    /// <summary>Reads and type-checks a query.</summary>
    /// <exception cref="QueryException">Kind BadData; the message says line:column, what was found and what was expected.</exception>
    public static Expr Parse(string query)
    {
        if (query.Length > QueryLengthMax)
            throw new QueryException(QueryErrorKind.BadData, $"query is {query.Length} characters long, at most {QueryLengthMax} are read");
        return Parser.Parse(query);
    }

    /// <summary>Reads a series selector (<c>match[]</c>): its matchers, that of the name included.</summary>
    /// <exception cref="QueryException">Kind BadData; the text is no selector, or would select every series.</exception>
    public static IReadOnlyList<Matcher> ParseSelector(string selector) => Parser.ParseSelector(selector).Matchers;

    /// <summary>The query in Prometheus's standard layout; lines longer than 100 characters are split.</summary>
    /// <exception cref="QueryException">The text is no query.</exception>
    public static string Format(string query) => Printer.Pretty(Parse(query));

    /// <summary>Findings about a query; empty where it can run.</summary>
    public static IReadOnlyList<Diagnostic> Check(string query)
    {
        try
        {
            Parse(query);
            return [];
        }
        catch (QueryException e)
        {
            string message = e.Message;
            string place = $"{e.Position}: ";
            if (e.Position.Line > 0 && message.StartsWith(place, StringComparison.Ordinal)) message = message[place.Length..];
            return [Diagnostic.Error(e.Position, message)];
        }
    }

    /// <summary>The line of a query that a place is in and, below it, a caret under the place; empty where there is no place.</summary>
    public static string Point(string query, SourcePosition position)
    {
        const int before = 60, shownMax = 120;
        string[] lines = query.Split('\n');
        if (position.Line < 1 || position.Line > lines.Length) return "";
        string line = lines[position.Line - 1].Replace('\t', ' ').TrimEnd('\r');
        int column = Math.Clamp(position.Column - 1, 0, line.Length);
        int from = Math.Max(0, column - before), to = Math.Min(line.Length, from + shownMax);
        string shown = (from > 0 ? "…" : "") + line[from..to] + (to < line.Length ? "…" : "");
        return $"  {shown}\n  {new string(' ', column - from + (from > 0 ? 1 : 0))}^";
    }

    /// <summary>All selectors of a query, inside subqueries too, in the order of the text.</summary>
    public static IReadOnlyList<VectorSelector> SelectorsOf(Expr query)
    {
        var found = new List<VectorSelector>();
        Walk(query);
        return found;

        void Walk(Expr expr)
        {
            if (expr is VectorSelector selector) found.Add(selector);
            foreach (var child in expr.Children) Walk(child);
        }
    }
}
