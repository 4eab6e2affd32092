using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;

namespace Pharos.Cli.Commands;

internal static class ServerCommand
{
    public static Command Create()
    {
        var listen = new Option<string>("--listen")
        {
            Description = "Address to listen on, HOST:PORT. Port 0 picks a free one and prints it.",
            DefaultValueFactory = _ => "127.0.0.1:3000",
            HelpName = "HOST:PORT",
        };
        var data = new Option<DirectoryInfo>("--data-dir")
        {
            Description = "Folder for everything that is kept. Made where it is missing.",
            DefaultValueFactory = _ => new DirectoryInfo("data"),
            HelpName = "DIR",
        };
        var config = new Option<FileInfo?>("--config")
        {
            Description = "Configuration file (YAML): tenancy, limits, overrides. See docs/server.md.",
            HelpName = "FILE",
        };
        var level = LogLevelOption();
        var command = new Command("server", HelpText.WithExamples(
            "The central, multi-tenant stack: metrics, logs, rules, alert routing, fleet and the web page.",
            "pharos server",
            "pharos server --listen 0.0.0.0:3000 --data-dir /var/lib/pharos --config pharos.yml",
            "pharos server --listen 127.0.0.1:0 --data-dir \"$(mktemp -d)\""))
        {
            listen, data, config, level,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string address = parsed.GetValue(listen)!;
            if (!ListenAddress.TryParse(address, out string host, out int port))
                return Usage.Fail($"--listen {address} is not HOST:PORT, for example 127.0.0.1:3000", ExitCode.Usage);
            var settings = new ServerConfig();
            if (parsed.GetValue(config) is { } file)
            {
                if (!file.Exists) return Usage.Fail($"--config {file} does not exist", ExitCode.Usage);
                try
                {
                    settings = ServerConfig.Load(await File.ReadAllTextAsync(file.FullName, cancel), file.FullName);
                }
                catch (ConfigurationException e)
                {
                    foreach (var finding in e.Diagnostics) Console.Error.WriteLine(finding);
                    return ExitCode.Failed;
                }
            }
            using var loggers = LogLevels.Logging(parsed.GetValue(level));
            var options = new ServerOptions { Host = host, Port = port, DataFolder = parsed.GetValue(data)!.FullName, Config = settings };
            return await Running.RunAsync(
                async token =>
                {
                    var server = await PharosServer.StartAsync(options, TimeProvider.System, loggers, token);
                    return new Reloading(server, PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
                    {
                        signal.Cancel = true;
                        _ = Task.Run(() => ReloadAsync(server), CancellationToken.None);
                    }));
                },
                running => $"pharos server is ready on {running.Server.Address}",
                cancel);
        });
        return command;
    }

    private static async Task ReloadAsync(PharosServer server)
    {
        try
        {
            await server.ReloadAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"pharos: the limits were not reloaded, the old ones go on: {e.Message}");
        }
    }

    private sealed class Reloading(PharosServer server, PosixSignalRegistration reload) : IAsyncDisposable
    {
        public PharosServer Server { get; } = server;

        public async ValueTask DisposeAsync()
        {
            reload.Dispose();
            await Server.DisposeAsync();
        }
    }

    public static Option<LogLevel> LogLevelOption() => new("--log-level")
    {
        Description = "Least severity to log: Debug, Information, Warning, Error.",
        DefaultValueFactory = _ => LogLevel.Warning,
    };
}
