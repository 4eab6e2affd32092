using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Discovery;
using Pharos.Core;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>The frame around every discovery, on simulated time.</summary>
public sealed class DiscoveryLoopTests : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly SimulatedTimeProvider time = new(DateTimeOffset.UnixEpoch);
    private readonly Instruments instruments = new();
    private readonly List<string> found = [];
    private readonly List<string?> health = [];
    private Task running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    [Fact]
    public async Task A_failed_look_keeps_the_targets_is_counted_and_is_tried_again()
    {
        var script = new Script("consul", [_ => One("a"), _ => throw new HttpRequestException("away"), _ => throw new TimeoutExceptionOfRequest(), _ => One("b")]);
        Run(script);
        await LooksAsync(script, 1);
        Assert.Equal(["a"], found);
        time.Advance(TimeSpan.FromSeconds(30));
        await LooksAsync(script, 2);
        Assert.Equal(["a"], found);
        Assert.Equal([null, "away"], health);
        time.Advance(TimeSpan.FromSeconds(30));
        await LooksAsync(script, 3);
        Assert.Equal("no answer in time", health[2]);
        time.Advance(TimeSpan.FromSeconds(30));
        await LooksAsync(script, 4);
        Assert.Equal(["a", "b"], found);
        Assert.Null(health[3]);
        Assert.Equal(2, Value("prometheus_sd_refresh_failures_total"));
        Assert.Equal(2, Value("prometheus_sd_consul_rpc_failures_total"));
        Assert.Equal(2, instruments.Read().Single(f => f.Name == "prometheus_sd_refresh_duration_histogram_seconds").Cells.Single().Count);
    }

    [Fact]
    public async Task Trouble_with_a_part_is_counted_and_the_rest_handed_on()
    {
        var script = new Script("file", [_ => new FoundTargets([Labels.Of(("__address__", "a"))], "x.yml: torn")]);
        Run(script);
        await LooksAsync(script, 1);
        Assert.Equal(["a"], found);
        Assert.Equal(["x.yml: torn"], health);
        Assert.Equal(1, Value("prometheus_sd_file_read_errors_total"));
    }

    [Fact]
    public async Task A_discovery_that_cannot_be_opened_is_opened_again_later()
    {
        var script = new Script("http", [_ => One("a")]) { OpeningsThatFail = 1 };
        Run(script);
        await LooksAsync(script, 0, failures: 1);
        Assert.Empty(found);
        time.Advance(TimeSpan.FromSeconds(30));
        await LooksAsync(script, 1, failures: 1);
        Assert.Equal(["a"], found);
    }

    private void Run(Script script)
    {
        var context = new DiscoveryContext(_ => throw new InvalidOperationException("no request is made"), time, instruments, NullLogger.Instance);
        running = new DiscoveryLoop(script, context, health.Add).RunAsync(
            targets =>
            {
                found.Add(string.Join(',', targets.Select(t => t["__address__"])));
                return Task.CompletedTask;
            },
            stop.Token);
    }

    /// <summary>Until the loop waits again after its n-th look.</summary>
    private async Task LooksAsync(Script script, int looks, int failures = 0)
    {
        while (health.Count < looks + failures || time.WaitingTimers == 0) await Task.Yield();
        Assert.Equal(looks, script.Looks);
        Assert.Equal(looks + failures, health.Count);
    }

    private double Value(string name) => instruments.Read().Single(f => f.Name == name).Cells.Single().Value;

    private static FoundTargets One(string address) => new([Labels.Of(("__address__", address))]);

    /// <summary>What HttpClient throws where a limit runs out.</summary>
    private sealed class TimeoutExceptionOfRequest : OperationCanceledException;

    private sealed record Script(string Name, IReadOnlyList<Func<CancellationToken, FoundTargets>> Steps) : DiscoveryOptions, IDiscoverer
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Script(string name, params Func<CancellationToken, FoundTargets>[] steps) : this(name, (IReadOnlyList<Func<CancellationToken, FoundTargets>>)steps) => RefreshInterval = TimeSpan.FromSeconds(30);

        public override string Mechanism => Name;

        public int Looks { get; private set; }

        public int OpeningsThatFail { get; set; }

        internal override IDiscoverer Open(DiscoveryContext context) => OpeningsThatFail-- > 0 ? throw new IOException("no file yet") : this;

        public Task<FoundTargets> RefreshAsync(CancellationToken cancel) => Task.FromResult(Steps[Looks++](cancel));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
