using System.Globalization;

namespace Pharos.Bench;

/// <summary>A query of the bench.</summary>
/// <param name="Paths">Asked at once.</param>
/// <param name="IsLarge">Its memory is measured in a process of its own.</param>
/// <param name="Growth">The row of the table of growth in which it stands, smaller queries before larger ones; null for none.</param>
/// <param name="GrowthOnly">It does not count in the means.</param>
internal sealed record BenchQuery(string Name, string[] Paths, bool IsLarge = false, string? Growth = null, bool GrowthOnly = false);

/// <summary>What is asked of <see cref="PromQlLoad"/>.</summary>
internal static class PromQlQueries
{
    /// <summary>Makes sure that what any query needs is loaded, before memory is measured.</summary>
    public const string WarmUp = "api/v1/query?query=count(http_requests_total)";

    public static IEnumerable<BenchQuery> Of(PromQlShape shape, long endMs)
    {
        long e = endMs / 1000, s = e - (long)(shape.Hours * 3600);
        string whole = $"start={s}&end={e}", large = Last(shape.LargeHours), middle = Last(shape.MiddleHours), six = Last(Math.Min(6, shape.Hours));
        string largeHours = Text(shape.LargeHours), middleHours = Text(shape.MiddleHours), sixHours = Text(Math.Min(6, shape.Hours));
        yield return new("one series, whole range at 1 m", [Range("http_requests_total{instance=\"10.0.0.1:9100\"}", whole, 60)]);
        yield return new("sum by rate, 1k series, instant", [Instant("sum by (job) (rate(http_requests_total[5m]))")], Growth: "series, instant");
        yield return new("sum by rate, 10k series, instant", [Instant("sum by (job) (rate(rpc_requests_total[5m]))")], Growth: "series, instant");
        yield return new("sum by rate, 100k series, instant", [Instant("sum by (job) (rate(edge_requests_total[5m]))")], IsLarge: true, Growth: "series, instant");
        yield return new($"sum by rate, 100 series, {sixHours} at 1 m", [Range("sum by (job) (rate(http_requests_total{job=~\"service-[12]\"}[5m]))", six, 60)]);
        if (shape.Hours > 1) yield return new("sum by rate, 1k series, 1 h at 1 m", [Range("sum by (job) (rate(http_requests_total[5m]))", Last(1), 60)], Growth: "range, 1k series", GrowthOnly: true);
        yield return new($"sum by rate, 1k series, {sixHours} at 1 m", [Range("sum by (job) (rate(http_requests_total[5m]))", six, 60)], Growth: "range, 1k series");
        if (shape.Hours > 6) yield return new($"sum by rate, 1k series, {Text(shape.Hours)} at 1 m", [Range("sum by (job) (rate(http_requests_total[5m]))", whole, 60)], Growth: "range, 1k series", GrowthOnly: true);
        yield return new($"sum by rate, 10k series, {middleHours} at 1 m", [Range("sum by (job) (rate(rpc_requests_total[5m]))", middle, 60)], IsLarge: true);
        yield return new($"sum by rate, 100k series, {largeHours} at 1 m", [Range("sum by (job) (rate(edge_requests_total[5m]))", large, 60)], IsLarge: true);
        yield return new($"topk of rate, 1k series, {sixHours} at 1 m", [Range("topk(5, rate(http_requests_total[5m]))", six, 60)], IsLarge: true);
        yield return new("histogram_quantile, 10k buckets, instant", [Instant("histogram_quantile(0.95, sum by (le, job) (rate(rpc_latency_seconds_bucket[5m])))")]);
        yield return new($"histogram_quantile, 10k buckets, {middleHours} at 1 m", [Range("histogram_quantile(0.95, sum by (le, job) (rate(rpc_latency_seconds_bucket[5m])))", middle, 60)], IsLarge: true);
        yield return new("selective regular expression, 10k series, instant", [Instant("sum(rpc_requests_total{instance=~\"10.0.0.1[0-9]:9100\"})")]);
        yield return new("unselective regular expression, 10k series, instant", [Instant("count(rpc_requests_total{instance=~\".*9100\", path!~\"/p1.*\"})")]);
        yield return new("binary operation, 10k by 10k series, instant", [Instant("sum(rpc_requests_total / on (instance, job) group_left rpc_memory_bytes)")]);
        yield return new($"binary operation, 10k by 10k series, {middleHours} at 5 m", [Range("sum(rpc_requests_total / on (instance, job) group_left rpc_memory_bytes)", middle, 300)], IsLarge: true);
        yield return new("sub-query", [Instant("max_over_time(sum by (job) (rate(http_requests_total[5m]))[3h:1m])")]);
        yield return new($"avg_over_time 1 h, 1k series, {sixHours} at 1 m", [Range("sum by (job) (avg_over_time(memory_bytes[1h]))", six, 60)]);
        yield return new($"quantile_over_time 1 h, 100 series, {sixHours} at 1 m", [Range("max by (job) (quantile_over_time(0.9, memory_bytes{job=~\"service-[12]\"}[1h]))", six, 60)]);
        yield return new("sum by, 1k series, whole range at 15 m", [Range("sum by (job) (http_requests_total)", whole, 900)], IsLarge: true);
        yield return new("label values, 100k", [$"api/v1/label/id/values?{large}"], IsLarge: true);
        yield return new(
            "dashboard of 20 panels at once",
            [.. Enumerable.Range(0, 20).Select(i => Range($"sum by (path) (rate(http_requests_total{{job=\"service-{i}\"}}[5m]))", six, 60))], IsLarge: true);

        string Last(double hours) => $"start={e - (long)(hours * 3600)}&end={e}";
        static string Text(double hours) => string.Create(CultureInfo.InvariantCulture, $"{hours:0.#} h");
        // nocache: neither Pharos nor VictoriaMetrics may answer from kept results; Prometheus keeps none.
        string Instant(string query) => $"api/v1/query?query={Uri.EscapeDataString(query)}&time={e}&nocache=1";
        string Range(string query, string range, int step) => $"api/v1/query_range?query={Uri.EscapeDataString(query)}&{range}&step={step}&nocache=1";
    }
}
