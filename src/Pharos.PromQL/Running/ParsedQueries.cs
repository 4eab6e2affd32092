using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Running;

/// <summary>
/// Queries that were read lately: a dashboard or a rule asks the same text again and again, and its patterns keep what they learnt.
/// Trees are never changed once they are read. Safe for several threads.
/// </summary>
internal sealed class ParsedQueries
{
    /// <summary>Characters of all texts. A tree and its patterns take much more.</summary>
    private const int LengthMax = 64 << 10;

    private readonly SizedCache<string, Expr> known = new(LengthMax);

    /// <exception cref="QueryException">The text is no query.</exception>
    public Expr Parse(string query)
    {
        if (known.Find(query) is { } found) return found;
        var expr = PromQlLanguage.Parse(query);
        known.Put(query, expr, query.Length + 64);
        return expr;
    }
}
