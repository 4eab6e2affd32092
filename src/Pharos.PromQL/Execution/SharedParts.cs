using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Parts that stand in a query more than once: each is evaluated once for a grid, and every place gets a copy.</summary>
internal sealed class SharedParts
{
    private readonly Dictionary<Expr, Part> places = [];

    /// <summary>Finds the parts: calls and aggregations that are printed alike, the outermost of each.</summary>
    public static SharedParts Find(Expr query)
    {
        var shared = new SharedParts();
        var byText = new Dictionary<string, List<Expr>>(StringComparer.Ordinal);
        Collect(query);
        foreach (var alike in byText.Values)
        {
            if (alike.Count < 2) continue;
            // What the evaluation finds is said of the last place.
            var part = new Part(alike[^1]);
            foreach (var expr in alike) shared.places[expr] = part;
        }
        return shared;

        void Collect(Expr expr)
        {
            if (expr is AggregateExpr or CallExpr && expr.Type == ExprType.Vector)
            {
                string text = expr.ToString();
                if (!byText.TryGetValue(text, out var alike)) byText.Add(text, alike = []);
                alike.Add(expr);
                // Inside a part that is evaluated once everything is.
                if (alike.Count > 1) return;
            }
            foreach (var child in expr.Children) Collect(child);
        }
    }

    /// <summary>The columns of a shared part, or null where the part stands alone and is evaluated as it comes.</summary>
    public IEnumerable<Column>? Columns(Expr expr, Grid grid, Func<Expr, IEnumerable<Column>> evaluate)
    {
        if (!places.TryGetValue(expr, out var part)) return null;
        return Copies(part, grid, evaluate);
    }

    /// <summary>Whether the expression is such a part.</summary>
    public bool Has(Expr expr) => places.ContainsKey(expr);

    private static IEnumerable<Column> Copies(Part part, Grid grid, Func<Expr, IEnumerable<Column>> evaluate)
    {
        if (!part.ByGrid.TryGetValue(grid, out var known))
        {
            known = [.. evaluate(part.Last)];
            part.ByGrid.Add(grid, known);
        }
        foreach (var column in known) yield return column.Copy();
    }

    private sealed class Part(Expr last)
    {
        /// <summary>The place that is evaluated.</summary>
        public Expr Last { get; } = last;

        public Dictionary<Grid, List<Column>> ByGrid { get; } = [];
    }
}
