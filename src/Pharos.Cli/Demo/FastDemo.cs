using Microsoft.Extensions.Logging;
using Pharos.Cli.Commands;
using Pharos.Collector.Hosting;
using Pharos.Collector.Http;
using Pharos.Core;

namespace Pharos.Cli.Demo;

/// <summary>
/// The story with its original durations in simulated time: the same parts, over the real HTTP routes,
/// in one process. Ends by itself, with 0 when every step happened.
/// </summary>
internal sealed class FastDemo(DemoOptions options, ILoggerFactory loggers, TextWriter output)
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StoryMax = TimeSpan.FromMinutes(75);

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var folder = DemoFolder.Open(options.Folder);
        var real = TimeProvider.System;
        long started = real.GetTimestamp();
        var limit = options.ExitAfter ?? TimeSpan.FromSeconds(58);
        var time = new SimulatedTimeProvider(Noon);
        var busy = new BusyMeter();
        var pace = DemoPace.Original;
        await using var world = await DemoWorld.StartAsync(folder.Path, options.Host, options.Port, pace, time, busy, loggers, cancel);
        await using var collector = await StartCollectorAsync(world, time, busy, cancel);
        output.WriteLine($"Pharos demo in simulated time, from {Noon:yyyy-MM-dd HH:mm:ss} UTC, over {world.Server.Address}");
        output.WriteLine($"scrapes every {pace.ScrapeInterval}, alerts after {pace.For}; payments fail from minute {pace.BreakAfter.TotalMinutes:0} on");
        output.WriteLine();

        var timeline = new Timeline(output, redraw: false);
        timeline.Show("errors at the checkout", [.. world.Story.Fleet, .. world.Story.Metrics]);
        timeline.Show("a panic in the log", world.Story.Logs);
        bool broken = false, mended = false;
        var nextLook = LookEvery;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            time.Advance(Step);
            busy.WaitForRest();
            var elapsed = time.GetUtcNow() - Noon;
            if (!broken && elapsed >= pace.BreakAfter)
            {
                broken = true;
                world.Shop.Break();
                timeline.Say(elapsed, "payments begin to fail, a worker panics, a URL with credentials reaches the log");
            }
            if (elapsed < nextLook) continue;
            nextLook = elapsed + LookEvery;
            await timeline.LookAsync(elapsed, time.GetUtcNow(), cancel);
            if (timeline.Missing is null)
            {
                if (mended) break;
                mended = true;
                world.Shop.Mend();
                timeline.Say(elapsed, "payments work again");
                timeline.Show("recovery", world.Story.Recovery);
            }
            if (elapsed > StoryMax || real.GetElapsedTime(started) > limit) break;
        }
        output.WriteLine();
        var took = real.GetElapsedTime(started);
        if (timeline.Missing is { } missing)
        {
            output.WriteLine($"did not happen: {missing}; {time.GetUtcNow() - Noon:hh\\:mm\\:ss} simulated, {took.TotalSeconds:0.0} s real");
            return ExitCode.Failed;
        }
        output.WriteLine($"every step happened: {time.GetUtcNow() - Noon:hh\\:mm\\:ss} simulated in {took.TotalSeconds:0.0} s");
        return ExitCode.Done;
    }

    private static async Task<CollectorHost> StartCollectorAsync(DemoWorld world, TimeProvider time, BusyMeter busy, CancellationToken cancel)
    {
        var sockets = HttpHandlers.Create(time);
        var collector = new CollectorHost(new CollectorOptions
        {
            Configuration = () => ConfigurationFiles.Read(world.BootstrapFile),
            ConfigurationFolder = world.Folder,
            StoragePath = world.CollectorData,
            Time = time,
            Log = new CollectorLog(Console.Error, time) { Minimum = LogLevel.Warning },
            Http = settings => busy.Counting(sockets(settings)),
        });
        var findings = await collector.LoadAsync(cancel);
        if (findings.FirstOrDefault(f => f.Severity == Severity.Error) is { } wrong) throw new DemoException($"the collector does not start: {wrong}");
        return collector;
    }
}
