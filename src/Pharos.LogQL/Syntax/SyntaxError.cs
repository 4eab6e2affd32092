using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Makes the exception of a query that is wrong, with the place and the line that a caret points into.</summary>
internal static class SyntaxError
{
    public static QueryException At(string query, int index, string what)
    {
        var position = SourcePosition.At(query, index);
        int from = index > 0 ? query.LastIndexOf('\n', Math.Min(index, query.Length) - 1) + 1 : 0;
        int to = query.IndexOf('\n', Math.Min(index, query.Length));
        string line = query[from..(to < 0 ? query.Length : to)];
        string excerpt = line.Length is > 0 and <= 400 ? $"\n{line.Replace('\t', ' ')}\n{new string(' ', position.Column - 1)}^" : "";
        return new QueryException(QueryErrorKind.BadData, $"parse error at line {position.Line}, col {position.Column}: {what}{excerpt}", position);
    }

    /// <summary>For mistakes that concern the query as a whole.</summary>
    public static QueryException Whole(string what) => new(QueryErrorKind.BadData, $"parse error : {what}");
}
