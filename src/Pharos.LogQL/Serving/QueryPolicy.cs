using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Serving;

/// <summary>Refuses queries that a tenant may not ask, before they run. Source of the texts: Loki's limits middleware.</summary>
internal static class QueryPolicy
{
    /// <summary>Longest text of a query, bytes.</summary>
    private const int TextBytesMax = 128 * 1024;

    /// <exception cref="QueryException">The text is no query, or one that must not run.</exception>
    public static Expr Parse(string text, TenantLimits limits)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > TextBytesMax) throw Bad($"parse error : input size too long ({bytes} > {TextBytesMax})");
        var expr = Parser.Parse(text);
        if (limits.BlockedQueries.Any(r => r.Matches(text))) throw Bad("query blocked by policy");
        foreach (var range in limits.Logs.RangeMax > TimeSpan.Zero ? ExprWalk.Ranges(expr) : [])
        {
            if (range.RangeNs > limits.Logs.RangeMax.Ticks * 100)
                throw Bad($"[interval] value exceeds limit: [{PromDuration.FormatMs(range.RangeNs / 1_000_000)}] > [{PromDuration.Format(limits.Logs.RangeMax)}]");
        }
        foreach (var selector in ExprWalk.Selectors(expr)) CheckLabels(selector, limits.Logs);
        return expr;
    }

    private static void CheckLabels(LogExpr selector, LogLimits limits)
    {
        var present = selector.Matchers.Select(m => m.Name).Distinct(StringComparer.Ordinal).ToList();
        var missing = limits.RequiredLabels.Except(present, StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
            throw Bad($"stream selector is missing required matchers [{string.Join(", ", missing)}], labels present in the query were [{string.Join(", ", present)}]");
        if (present.Count < limits.LabelsMin)
            throw Bad(string.Create(CultureInfo.InvariantCulture, $"stream selector has less label matchers than required: (present: [{string.Join(", ", present)}], number_present: {present.Count}, required_number_label_matchers: {limits.LabelsMin})"));
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
