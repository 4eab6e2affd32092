using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Which values an expression matches is kept in the head and in blocks; series and their values come and go meanwhile.</summary>
public sealed class MatchCacheTests
{
    private static readonly Matcher[] Asked =
    [
        new(MatchOp.Regex, "id", ".*7.*"), new(MatchOp.NotRegex, "id", ".*[13]"), new(MatchOp.Regex, "id", "v1.*5"), new(MatchOp.Regex, "id", ".*2|.*9.?|"),
        new(MatchOp.NotRegex, "id", ".+4.*"),
    ];

    [Fact]
    public async Task Expressions_find_what_they_match_while_values_come_and_go()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        await using var at = new StoreFixture(maintains: false);
        var known = new HashSet<Labels>();
        for (int round = 0; round < 60; round++)
        {
            using (var batch = new MetricBatch())
            {
                foreach (int id in Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(600)).Distinct())
                {
                    var labels = Labels.Of(("__name__", "m"), ("id", id < 20 ? "" : $"v{id}"), ("job", $"{id % 3}"));
                    if (!known.Add(labels) && random.Next(2) == 0) continue;
                    batch.AddSample(batch.AddSeries(labels), at.Now + round, id);
                }
                await at.Store.AppendAsync(StoreFixture.Tenant, batch, default);
            }
            // Everything leaves the head, its values with it, and their numbers are given to others.
            if (random.Next(8) == 0) await at.Store.FlushAsync(default);
            var matcher = Asked[random.Next(Asked.Length)];
            for (int again = 0; again < 2; again++)
            {
                var expected = known.Where(matcher.Matches).Order().Select(l => l.ToString());
                var found = at.Select(TimeRange.All, new Matcher(MatchOp.Regex, "__name__", "m"), matcher).Select(s => s.Labels.ToString()).ToList();
                Assert.True(expected.SequenceEqual(found), $"seed {seed}, round {round}: {matcher} finds {found.Count} series");
            }
        }
    }
}
