using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
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
        var command = new Command("run", Usage.WithExamples(
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
        int colon = listen.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(listen.AsSpan(colon + 1), out int port) || port is < 0 or > 65535)
            return Usage.Fail($"--server.http.listen-addr \"{listen}\" is not host:port; write for example 127.0.0.1:12345", ExitCode.Usage);
        string host = listen[..colon].Trim('[', ']');
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

        WebApplication? web = null;
        try
        {
            web = await ListenAsync(collector, log, host, port, cancel);
            var warnings = await collector.LoadAsync(cancel);
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
            if (web is not null)
            {
                await web.StopAsync(CancellationToken.None);
                await web.DisposeAsync();
            }
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

    private static async Task<WebApplication> ListenAsync(CollectorHost collector, CollectorLog log, string host, int port, CancellationToken cancel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (host.Length == 0 || host == "*") kestrel.ListenAnyIP(port);
            else if (IPAddress.TryParse(host, out var address)) kestrel.Listen(address, port);
            else kestrel.Listen(Dns.GetHostAddresses(host)[0], port);
        });
        var web = builder.Build();
        CollectorRoutes.Map(web, collector);
        try
        {
            await web.StartAsync(cancel);
        }
        catch (Exception failure) when (failure is IOException or System.Net.Sockets.SocketException)
        {
            await web.DisposeAsync();
            throw new IOException($"cannot listen on {host}:{port}: {failure.Message}; choose another with --server.http.listen-addr", failure);
        }
        string bound = web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        log.CreateLogger("").LogInformation("now listening for http traffic addr={Address}", bound);
        return web;
    }
}
