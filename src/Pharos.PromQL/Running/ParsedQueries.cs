using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Running;

/// <summary>
/// Queries that were read lately: a dashboard or a rule asks the same text again and again, and its patterns keep what they learnt.
/// Trees are never changed once they are read. Those not asked for longest go first. Safe for several threads.
/// </summary>
internal sealed class ParsedQueries
{
    private const int EntriesMax = 512;

    /// <summary>Longer queries are rare, and would hold much memory.</summary>
    private const int LengthMax = 4096;

    private readonly Lock gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Text, Expr Expr)>> known = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Text, Expr Expr)> byUse = new();

    /// <exception cref="Core.QueryException">The text is no query.</exception>
    public Expr Parse(string query)
    {
        if (query.Length > LengthMax) return PromQlLanguage.Parse(query);
        lock (gate)
        {
            if (known.TryGetValue(query, out var node))
            {
                byUse.Remove(node);
                byUse.AddLast(node);
                return node.Value.Expr;
            }
        }
        var expr = PromQlLanguage.Parse(query);
        lock (gate)
        {
            if (!known.TryAdd(query, new LinkedListNode<(string, Expr)>((query, expr)))) return expr;
            byUse.AddLast(known[query]);
            if (known.Count > EntriesMax)
            {
                known.Remove(byUse.First!.Value.Text);
                byUse.RemoveFirst();
            }
        }
        return expr;
    }
}
