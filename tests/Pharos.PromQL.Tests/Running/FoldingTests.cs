using Pharos.Core;

namespace Pharos.PromQL.Tests.Running;

/// <summary>Aggregations that fold series in shards, side by side.</summary>
public sealed class FoldingTests
{
    private const long StepMs = 60_000;
    private const int Steps = 7, SeriesCount = 1500;

    [Theory]
    [InlineData("sum")]
    [InlineData("avg")]
    [InlineData("min")]
    [InlineData("max")]
    [InlineData("count")]
    [InlineData("group")]
    [InlineData("stddev")]
    [InlineData("stdvar")]
    public async Task Shards_together_give_what_the_series_give_one_by_one(string operation)
    {
        var store = Filled(seed: 11);
        using var engine = Engine(store, parallelism: 4);
        foreach (string grouping in (string[])["", "by (job)", "by (instance)", "without (instance)", "by (__name__)"])
        {
            var series = (await engine.RangeAsync(TenantId.Anonymous, "x", 0, (Steps - 1) * StepMs, StepMs)).Matrix;
            var folded = (await engine.RangeAsync(TenantId.Anonymous, $"{operation} {grouping} (x)", 0, (Steps - 1) * StepMs, StepMs)).Matrix;
            var groups = series.GroupBy(s => grouping switch
            {
                "by (job)" => s.Labels.Only("job"),
                "by (instance)" => s.Labels.Only("instance"),
                "without (instance)" => s.Labels.Without("instance", Labels.MetricName),
                "by (__name__)" => s.Labels.Only(Labels.MetricName),
                _ => Labels.Empty,
            }).ToDictionary(g => g.Key);
            Assert.Equal(groups.Keys.Order(), folded.Select(f => f.Labels));
            foreach (var found in folded)
            {
                for (int i = 0; i < found.Timestamps.Count; i++)
                {
                    var values = groups[found.Labels].SelectMany(s => s.Timestamps.Zip(s.Values).Where(p => p.First == found.Timestamps[i]).Select(p => p.Second)).ToArray();
                    AssertClose(Naive(operation, values), found.Values[i], $"{operation} {grouping} {found.Labels} at {found.Timestamps[i]}");
                }
            }
        }
    }

    [Fact]
    public async Task Results_do_not_hang_on_the_number_of_threads()
    {
        var store = Filled(seed: 12);
        using var one = Engine(store, parallelism: 1);
        using var many = Engine(store, parallelism: 5);
        foreach (string query in (string[])["sum(x)", "avg by (job) (rate(x[5m]))", "stddev by (job) (x)", "topk(3, rate(x[5m]))", "sum by (job) (x / on (instance, job) x)"])
        {
            var expected = (await one.RangeAsync(TenantId.Anonymous, query, 0, (Steps - 1) * StepMs, StepMs)).Matrix;
            var found = (await many.RangeAsync(TenantId.Anonymous, query, 0, (Steps - 1) * StepMs, StepMs)).Matrix;
            Assert.Equal(expected.Select(s => s.Labels), found.Select(s => s.Labels));
            for (int i = 0; i < found.Count; i++) Assert.Equal(expected[i].Values.Select(BitConverter.DoubleToInt64Bits), found[i].Values.Select(BitConverter.DoubleToInt64Bits));
        }
    }

    [Fact]
    public async Task Histograms_among_many_series_are_summed_and_floats_beside_them_warned_of()
    {
        var store = new MemoryMetrics();
        var histogram = new Histogram { Schema = 0, Count = 3, Sum = 5, PositiveSpans = [new BucketSpan(0, 1)], PositiveBuckets = [3] };
        for (int i = 0; i < 900; i++) store.Add(Labels.Of((Labels.MetricName, "h"), ("instance", $"{i:D4}"), ("job", i % 2 == 0 ? "even" : "odd")), 0, histogram);
        store.Add(Labels.Of((Labels.MetricName, "h"), ("instance", "last"), ("job", "odd")), 0, 1);
        using var engine = Engine(store, parallelism: 3);
        var result = await engine.InstantAsync(TenantId.Anonymous, "sum by (job) (h)", 0);
        var sample = Assert.Single(result.Vector);
        Assert.Equal("even", sample.Labels["job"]);
        Assert.Equal(450 * 3, sample.Histogram!.Count);
        Assert.Contains("mix of histograms and floats", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_on_a_helper_ends_the_query()
    {
        var store = Filled(seed: 13);
        using var engine = new PromQlEngine(
            store, new PromQlOptions { ParallelismMax = 4 }, TimeProvider.System, new Instruments(), new FixedTenantLimits(new TenantLimits { QuerySamplesMax = 3 }));
        for (int i = 0; i < 20; i++)
        {
            var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.InstantAsync(TenantId.Anonymous, "sum(rate(x[7m]))", (Steps - 1) * StepMs));
            Assert.Contains("the limit is 3 samples", e.Message, StringComparison.Ordinal);
        }
    }

    private static double Naive(string operation, double[] values)
    {
        double mean = values.Average();
        double variance = values.Average(v => (v - mean) * (v - mean));
        // A number that is none stays behind every other.
        var numbers = values.Where(v => !double.IsNaN(v)).DefaultIfEmpty(double.NaN);
        return operation switch
        {
            "sum" => values.Sum(),
            "avg" => mean,
            "min" => numbers.Min(),
            "max" => numbers.Max(),
            "count" => values.Length,
            "group" => 1,
            "stdvar" => variance,
            _ => Math.Sqrt(variance),
        };
    }

    private static void AssertClose(double expected, double found, string what)
    {
        bool same = expected.Equals(found) || Math.Abs(expected - found) <= 1e-9 * Math.Max(1, Math.Abs(expected));
        Assert.True(same, $"{what}: {found} instead of {expected}");
    }

    private static PromQlEngine Engine(MemoryMetrics store, int parallelism) =>
        new(store, new PromQlOptions { ParallelismMax = parallelism, RangeCacheBytesMax = 0 }, TimeProvider.System, new Instruments());

    /// <summary>Series that come and go, some with values that are no numbers or have no end.</summary>
    private static MemoryMetrics Filled(int seed)
    {
        var random = new Random(seed);
        var store = new MemoryMetrics();
        for (int i = 0; i < SeriesCount; i++)
        {
            var labels = Labels.Of((Labels.MetricName, "x"), ("instance", $"{i:D5}"), ("job", $"job-{i % 13}"));
            for (int step = 0; step < Steps; step++)
            {
                if (random.Next(5) == 0)
                {
                    store.Add(labels, step * StepMs, SampleValue.Stale);
                    continue;
                }
                double value = i % 13 switch
                {
                    0 when random.Next(40) == 0 => double.NaN,
                    1 when random.Next(40) == 0 => double.PositiveInfinity,
                    _ => random.NextDouble() * 1000,
                };
                store.Add(labels, step * StepMs, value);
            }
        }
        return store;
    }
}
