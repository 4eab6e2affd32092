using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Samples of 0 at start timestamps: once for each start, in one record with their samples, and never in their way.</summary>
public sealed class StartTests
{
    private static readonly Labels Total = Labels.Of(("__name__", "requests_total"));

    [Fact]
    public async Task A_start_is_stored_once_and_again_after_a_reset_and_does_not_count_as_written()
    {
        await using var at = new StoreFixture();
        long now = at.Now;
        Assert.Equal(1, await Push(at, (now, 5, now - 1000)));
        Assert.Equal(1, await Push(at, (now + 10, 6, now - 1000)));
        Assert.Equal(1, await Push(at, (now + 30, 1, now + 20)));
        (long, double)[] expected = [(now - 1000, 0), (now, 5), (now + 10, 6), (now + 20, 0), (now + 30, 1)];
        Assert.Equal(expected, at.Read(Total));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Total));
        Assert.Equal(1, await Push(at, (now + 40, 2, now + 20)));
        Assert.Equal(expected.Append((now + 40, 2)), at.Read(Total));
    }

    [Fact]
    public async Task A_start_never_refuses_a_sample_of_its_request()
    {
        await using var at = new StoreFixture(new TenantLimits { OutOfOrderWindow = TimeSpan.FromHours(1) });
        long now = at.Now;
        // The second start lies between the first sample and the second; the third is late, the fourth at its sample, the fifth far out of bounds.
        Assert.Equal(2, await Push(at, (now, 5, now - 10), (now + 20, 1, now + 10)));
        Assert.Equal(1, await Push(at, (now + 30, 2, now + 5)));
        Assert.Equal(1, await Push(at, (now + 40, 3, now + 40)));
        Assert.Equal(1, await Push(at, (now + 50, 4, 1)));
        // The same again, and one that is late as a whole.
        Assert.Equal(1, await Push(at, (now + 50, 4, 1)));
        Assert.Equal(1, await Push(at, (now + 15, 9, now + 12)));
        Assert.Equal(
            [(now - 10, 0), (now, 5), (now + 10, 0), (now + 15, 9), (now + 20, 1), (now + 30, 2), (now + 40, 3), (now + 50, 4)], at.Read(Total));
        Assert.Equal(0, at.Metric("prometheus_tsdb_out_of_order_samples_total") + at.Metric("prometheus_tsdb_out_of_bound_samples_total") + at.Metric("pharos_tsdb_duplicate_samples_total"));
    }

    [Fact]
    public async Task A_histograms_start_is_an_empty_histogram_of_its_kind()
    {
        await using var at = new StoreFixture();
        var labels = Labels.Of(("__name__", "latency"));
        for (int i = 0; i < 2; i++)
        {
            using var batch = new MetricBatch();
            batch.AddHistogram(batch.AddSeries(labels), at.Now + i, Histograms.Exponential(i + 1));
            batch.AddHistogramStart(at.Now - 500);
            var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
            Assert.Equal((0L, 1L, 0), (result.Samples, result.Histograms, result.Errors.Count));
        }
        using var columns = new SampleColumns();
        Assert.Single(at.Select(TimeRange.All)).Read(TimeRange.All, columns);
        Assert.Equal([at.Now - 500, at.Now, at.Now + 1], columns.Timestamps.ToArray());
        var zero = columns.Histograms[0]!;
        Assert.Equal((0.0, 0.0, Histograms.Exponential(1).Schema), (zero.Count, zero.Sum, zero.Schema));
    }

    private static async Task<long> Push(StoreFixture at, params (long Ms, double Value, long StartMs)[] samples)
    {
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Total);
        foreach (var (ms, value, startMs) in samples)
        {
            batch.AddSample(series, ms, value);
            batch.AddSampleStart(startMs);
        }
        var result = await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
        Assert.Empty(result.Errors);
        return result.Samples;
    }
}
