using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>
/// The same remote-written samples and the same queries in a real Prometheus and in this server; answers agree to the last bit, those of
/// functions that add up in another order or come from another library of mathematics to 1e-9, errors by type.
/// </summary>
[Trait("Category", "Conformance")]
public sealed class DifferentialTests
{
    private const string ListedFile = "tests/Pharos.Server.Tests/Prometheus/Differential/differences.txt";
    private const int RandomQueries = 2000;
    private const int DefaultSeed = 20260101;

    /// <summary>
    /// What may differ in its last bits: sums that slide or are folded in shards, deviations, sums of histograms, which later releases
    /// compensate, and functions that Go's library and that of the system round in their own ways.
    /// </summary>
    private static readonly Regex Rounded = new(
        @"avg|stddev|stdvar|(sum|quantile)_over_time|\bsum\b|histogram_|native_|deriv|predict_linear|double_exponential|"
        + @"\b(exp|ln|log2|log10|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|deg|rad)\b|\^");

    private static readonly int Seed = Environment.GetEnvironmentVariable("PROMQL_SEED") is { } seed ? int.Parse(seed, CultureInfo.InvariantCulture) : DefaultSeed;

    [Fact]
    public async Task Answers_agree_with_a_real_prometheus()
    {
        using var folder = Places.NewFolder();
        await using var prometheus = await RealPrometheus.StartAsync();
        await using var server = await PharosServer.StartAsync(
            new ServerOptions { Port = 0, DataFolder = folder }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        using var theirs = new QueryPeer(prometheus.Address);
        using var ours = new QueryPeer(server.Address);
        foreach (byte[] request in DifferentialData.Requests(Seed))
        {
            await theirs.WriteAsync(request);
            await ours.WriteAsync(request);
        }
        var listed = new Differences(Path.Combine(Places.Repository, ListedFile));
        var wrong = new ConcurrentBag<string>();
        int compared = 0, explained = 0;
        var queries = DifferentialQueries.Fixed().Concat(ComplianceQueries.Load().Select(c => c.Query)).Concat(DifferentialQueries.Random(Seed, RandomQueries)).ToArray();
        await Parallel.ForEachAsync(queries, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (query, _) =>
        {
            foreach (long at in new[] { DifferentialData.StartMs + 3_601_234, DifferentialData.StartMs + 7_300_000 })
                Compare(query, $"at {at}", await theirs.InstantAsync(query, at), await ours.InstantAsync(query, at));
            long start = DifferentialData.StartMs + 1_800_000, end = DifferentialData.StartMs + 5_400_000;
            Compare(query, "range", await theirs.RangeAsync(query, start, end, 97_000), await ours.RangeAsync(query, start, end, 97_000));
        });
        // Another seed need not show every difference.
        foreach (string unused in Seed == DefaultSeed ? listed.Unused : []) wrong.Add($"the list explains what does not differ any more: {unused}");
        string report = $"{compared} answers to {queries.Length} queries compared, {explained} differences explained, {wrong.Count} not (seed {Seed})";
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        ConformanceRun.Report("promql differential", compared - explained - wrong.Count, explained, compared);
        if (Environment.GetEnvironmentVariable("PROMQL_DIFFERENCES") is { } path) File.WriteAllText(path, report + "\n" + string.Join('\n', wrong));
        Assert.True(wrong.IsEmpty, report + ":\n" + string.Join('\n', wrong.Take(30)));
        Assert.True(compared > 7000);

        void Compare(string query, string where, Answer expected, Answer actual)
        {
            Interlocked.Increment(ref compared);
            if (Difference(expected, actual, Rounded.IsMatch(query) ? 1e-9 : 0) is not { } difference) return;
            if (listed.Explain(query, difference)) Interlocked.Increment(ref explained);
            else wrong.Add($"{query} ({where}): {difference}");
        }
    }

    [Fact]
    public void A_wrong_answer_is_noticed()
    {
        var right = new Answer(null, new() { ["{}"] = [new(1, [2.0])] }, []);
        Assert.Null(Difference(right, right));
        Assert.Null(Difference(right, right with { Series = new() { ["{}"] = [new(1, [2.0 + 1e-10])] } }));
        Assert.NotNull(Difference(right, right with { Series = new() { ["{}"] = [new(1, [2.0 + 1e-8])] } }));
        Assert.Null(Difference(right, right, share: 0));
        Assert.NotNull(Difference(right, right with { Series = new() { ["{}"] = [new(1, [double.BitIncrement(2.0)])] } }, share: 0));
        Assert.NotNull(Difference(right, right with { Series = new() { ["{}"] = [new(2, [2.0])] } }));
        Assert.NotNull(Difference(right, right with { Series = new() { ["{}"] = [new(1, [2.0, 3.0])] } }));
        var histogram = right with { Series = new() { ["{}"] = [new(1, [5, 3, 0, 1, 2, 5])] } };
        Assert.Null(Difference(histogram, right with { Series = new() { ["{}"] = [new(1, [5, 3, 0, 1, 2, 5, 0, 2, 4, 1e-15])] } }));
        Assert.NotNull(Difference(histogram, right with { Series = new() { ["{}"] = [new(1, [5, 3, 0, 1, 2, 5, 0, 2, 4, 1e-5])] } }));
        Assert.NotNull(Difference(histogram, right with { Series = new() { ["{}"] = [new(1, [5, 3, 0, 1, 4, 5])] } }));
        Assert.NotNull(Difference(right, right with { Series = [] }));
        Assert.NotNull(Difference(right, right with { Error = "422 execution: no" }));
        Assert.NotNull(Difference(right with { Error = "400 bad_data: no" }, right with { Error = "422 execution: no" }));
        Assert.NotNull(Difference(right, right with { Annotations = ["PromQL warning: x"] }));
    }

    /// <param name="share">How much numbers may differ, by the larger of them; 0: not at all.</param>
    private static string? Difference(Answer expected, Answer actual, double share = 1e-9)
    {
        if (expected.ErrorType != actual.ErrorType) return $"error {actual.Error ?? "none"} instead of {expected.Error ?? "none"}";
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
                if (!Near(points[i].Numbers, found[i].Numbers, share))
                    return $"{labels} at {points[i].TimestampMs}: {Show(found[i])} instead of {Show(points[i])}";
            }
        }
        return expected.Annotations.Order(StringComparer.Ordinal).SequenceEqual(actual.Annotations.Order(StringComparer.Ordinal))
            ? null
            : $"says {string.Join(" | ", actual.Annotations)} instead of {string.Join(" | ", expected.Annotations)}";
    }

    private static string Show(AnswerPoint point) => string.Join(' ', point.Numbers.Select(n => n.ToString("R", CultureInfo.InvariantCulture)));

    /// <summary>
    /// A float, count and sum are compared by themselves. Buckets, four numbers each, are compared by the scale of the fullest:
    /// where sums cancel out, one engine may be left with a trace in a bucket that is empty in the other.
    /// </summary>
    private static bool Near(double[] expected, double[] actual, double share)
    {
        int alone = Math.Min(2, expected.Length);
        if (alone != Math.Min(2, actual.Length)) return false;
        for (int i = 0; i < alone; i++)
        {
            if (!Near(expected[i], actual[i], share)) return false;
        }
        var (wanted, found) = (Buckets(expected).ToList(), Buckets(actual).ToList());
        double least = share * wanted.Concat(found).Select(b => Math.Abs(b[3])).DefaultIfEmpty().Max();
        wanted.RemoveAll(b => Math.Abs(b[3]) <= least);
        found.RemoveAll(b => Math.Abs(b[3]) <= least);
        return wanted.Count == found.Count
            && wanted.Zip(found).All(p => Math.Abs(p.First[3] - p.Second[3]) <= least && p.First.Take(3).Zip(p.Second).All(n => Near(n.First, n.Second, share)));
    }

    private static IEnumerable<double[]> Buckets(double[] numbers) => numbers.Skip(2).Chunk(4);

    private static bool Near(double expected, double actual, double share)
    {
        if (double.IsNaN(expected) || double.IsNaN(actual)) return double.IsNaN(expected) && double.IsNaN(actual);
        return expected == actual || Math.Abs(expected - actual) <= share * Math.Max(Math.Abs(expected), Math.Abs(actual));
    }
}
