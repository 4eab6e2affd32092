using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>The store against the plainest model of itself: a sorted map for each series.</summary>
public sealed class ModelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public async Task Random_appends_cuts_restarts_and_deletions_read_as_the_model_says(int seed)
    {
        var random = new Random(seed);
        bool late = seed % 2 == 0;
        await using var at = new StoreFixture(
            new TenantLimits { OutOfOrderWindow = late ? TimeSpan.FromHours(5) : TimeSpan.Zero, StaleSeriesShareMax = seed > 20 ? 0.1 : 0 },
            new WriteLogOptions { Folder = "", Sync = SyncPolicy.Os, SegmentBytesMax = 20_000 });
        var model = new Dictionary<Labels, SortedDictionary<long, double>>();
        long start = at.Now;
        for (int step = 0; step < 250; step++)
        {
            at.Time.Advance(TimeSpan.FromMinutes(random.Next(1, 9)));
            using var batch = new MetricBatch();
            var sent = new List<(Labels Labels, long Ms, double Value)>();
            for (int i = random.Next(1, 30); i > 0; i--)
            {
                var labels = Labels.Of(("__name__", "m"), ("id", $"{random.Next(12)}"), ("step", random.Next(10) == 0 ? $"{step}" : ""));
                long ms = at.Now - (random.Next(3) == 0 ? random.Next(late ? 20_000_000 : 3_000_000) : random.Next(60_000));
                double value = seed > 20 && random.Next(3) == 0 ? SampleValue.Stale : random.Next(5);
                batch.AddSample(batch.AddSeries(labels), ms, value);
                sent.Add((labels, ms, value));
            }
            await SendAsync(at, model, sent);
            switch (random.Next(40))
            {
                case 0: await at.RestartAsync(); break;
                case 1: await at.Store.CutHeadAsync(StoreFixture.Tenant, at.Now - random.Next(10_000_000), default); break;
                case 2: await at.Store.FlushAsync(default); break;
                case 3 or 4 or 5: await at.Store.MaintainAsync(default); break;
                case 6:
                    string id = $"{random.Next(12)}";
                    var range = new TimeRange(at.Now - random.Next(30_000_000), at.Now - random.Next(3_000_000));
                    await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "id", id)]], range, default);
                    foreach (var (labels, samples) in model.Where(m => m.Key["id"] == id))
                    {
                        foreach (long t in samples.Keys.Where(range.Contains).ToList()) samples.Remove(t);
                    }
                    // What comes later for a deleted time may or may not be hidden; the model does not say, so none is sent.
                    at.Time.Advance(TimeSpan.FromHours(6));
                    await SendAsync(at, model, [(Labels.Of(("__name__", "m"), ("id", "clock")), at.Now, 1)]);
                    break;
                case 7 or 8: await at.Store.SaveHeadsAsync(default); break;
                case 9: await at.StopAndStartAsync(); break;
                default: break;
            }
            if (step % 20 == 19) Compare(at, model, seed, step);
        }
        await at.RestartAsync();
        Compare(at, model, seed, 250);
        await at.Store.FlushAsync(default);
        await at.Store.MaintainAsync(default);
        await at.RestartAsync();
        Compare(at, model, seed, 251);
        Assert.True(start < at.Now);
    }

    /// <summary>Sends one sample for each request, so that the answer says which were taken.</summary>
    private static async Task SendAsync(
        StoreFixture at, Dictionary<Labels, SortedDictionary<long, double>> model, IEnumerable<(Labels Labels, long Ms, double Value)> sent)
    {
        foreach (var (labels, ms, value) in sent)
        {
            var result = await at.AppendAsync(labels, ms, value);
            if (result.HasErrors) continue;
            if (!model.TryGetValue(labels, out var samples)) model[labels] = samples = [];
            samples.TryAdd(ms, value);
        }
    }

    private static void Compare(StoreFixture at, Dictionary<Labels, SortedDictionary<long, double>> model, int seed, int step)
    {
        var expected = model.Where(m => m.Value.Count > 0).ToDictionary(m => m.Key, m => m.Value.Select(s => (s.Key, s.Value)).ToList());
        using var columns = new SampleColumns();
        var seen = new Dictionary<Labels, List<(long, double)>>();
        Labels? before = null;
        foreach (var series in at.Select(TimeRange.All))
        {
            Assert.True(before is null || before.CompareTo(series.Labels) < 0, $"seed {seed}, step {step}: series are not sorted");
            before = series.Labels;
            columns.Clear();
            series.Read(TimeRange.All, columns);
            if (columns.Count == 0) continue;
            seen[series.Labels] = [.. columns.Timestamps.ToArray().Zip(columns.Values.ToArray())];
        }
        Assert.True(expected.Count == seen.Count, $"seed {seed}, step {step}: {expected.Count} series expected, {seen.Count} seen");
        foreach (var (labels, samples) in expected)
        {
            Assert.True(seen.TryGetValue(labels, out var read), $"seed {seed}, step {step}: {labels} is missing");
            Assert.True(samples.SequenceEqual(read), $"seed {seed}, step {step}: {labels} lacks {string.Join(' ', samples.Except(read))} and has {string.Join(' ', read.Except(samples))} too much");
        }
    }
}
