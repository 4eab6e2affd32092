using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>The same samples and queries in a real Prometheus and in this engine; answers agree to 1e-9.</summary>
[Trait("Category", "Conformance")]
public sealed class DifferentialTests
{
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("PROMQL_SEED") ?? "20260101", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task Answers_agree_with_a_real_prometheus()
    {
        var store = new MemoryMetrics();
        string samples = DifferentialData.Fill(store, Seed);
        await using var prometheus = await RealPrometheus.StartAsync(samples);
        using var engine = new PromQlEngine(store, new PromQlOptions { ParallelismMax = 3 }, TimeProvider.System, new Instruments());
        var wrong = new List<string>();
        int compared = 0;
        var queries = DifferentialQueries.Fixed().Select(q => (Query: q, Fixed: true))
            .Concat(DifferentialQueries.Random(Seed, 400).Select(q => (Query: q, Fixed: false))).ToArray();
        foreach (var (query, isFixed) in queries)
        {
            foreach (long at in new[] { DifferentialData.StartMs + 3_601_234, DifferentialData.StartMs + 7_300_000 })
            {
                compared++;
                Compare(query, $"at {at}", await prometheus.InstantAsync(query, at), await Instant(engine, query, at), isFixed, wrong);
            }
            long start = DifferentialData.StartMs + 1_800_000, end = DifferentialData.StartMs + 5_400_000;
            compared++;
            Compare(query, "range", await prometheus.RangeAsync(query, start, end, 97_000), await Range(engine, query, start, end, 97_000), isFixed, wrong);
        }
        if (Environment.GetEnvironmentVariable("PROMQL_DIFFERENCES") is { } path) File.WriteAllText(path, string.Join('\n', wrong));
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {compared} differ (seed {Seed}):\n" + string.Join('\n', wrong.Take(30)));
        Assert.True(compared > 1500);
    }

    [Fact]
    public void A_wrong_answer_is_noticed()
    {
        var right = new Answer(null, new() { ["{}"] = [(1, 2.0)] }, []);
        var wrong = new List<string>();
        Compare("x", "", right, right with { Series = new() { ["{}"] = [(1, 2.0 + 1e-8)] } }, true, wrong);
        Compare("x", "", right, right with { Series = [] }, true, wrong);
        Compare("x", "", right, right with { Error = "no" }, true, wrong);
        Compare("x", "", right, right with { Annotations = ["PromQL warning: x"] }, true, wrong);
        Assert.Equal(4, wrong.Count);
        Compare("x", "", right, right, true, wrong);
        Assert.Equal(4, wrong.Count);
    }

    private static async Task<Answer> Instant(PromQlEngine engine, string query, long at) =>
        await Ask(async () => Shape(await engine.InstantAsync(TenantId.Anonymous, query, at)));

    private static async Task<Answer> Range(PromQlEngine engine, string query, long start, long end, long step) =>
        await Ask(async () => Shape(await engine.RangeAsync(TenantId.Anonymous, query, start, end, step)));

    private static async Task<Answer> Ask(Func<Task<Answer>> ask)
    {
        try
        {
            return await ask();
        }
        catch (QueryException e)
        {
            return new Answer(e.Message, [], []);
        }
    }

    private static Answer Shape(QueryResult result)
    {
        var series = new SortedDictionary<string, List<(long, double)>>(StringComparer.Ordinal);
        switch (result.Type)
        {
            case QueryResultType.Scalar:
                series[""] = [(result.TimestampMs, result.Scalar)];
                break;
            case QueryResultType.Vector:
                foreach (var sample in result.Vector) series[sample.Labels.ToString()] = [(sample.TimestampMs, sample.Value)];
                break;
            case QueryResultType.Matrix:
                foreach (var one in result.Matrix) series[one.Labels.ToString()] = [.. one.Timestamps.Zip(one.Values)];
                break;
        }
        return new Answer(null, series, [.. result.Warnings, .. result.Infos]);
    }

    private static void Compare(string query, string where, Answer expected, Answer actual, bool annotations, List<string> wrong)
    {
        if (Difference(expected, actual, annotations) is { } difference) wrong.Add($"{query} ({where}): {difference}");
    }

    private static string? Difference(Answer expected, Answer actual, bool annotations)
    {
        // Since 3.6 several series that match one are an error of a comparison even where it would filter them.
        if (expected.Error is null && actual.Error is not null && actual.Error.StartsWith("multiple matches for labels: many-to-one", StringComparison.Ordinal)) return null;
        if ((expected.Error is null) != (actual.Error is null)) return $"error {actual.Error ?? "none"} instead of {expected.Error ?? "none"}";
        if (expected.Error is not null) return null;
        if (!expected.Series.Keys.SequenceEqual(actual.Series.Keys))
        {
            return $"series {string.Join(' ', actual.Series.Keys.Except(expected.Series.Keys).Take(2))} unexpected, "
                + $"{string.Join(' ', expected.Series.Keys.Except(actual.Series.Keys).Take(2))} missing";
        }
        foreach (var (labels, points) in expected.Series)
        {
            var found = actual.Series[labels];
            if (!points.Select(p => p.TimestampMs).SequenceEqual(found.Select(p => p.TimestampMs))) return $"{labels}: {found.Count} points instead of {points.Count}, or at other times";
            for (int i = 0; i < points.Count; i++)
            {
                if (!Near(points[i].Value, found[i].Value)) return $"{labels} at {points[i].TimestampMs}: {found[i].Value:R} instead of {points[i].Value:R}";
            }
        }
        if (annotations && !Texts(expected).SequenceEqual(Texts(actual)))
            return $"says {string.Join(" | ", actual.Annotations)} instead of {string.Join(" | ", expected.Annotations)}";
        return null;
    }

    // Older releases name the empty metric in this info, and do not yet warn of sorting in vain.
    private static IEnumerable<string> Texts(Answer answer) => answer.Annotations
        .Where(a => !a.Contains("sort is ineffective", StringComparison.Ordinal))
        .Select(a => a.Contains("fixed for monotonicity", StringComparison.Ordinal) ? Regex.Replace(a, " for metric name \"[^\"]*\"", "") : a)
        .Order(StringComparer.Ordinal);

    private static bool Near(double expected, double actual)
    {
        if (double.IsNaN(expected) || double.IsNaN(actual)) return double.IsNaN(expected) && double.IsNaN(actual);
        return expected == actual || Math.Abs(expected - actual) <= 1e-9 * Math.Max(1, Math.Max(Math.Abs(expected), Math.Abs(actual)));
    }
}
