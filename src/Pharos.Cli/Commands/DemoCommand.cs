using System.CommandLine;
using Microsoft.Extensions.Logging;
using Pharos.Cli.Demo;
using Pharos.Core;

namespace Pharos.Cli.Commands;

internal static class DemoCommand
{
    public static Command Create()
    {
        var fast = new Option<bool>("--fast") { Description = "The original durations in simulated time; checks every step and ends." };
        var data = new Option<DirectoryInfo?>("--data-dir") { Description = "Folder to keep everything in. Default: a new one that is removed at the end.", HelpName = "DIR" };
        var listen = new Option<string>("--listen")
        {
            Description = "Address of the server, HOST:PORT. Port 0 picks a free one.",
            DefaultValueFactory = _ => "127.0.0.1:0",
            HelpName = "HOST:PORT",
        };
        var headless = new Option<bool>("--headless") { Description = "Print plain lines only, for a log file or another program." };
        var exitAfter = new Option<string?>("--exit-after") { Description = "Stop after this real time, for example 5m; exit 1 if a step is still missing then.", HelpName = "DURATION" };
        var level = new Option<LogLevel>("--log-level") { Description = "Least severity to log.", DefaultValueFactory = _ => LogLevel.Error };
        var command = new Command("demo", HelpText.WithExamples(
            "An incident travels through the whole stack: a small checkout shop begins to fail, and you watch the page go out.",
            "pharos demo",
            "pharos demo --listen 127.0.0.1:3000 --data-dir demo-data",
            "pharos demo --fast"))
        {
            fast, data, listen, headless, exitAfter, level,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string address = parsed.GetValue(listen)!;
            if (!ListenAddress.TryParse(address, out string host, out int port))
                return Usage.Fail($"--listen {address} is not HOST:PORT, for example 127.0.0.1:3000", ExitCode.Usage);
            TimeSpan? limit = null;
            if (parsed.GetValue(exitAfter) is { } text)
            {
                if (!PromDuration.TryParse(text, out var duration, out string? error)) return Usage.Fail($"--exit-after: {error}", ExitCode.Usage);
                limit = duration;
            }
            var options = new DemoOptions(parsed.GetValue(data)?.FullName, host, port, parsed.GetValue(headless), limit);
            using var loggers = LogLevels.Logging(parsed.GetValue(level));
            try
            {
                return parsed.GetValue(fast)
                    ? await new FastDemo(options, loggers, Console.Out).RunAsync(cancel)
                    : await new LiveDemo(options, TimeProvider.System, loggers, Console.Out).RunAsync(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return ExitCode.Done;
            }
            catch (Exception e) when (e is DemoException or IOException or HttpRequestException)
            {
                return Usage.Fail(e.Message);
            }
        });
        return command;
    }
}
