using Pharos.Core;
using Pharos.Testing;

namespace Pharos.PromQL.Tests.Running;

/// <summary>One-to-one joins, which compute in the columns that they have, where results may meet under one label set.</summary>
public sealed class JoinTests
{
    [Fact]
    public async Task Results_that_lose_what_told_them_apart_are_an_error_where_they_meet_and_one_series_where_they_do_not()
    {
        var store = new MemoryMetrics();
        var (plain, typed) = (Labels.Of(("__name__", "a"), ("job", "1")), Labels.Of(("__name__", "a"), ("__type__", "counter"), ("job", "1")));
        // The type tells the series apart for the matching, but not their sums, which have none.
        foreach (var labels in (Labels[])[plain, typed, plain.With("__name__", "b"), typed.With("__name__", "b")]) store.Add(labels, labels.Has("__type__") ? 600_000 : 0, 2);
        using var engine = new PromQlEngine(store, new PromQlOptions(), TimeProvider.System, new Instruments(), new FixedTenantLimits());
        var one = Assert.Single((await engine.RangeAsync(TenantId.Anonymous, "a + b", 0, 660_000, 60_000)).Matrix);
        Assert.Equal((Labels.Of(("job", "1")), 7), (one.Labels, one.Values.Count));
        Assert.All(one.Values, v => Assert.Equal(4, v));
        foreach (var labels in (Labels[])[plain, plain.With("__name__", "b")]) store.Add(labels, 600_000, 2);
        var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.RangeAsync(TenantId.Anonymous, "a + b", 0, 660_000, 60_000));
        Assert.Equal("vector cannot contain metrics with the same labelset", e.Message);
    }

    [Fact]
    public async Task Series_of_one_group_that_take_turns_are_one_result()
    {
        var store = new MemoryMetrics();
        // More steps than one word has bits.
        for (int i = 0; i < 200; i++)
        {
            store.Add(Labels.Of(("__name__", "a"), ("job", "1"), ("pod", $"{i / 100}")), i * 60_000L, i);
            store.Add(Labels.Of(("__name__", "b"), ("job", "1")), i * 60_000L, 1);
        }
        using var engine = new PromQlEngine(store, new PromQlOptions { Lookback = TimeSpan.FromSeconds(30) }, TimeProvider.System, new Instruments(), new FixedTenantLimits());
        var one = Assert.Single((await engine.RangeAsync(TenantId.Anonymous, "a - on (job) b", 0, 199 * 60_000L, 60_000)).Matrix);
        Assert.Equal(Enumerable.Range(-1, 200).Select(v => (double)v), one.Values);
        store.Add(Labels.Of(("__name__", "a"), ("job", "1"), ("pod", "0")), 150 * 60_000L, 5);
        var e = await Assert.ThrowsAsync<QueryException>(async () => await engine.RangeAsync(TenantId.Anonymous, "a > on (job) b", 0, 199 * 60_000L, 60_000));
        Assert.Contains("many-to-one matching must be explicit", e.Message, StringComparison.Ordinal);
    }
}
