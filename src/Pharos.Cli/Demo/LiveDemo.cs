using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Pharos.Cli.Commands;
using Pharos.Core;

namespace Pharos.Cli.Demo;

/// <summary>The story in real time, with the collector in a process of its own, until Ctrl-C.</summary>
internal sealed class LiveDemo(DemoOptions options, TimeProvider time, ILoggerFactory loggers, TextWriter output)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var folder = DemoFolder.Open(options.Folder);
        long started = time.GetTimestamp();
        var pace = DemoPace.Short;
        await using var world = await DemoWorld.StartAsync(folder.Path, options.Host, options.Port, pace, time, new BusyMeter(), loggers, cancel);
        output.WriteLine($"""
            Pharos demo

              the page     {world.Server.Address}
              the shop     {world.Shop.Address}metrics, log {world.Shop.LogFile}
              kept in      {folder.Path}{(options.Folder is null ? " (removed at the end; --data-dir keeps it)" : "")}

            Payments begin to fail in {pace.BreakAfter.TotalSeconds:0} seconds. Ctrl-C stops everything.

            """);
        using var collector = StartCollector(world);
        var timeline = new Timeline(output, redraw: !options.Headless && !Console.IsOutputRedirected);
        timeline.Show("errors at the checkout", [.. world.Story.Fleet, .. world.Story.Metrics]);
        timeline.Show("a panic in the log", world.Story.Logs);
        bool broken = false;
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                var elapsed = time.GetElapsedTime(started);
                if (!broken && elapsed >= pace.BreakAfter)
                {
                    broken = true;
                    world.Shop.Break();
                    timeline.Say(elapsed, "payments begin to fail");
                }
                await timeline.LookAsync(elapsed, time.GetUtcNow(), cancel);
                if (collector.HasExited) throw new DemoException($"the collector ended with exit code {collector.ExitCode}");
                if (options.ExitAfter is { } limit && elapsed >= limit) break;
                await Task.Delay(LookEvery, time, cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Ctrl-C: stop as below.
        }
        await StopAsync(collector);
        output.WriteLine();
        if (timeline.Missing is { } missing && options.ExitAfter is not null)
        {
            output.WriteLine($"stopped before this step happened: {missing}");
            return ExitCode.Failed;
        }
        output.WriteLine("stopped");
        return ExitCode.Done;
    }

    private static Process StartCollector(DemoWorld world)
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "pharos-collector.exe" : "pharos-collector");
        var start = new ProcessStartInfo(program);
        foreach (string argument in new[] { "run", world.BootstrapFile, $"--storage.path={world.CollectorData}", "--server.http.listen-addr=127.0.0.1:0" })
            start.ArgumentList.Add(argument);
        start.RedirectStandardOutput = true;
        var process = Process.Start(start) ?? throw new DemoException($"{program} does not start");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private static async Task StopAsync(Process collector)
    {
        if (collector.HasExited) return;
        using (var terminate = Process.Start("kill", ["-TERM", collector.Id.ToString()]))
        {
            await terminate.WaitForExitAsync();
        }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await collector.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            collector.Kill();
        }
    }
}
