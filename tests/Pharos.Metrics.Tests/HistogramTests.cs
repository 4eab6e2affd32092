using Pharos.Core;
using Pharos.Metrics.Chunks;
using Pharos.Metrics.Head;

namespace Pharos.Metrics.Tests;

public sealed class HistogramTests
{
    [Theory]
    [InlineData("ints")]
    [InlineData("floats")]
    [InlineData("custom")]
    [InlineData("stale")]
    public async Task Histograms_read_the_same_from_head_log_and_block(string kind)
    {
        await using var at = new StoreFixture();
        var labels = Labels.Of(("__name__", kind));
        using var batch = new MetricBatch();
        int series = batch.AddSeries(labels);
        var expected = new List<Histogram>();
        for (int i = 0; i < 300; i++)
        {
            var histogram = kind switch
            {
                "ints" => Histograms.Exponential(i, i % 10 == 9),
                "floats" => Histograms.Float(i),
                "custom" => Histograms.Custom(i),
                _ => i % 20 == 19 ? Histogram.StaleMarker : Histograms.Exponential(i),
            };
            expected.Add(histogram);
            batch.AddHistogram(series, at.Now + (i * 1000), histogram);
        }
        Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
        void Check()
        {
            using var columns = new SampleColumns();
            at.Select(TimeRange.All).Single().Read(TimeRange.All, columns);
            Assert.Equal(Enumerable.Range(0, 300).Select(i => at.Now + (i * 1000)), columns.Timestamps.ToArray());
            for (int i = 0; i < 300; i++) Same(expected[i], columns.Histograms[i]!);
        }
        Check();
        await at.RestartAsync();
        Check();
        await at.Store.FlushAsync(default);
        Check();
    }

    [Fact]
    public void A_series_may_change_between_floats_and_histograms()
    {
        var series = new MemSeries(1, []);
        for (int i = 0; i < 100; i++)
        {
            if (i / 10 % 2 == 0) series.Append(i, i, 7_200_000, new ChunkArena());
            else series.Append(i, Histograms.Exponential(i), 7_200_000, new ChunkArena());
        }
        using var columns = new SampleColumns();
        series.Capture().Read(TimeRange.All, columns);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(i, columns.Timestamps[i]);
            if (i / 10 % 2 == 0) Assert.Equal(i, columns.Values[i]);
            else Same(Histograms.Exponential(i), columns.Histograms[i]!);
        }
    }

    [Fact]
    public void A_reset_is_marked_on_the_first_histogram_after_it()
    {
        var series = new MemSeries(1, []);
        for (int i = 0; i < 5; i++) series.Append(i, Histograms.Exponential(i), 7_200_000, new ChunkArena());
        series.Append(5, Histograms.Exponential(0), 7_200_000, new ChunkArena());
        series.Append(6, Histograms.Exponential(1), 7_200_000, new ChunkArena());
        using var columns = new SampleColumns();
        series.Capture().Read(TimeRange.All, columns);
        Assert.Equal(
            [CounterResetHint.Unknown, CounterResetHint.NotReset, CounterResetHint.NotReset, CounterResetHint.NotReset, CounterResetHint.NotReset, CounterResetHint.Reset, CounterResetHint.NotReset],
            columns.Histograms.ToArray().Select(h => h!.ResetHint));
    }

    [Fact]
    public void Zero_thresholds_of_every_kind_survive()
    {
        foreach (double threshold in (double[])[0, 0.5, 1, 0.001, 2.938735877055719e-39, double.Epsilon, 1024, 2048, 3, Math.ScaleB(1, -243), Math.ScaleB(1, -244)])
        {
            var data = HistogramChunk.Write([(5, new Histogram { ZeroThreshold = threshold, Count = 1, ZeroCount = 1 })], CounterResetHint.Gauge, out var encoding);
            using var columns = new SampleColumns();
            ChunkReader.Read(encoding, data, TimeRange.All, columns);
            Assert.Equal(threshold, columns.Histograms[0]!.ZeroThreshold);
            Assert.Equal(CounterResetHint.Gauge, columns.Histograms[0]!.ResetHint);
        }
    }

    [Fact]
    public async Task A_bad_histogram_is_refused_and_costs_the_others_nothing()
    {
        await using var at = new StoreFixture();
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "h")));
        batch.AddHistogram(series, at.Now, new Histogram { Count = 3, PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [1] });
        batch.AddHistogram(series, at.Now + 1, Histograms.Exponential(1));
        var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
        Assert.Equal(1, result.Histograms);
        Assert.Equal("invalid-native-histogram", Assert.Single(result.Errors).Code);
        Assert.Contains("spans need 2 buckets, have 1", result.Errors[0].Message, StringComparison.Ordinal);
    }

    /// <summary>The same counts for the same buckets; a chunk may add empty ones.</summary>
    private static void Same(Histogram expected, Histogram seen)
    {
        Assert.Equal(expected.IsStale, seen.IsStale);
        if (expected.IsStale) return;
        Assert.Equal(
            (expected.Schema, expected.Count, expected.Sum, expected.ZeroCount, expected.ZeroThreshold, expected.IsFloat),
            (seen.Schema, seen.Count, seen.Sum, seen.ZeroCount, seen.ZeroThreshold, seen.IsFloat));
        Assert.Equal(expected.CustomValues, seen.CustomValues);
        Assert.Equal(Buckets(expected.PositiveSpans, expected.PositiveBuckets), Buckets(seen.PositiveSpans, seen.PositiveBuckets));
        Assert.Equal(Buckets(expected.NegativeSpans, expected.NegativeBuckets), Buckets(seen.NegativeSpans, seen.NegativeBuckets));
    }

    private static SortedDictionary<int, double> Buckets(BucketSpan[] spans, double[] counts)
    {
        var indexes = new List<int>();
        HistogramChunk.AddIndexes(spans, indexes);
        var buckets = new SortedDictionary<int, double>();
        for (int i = 0; i < indexes.Count; i++)
        {
            if (counts[i] != 0) buckets[indexes[i]] = counts[i];
        }
        return buckets;
    }
}
