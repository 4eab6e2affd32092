using System.Text;
using Pharos.Core;
using Pharos.Logs;

namespace Pharos.LogQL.Tests;

public sealed class DeletionTests
{
    private const long SecondNs = 1_000_000_000;

    [Theory, InlineData(false), InlineData(true)]
    public async Task Deleted_lines_are_hidden_at_once_and_show_again_when_it_is_cancelled(bool flushed)
    {
        await using var world = await FilledAsync(flushed);
        var request = world.Store.Delete(LogWorld.Tenant, "{app=\"a\"} |= `secret`", 0, 100 * SecondNs);
        Assert.Equal(["plain 0", "plain 2", "plain 4"], await LinesAsync(world, "{app=\"a\"}"));
        Assert.Equal(3, await CountAsync(world, "{app=\"a\"}"));
        Assert.Equal(5, await CountAsync(world, "{app=\"b\"}"));
        Assert.Equal(request, Assert.Single(world.Store.Deletions(LogWorld.Tenant)));
        Assert.True(world.Store.CancelDeletion(LogWorld.Tenant, request.Id));
        Assert.False(world.Store.CancelDeletion(LogWorld.Tenant, request.Id));
        Assert.Equal(["plain 0", "secret 1", "plain 2", "secret 3", "plain 4"], await LinesAsync(world, "{app=\"a\"}"));
    }

    [Fact]
    public async Task A_deletion_reaches_its_range_and_its_streams_alone()
    {
        await using var world = await FilledAsync(flushed: true);
        world.Store.Delete(LogWorld.Tenant, "{app=\"a\"}", 1 * SecondNs, 3 * SecondNs);
        Assert.Equal(["plain 0", "secret 3", "plain 4"], await LinesAsync(world, "{app=\"a\"}"));
        Assert.Equal(5, await CountAsync(world, "{app=\"b\"}"));
        world.Store.Delete(LogWorld.Tenant, "{app=\"a\"}", 0, 100 * SecondNs);
        Assert.Equal(["b"], world.Store.Streams(LogWorld.Tenant, [], 0, 100 * SecondNs, CancellationToken.None).Select(s => s["app"]));
        Assert.Equal(["b"], world.Store.Volumes(LogWorld.Tenant, [], 0, 100 * SecondNs, CancellationToken.None).Select(v => v.Stream["app"]));
    }

    [Theory, InlineData("rate({a=\"b\"}[1m])"), InlineData("{a=\"b\""), InlineData("")]
    public async Task What_is_no_selector_with_filters_is_refused(string query)
    {
        await using var world = await FilledAsync(flushed: false);
        Assert.Throws<QueryException>(() => world.Store.Delete(LogWorld.Tenant, query, 0, SecondNs));
        Assert.Throws<QueryException>(() => world.Store.Delete(LogWorld.Tenant, "{app=\"a\"}", SecondNs, SecondNs));
        Assert.Empty(world.Store.Deletions(LogWorld.Tenant));
    }

    internal static async Task<LogWorld> FilledAsync(bool flushed, Func<LogStoreOptions, LogStoreOptions>? with = null)
    {
        var world = new LogWorld(with: o => (with?.Invoke(o) ?? o) with { FilterLanguage = new LogQlFilterLanguage(TimeProvider.System) });
        foreach (string app in new[] { "a", "b" })
        {
            for (int i = 0; i < 5; i++) world.Add($"{{app=\"{app}\"}}", i * SecondNs, i % 2 == 0 ? $"plain {i}" : $"secret {i}");
        }
        await world.SendAsync();
        if (flushed) await world.Store.FlushAsync(CancellationToken.None);
        return world;
    }

    internal static async Task<List<string>> LinesAsync(LogWorld world, string query)
    {
        var result = await world.Engine.QueryRangeAsync(LogWorld.Tenant, new LogQlRangeQuery { Text = query, StartNs = 0, EndNs = 100 * SecondNs, StepNs = SecondNs, Limit = 1000, Backward = false }, CancellationToken.None);
        return [.. result.Entries.Select(e => Encoding.UTF8.GetString(e.Line))];
    }

    internal static async Task<double> CountAsync(LogWorld world, string selector)
    {
        var result = await world.Engine.InstantAsync(LogWorld.Tenant, $"sum(count_over_time({selector}[100s]))", 99 * SecondNs, CancellationToken.None);
        return result.Series.Count == 0 ? 0 : result.Series[0].Points[0].Value;
    }
}
