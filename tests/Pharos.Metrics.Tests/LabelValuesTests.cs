using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Values of a label stay right and sorted while series come and go, in the head and in blocks.</summary>
public sealed class LabelValuesTests
{
    [Fact]
    public async Task Values_are_those_of_the_series_there_are_however_often_they_are_asked_for()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        await using var at = new StoreFixture(maintains: false);
        var known = new SortedSet<(string Id, string Job)>();
        for (int round = 0; round < 40; round++)
        {
            for (int i = random.Next(5); i > 0; i--)
            {
                var (id, job) = ($"{random.Next(200)}", $"{random.Next(3)}");
                await at.AppendAsync(Labels.Of(("__name__", "m"), ("id", id), ("job", job)), at.Now + round, round);
                known.Add((id, job));
            }
            if (random.Next(6) == 0) await at.Store.FlushAsync(default);
            string chosen = $"{random.Next(3)}";
            int limit = random.Next(3) == 0 ? random.Next(1, 20) : 0;
            Check(known.Select(k => k.Id), []);
            Check(known.Where(k => k.Job == chosen).Select(k => k.Id), [[new Matcher(MatchOp.Equal, "job", chosen)]]);
            Check(
                known.Where(k => k.Job == chosen || k.Id == "7").Select(k => k.Id),
                [[new Matcher(MatchOp.Equal, "job", chosen)], [new Matcher(MatchOp.Regex, "id", "7"), new Matcher(MatchOp.Equal, "__name__", "m")]]);

            void Check(IEnumerable<string> expected, IReadOnlyList<IReadOnlyList<Matcher>> matchers)
            {
                var sorted = expected.Distinct().Order(StringComparer.Ordinal);
                var found = at.Store.LabelValues(StoreFixture.Tenant, "id", matchers, TimeRange.All, limit, default);
                Assert.True((limit > 0 ? sorted.Take(limit) : sorted).SequenceEqual(found), $"seed {seed}, round {round}: {string.Join(' ', found)}");
            }
        }
    }
}
