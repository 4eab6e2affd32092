using Pharos.Core;
using Pharos.LogQL.Serving;

namespace Pharos.LogQL.Tests.Serving;

public sealed class RunningQueryTests
{
    private static readonly LogQlRangeQuery Query = new() { Text = "{app=\"a\"}", StartNs = 0, EndNs = 60 * ServedWorld.SecondNs };

    [Fact]
    public async Task Queries_are_listed_wait_in_turn_and_can_be_ended()
    {
        await using var world = new LogWorld();
        var gate = new GatedLogs(world.Store);
        var running = new QueryRegistry(world.Time, TimeSpan.FromSeconds(5));
        var limits = new TenantLimits { Logs = new LogLimits { OutstandingMax = 1 } };
        using var service = new LogQueryService(world.Engine, gate, running, world.Time, new Instruments(), new LogServingOptions { ThreadsMax = 1 });
        var first = RunAsync();
        await gate.Opened;
        var second = RunAsync();
        Assert.Equal([("logql", "running"), ("logql", "waiting")], running.Active(LogWorld.Tenant).Select(q => (q.Language, q.State)));
        var third = await Assert.ThrowsAsync<QueryException>(RunAsync);
        Assert.Equal((QueryErrorKind.TooMany, "too many outstanding requests"), (third.Kind, third.Message));
        Assert.False(running.Kill(TenantId.Parse("other"), running.Active(LogWorld.Tenant)[0].Id));
        long id = running.Active(LogWorld.Tenant)[0].Id;
        Assert.True(running.Kill(LogWorld.Tenant, id));
        var ended = await Assert.ThrowsAsync<QueryException>(() => first);
        Assert.Equal((QueryErrorKind.Canceled, $"query {id} was ended by an operator"), (ended.Kind, ended.Message));
        gate.Open();
        Assert.Empty((await second).Entries);
        Assert.Empty(running.Active(LogWorld.Tenant));

        Task<LogQlResult> RunAsync() => service.RangeAsync(LogWorld.Tenant, limits, Query, useCache: false, CancellationToken.None);
    }

    [Fact]
    public async Task A_query_ends_at_its_time_and_with_its_client()
    {
        await using var world = new LogWorld();
        var gate = new GatedLogs(world.Store);
        var running = new QueryRegistry(world.Time, TimeSpan.FromSeconds(5));
        using var service = new LogQueryService(world.Engine, gate, running, world.Time, new Instruments(), new LogServingOptions { ThreadsMax = 1 });
        var slow = service.RangeAsync(LogWorld.Tenant, new TenantLimits { QueryTimeout = TimeSpan.FromSeconds(30) }, Query, useCache: false, CancellationToken.None);
        await gate.Opened;
        world.Time.Advance(TimeSpan.FromSeconds(31));
        var late = await Assert.ThrowsAsync<QueryException>(() => slow);
        Assert.Equal(QueryErrorKind.Timeout, late.Kind);
        Assert.StartsWith("request timed out after 30s with 0 lines and 0 bytes read, decrease the duration of the request", late.Message);
        Assert.Equal(["failed"], running.Slow(LogWorld.Tenant).Select(q => q.State));
        using var client = new CancellationTokenSource();
        var left = service.RangeAsync(LogWorld.Tenant, new TenantLimits(), Query, useCache: false, client.Token);
        await client.CancelAsync();
        Assert.Equal(QueryErrorKind.Canceled, (await Assert.ThrowsAsync<QueryException>(() => left)).Kind);
        gate.Open();
    }

    /// <summary>One tenant's many queries do not keep another's from its turn.</summary>
    [Fact]
    public async Task Tenants_take_turns()
    {
        await using var world = new LogWorld();
        var gate = new GatedLogs(world.Store);
        using var service = new LogQueryService(world.Engine, gate, new QueryRegistry(world.Time, TimeSpan.FromSeconds(5)), world.Time, new Instruments(), new LogServingOptions { ThreadsMax = 1 });
        var (many, one) = (TenantId.Parse("many"), TenantId.Parse("one"));
        var first = RunAsync(many);
        await gate.Opened;
        Task<LogQlResult>[] rest = [RunAsync(many), RunAsync(many), RunAsync(many), RunAsync(one)];
        gate.Open();
        await Task.WhenAll([first, .. rest]);
        Assert.Equal(["many", "many", "one", "many", "many"], gate.Tenants);

        Task<LogQlResult> RunAsync(TenantId tenant) => service.RangeAsync(tenant, new TenantLimits(), Query, useCache: false, CancellationToken.None);
    }

    [Fact]
    public async Task A_streamed_line_comes_before_the_next_one_is_found()
    {
        await using var world = new LogWorld();
        world.Add("{app=\"a\"}", 1, "first");
        world.Add("{app=\"a\"}", 2, "second");
        await world.SendAsync();
        using var gate = new ManualResetEventSlim();
        using var service = new LogQueryService(world.Engine, new HesitantLogs(world.Store, gate), new QueryRegistry(world.Time, TimeSpan.FromSeconds(5)), world.Time, new Instruments(), new LogServingOptions());
        var first = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var lines = new List<string>();
        var running = service.StreamAsync(LogWorld.Tenant, new TenantLimits(), Query with { Backward = false }, entry =>
        {
            lines.Add(System.Text.Encoding.UTF8.GetString(entry.Line));
            first.TrySetResult(lines[0]);
        }, CancellationToken.None);
        Assert.Equal("first", await first.Task);
        Assert.False(running.IsCompleted);
        gate.Set();
        Assert.Equal(2, (await running).Statistics.Read.Lines);
        Assert.Equal(["first", "second"], lines);
    }

    [Fact]
    public async Task Statistics_tell_waiting_looking_up_and_running_apart()
    {
        await using var world = new LogWorld();
        var gate = new GatedLogs(world.Store);
        using var service = new LogQueryService(world.Engine, gate, new QueryRegistry(world.Time, TimeSpan.FromSeconds(5)), world.Time, new Instruments(), new LogServingOptions { ThreadsMax = 1 });
        var first = service.RangeAsync(LogWorld.Tenant, new TenantLimits(), Query, useCache: false, CancellationToken.None);
        await gate.Opened;
        var second = service.RangeAsync(LogWorld.Tenant, new TenantLimits(), Query, useCache: true, CancellationToken.None);
        world.Time.Advance(TimeSpan.FromSeconds(3));
        gate.Open();
        var (one, other) = ((await first).Statistics, (await second).Statistics);
        Assert.Equal((0, 3, 3), (one.Waited.TotalSeconds, one.Read.LookUp.TotalSeconds, one.Execution.TotalSeconds));
        Assert.Equal((3, 0, 0), (other.Waited.TotalSeconds, other.Read.LookUp.TotalSeconds, other.Execution.TotalSeconds));
    }

    /// <summary>A store whose cursors give one line and wait before the next.</summary>
    private sealed class HesitantLogs(ILogQueryable store, ManualResetEventSlim gate) : ILogQueryable
    {
        public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel) => new Cursor(store.Open(tenant, selection, cancel), gate);

        public IReadOnlyList<Labels> Streams(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
            store.Streams(tenant, matcherSets, startNs, endNs, cancel);

        public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
            store.Volumes(tenant, matchers, startNs, endNs, cancel);

        private sealed class Cursor(ILogCursor cursor, ManualResetEventSlim gate) : ILogCursor
        {
            private int moves;

            public Labels Stream => cursor.Stream;

            public long TimestampNs => cursor.TimestampNs;

            public ReadOnlySpan<byte> Line => cursor.Line;

            public ReadOnlySpan<byte> Metadata => cursor.Metadata;

            public LogReadStatistics Statistics => cursor.Statistics;

            public bool MoveNext()
            {
                if (moves++ == 1) gate.Wait(TestContext.Current.CancellationToken);
                return cursor.MoveNext();
            }

            public void Dispose() => cursor.Dispose();
        }
    }

    /// <summary>A store whose reads wait until they are let go, or cancelled.</summary>
    private sealed class GatedLogs(ILogQueryable store) : ILogQueryable
    {
        private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim gate = new();
        private readonly List<string> tenants = [];

        public Task Opened => opened.Task;

        public IReadOnlyList<string> Tenants
        {
            get
            {
                lock (tenants) return [.. tenants];
            }
        }

        public void Open() => gate.Set();

        public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel)
        {
            lock (tenants) tenants.Add(tenant.Name);
            opened.TrySetResult();
            gate.Wait(cancel);
            return store.Open(tenant, selection, cancel);
        }

        public IReadOnlyList<Labels> Streams(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel) =>
            store.Streams(tenant, matcherSets, startNs, endNs, cancel);

        public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) =>
            store.Volumes(tenant, matchers, startNs, endNs, cancel);
    }
}
