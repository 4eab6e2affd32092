using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Tests;

public sealed class StreamChangesTests
{
    private const long Hour = ILogChanges.GrainNs;

    private static readonly IReadOnlyList<Matcher> OfA = [new Matcher(MatchOp.Equal, "app", "a")];

    [Fact]
    public void Only_what_the_matchers_may_see_makes_a_version_grow()
    {
        var changes = new StreamChanges();
        Note(changes, 7 * Hour, 7 * Hour, ("app", "a"), ("zone", "z"));
        long before = changes.VersionOf(OfA, 7 * Hour, (8 * Hour) - 1), all = changes.VersionOf([], 7 * Hour, (8 * Hour) - 1);
        Note(changes, 7 * Hour, 7 * Hour, ("app", "b"), ("zone", "z"));
        Assert.Equal(before, changes.VersionOf(OfA, 7 * Hour, (8 * Hour) - 1));
        Assert.Equal(before, changes.VersionOf([.. OfA, new Matcher(MatchOp.Equal, "zone", "z")], 7 * Hour, 7 * Hour));
        Assert.True(changes.VersionOf([], 7 * Hour, 7 * Hour) > all);
        Assert.True(changes.VersionOf([new Matcher(MatchOp.Equal, "zone", "z")], 7 * Hour, 7 * Hour) > before);
        Assert.True(changes.VersionOf([new Matcher(MatchOp.Regex, "app", "a")], 7 * Hour, 7 * Hour) > before);
        changes.Note(7 * Hour, 7 * Hour);
        Assert.True(changes.VersionOf(OfA, 7 * Hour, 7 * Hour) > before);
        Assert.Equal(0, changes.VersionOf(OfA, 8 * Hour, 9 * Hour));
    }

    /// <summary>Many hours, long ranges and whole tenants, beyond what can be told apart: a version never stays, or falls, over a change it covers.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void A_version_grows_with_every_change_that_can_be_seen(int seed)
    {
        var random = new Random(seed);
        var changes = new StreamChanges();
        var asked = new Dictionary<(string App, string? Pod, long From, long To), long>();
        for (int step = 0; step < 3000; step++)
        {
            string app = $"app{random.Next(20)}", pod = $"pod{random.Next(5)}";
            long from = (random.Next(120) - 20) * Hour, to = from + (random.Next(4) * Hour);
            foreach (var key in asked.Keys.ToList()) asked[key] = Version(key);
            bool everywhere = random.Next(200) == 0;
            if (everywhere) (from, to) = (-30_000 * Hour, random.Next(2) == 0 ? 30_000 * Hour : -29_000 * Hour);
            bool any = everywhere || random.Next(20) == 0;
            if (any) changes.Note(from, to);
            else Note(changes, from, to, ("app", app), ("pod", pod));
            foreach (var (key, before) in asked)
            {
                bool seen = key.From <= to && key.To >= from && (any || (key.App == app && (key.Pod ?? pod) == pod));
                long now = Version(key);
                Assert.True(seen ? now > before : now >= before, $"seed {seed} step {step}: {key} had {before} and has {now}");
            }
            if (asked.Count < 30) asked[($"app{random.Next(20)}", random.Next(2) == 0 ? null : $"pod{random.Next(5)}", from, to)] = 0;
        }

        long Version((string App, string? Pod, long From, long To) key)
        {
            var app = new Matcher(MatchOp.Equal, "app", key.App);
            return changes.VersionOf(key.Pod is null ? [app] : [app, new Matcher(MatchOp.Equal, "pod", key.Pod)], key.From, key.To);
        }
    }

    private static void Note(StreamChanges changes, long from, long to, params (string, string)[] labels) => changes.Note(from, to, StreamChanges.GroupsOf(Labels.Of(labels).Encoded));
}
