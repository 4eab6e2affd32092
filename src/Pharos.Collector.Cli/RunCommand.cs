using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Hosting;
using Pharos.Collector.Http;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Cli;

/// <summary>Runs a configuration until SIGTERM or Ctrl-C; SIGHUP loads it anew.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A file, or a folder whose *.alloy files make one configuration" };
        var listen = new Option<string>("--server.http.listen-addr")
        {
            Description = "Address and port of the collector's own page", DefaultValueFactory = _ => "127.0.0.1:12345", HelpName = "host:port",
        };
        var storage = new Option<string>("--storage.path")
        {
            Description = "Folder for positions, write logs and the last remote configuration", DefaultValueFactory = _ => "data-alloy/", HelpName = "folder",
        };
        var stability = Usage.StabilityOption();
        var format = Usage.FormatOption();
        var disableReporting = new Option<bool>("--disable-reporting") { Description = "Taken for compatibility; this collector never reports usage" };
        var command = new Command("run", HelpText.WithExamples(
            "Runs a configuration. SIGHUP or a request to /-/reload loads it anew; a configuration that does not load leaves the running one as it is.",
            "pharos-collector run collector.alloy",
            "pharos-collector run --storage.path /var/lib/pharos-collector /etc/pharos/conf.d",
            "pharos-collector run --server.http.listen-addr 0.0.0.0:12345 collector.alloy")) { path, listen, storage, stability, format, disableReporting };
        command.SetAction((parsed, cancel) => RunAsync(
            parsed.GetRequiredValue(path), parsed.GetRequiredValue(listen), parsed.GetRequiredValue(storage), parsed.GetRequiredValue(stability), cancel));
        return command;
    }

    private static async Task<int> RunAsync(string path, string listen, string storage, string stability, CancellationToken cancel)
    {
        if (!ListenAddress.TryParse(listen, out string host, out int port))
            return Usage.Fail($"--server.http.listen-addr \"{listen}\" is not host:port; write for example 127.0.0.1:12345", ExitCode.Usage);
        if (!File.Exists(path) && !Directory.Exists(path)) return Usage.Fail($"there is no file or folder {path}");

        using var log = new CollectorLog(Console.Error, TimeProvider.System);
        var logger = log.CreateLogger("");
        await using var collector = new CollectorHost(new CollectorOptions
        {
            Configuration = () => ConfigurationFiles.Read(path),
            ConfigurationFolder = Directory.Exists(path) ? path : Path.GetDirectoryName(path) ?? "",
            StoragePath = storage,
            Time = TimeProvider.System,
            Log = log,
            Http = HttpHandlers.Create(TimeProvider.System),
            MinimumStability = Usage.StabilityOf(stability),
        });
        ProcessMetrics.Register(collector.Instruments);

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            _ = ReloadAsync(collector, logger);
        });
        using var cancelled = cancel.Register(() => stopped.TrySetResult());

        await using var page = new CollectorPage(collector, host, port);
        try
        {
            // The port is taken first, so that a second collector on the same folders goes no further; what it speaks is in the configuration.
            page.Bind();
            var warnings = await collector.LoadAsync(cancel);
            logger.LogInformation("now listening for http traffic addr={Address}", await page.ListenAsync(cancel));
            foreach (var warning in warnings) logger.LogWarning("{Warning}", warning.ToString());
            await stopped.Task;
            return ExitCode.Done;
        }
        catch (SyntaxException wrong)
        {
            return Usage.Fail(SyntaxDiagnostic.RenderAll(wrong.Findings));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ConfigurationException)
        {
            return Usage.Fail(failure.Message);
        }
        finally
        {
            await collector.StopAsync();
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.TrySetResult();
        }
    }

    private static async Task ReloadAsync(CollectorHost collector, ILogger logger)
    {
        try
        {
            await collector.LoadAsync(CancellationToken.None);
            logger.LogInformation("config reloaded");
        }
        catch (Exception failure) when (failure is SyntaxException or IOException or UnauthorizedAccessException or ConfigurationException)
        {
            // The host has logged it; the old configuration goes on.
        }
    }
}
