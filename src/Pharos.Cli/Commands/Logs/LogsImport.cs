using System.CommandLine;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs.Tools;

namespace Pharos.Cli.Commands.Logs;

/// <summary>Brings entries into a data folder or to a running server.</summary>
internal static class LogsImport
{
    public static Command Create()
    {
        var input = new Argument<string>("FILE") { Description = "Lines of JSON as 'pharos logs export' writes them; - for the standard input." };
        var folder = new Argument<string?>("DATA_DIR") { Description = "A data folder that no server uses; made if missing. Left out where --url says where to.", Arity = ArgumentArity.ZeroOrOne };
        var tenant = new Option<string?>("--tenant") { Description = "Whose entries they become. Default: anonymous; with --url: no header." };
        var url = new Option<string?>("--url") { Description = "Address of a running Pharos or Loki that the entries are pushed to, in place of DATA_DIR." };
        var command = new Command("import", HelpText.WithExamples(
            "Takes entries into parts of a data folder, where no limit on age or size holds and what is there already is not stored twice; or pushes them to a server, whose limits hold. "
            + "Exit code 1 where an entry was not taken.",
            "pharos logs import checkout.ndjson data --tenant shop",
            "pharos logs export old --match '{job=\"checkout\"}' | pharos logs import - --url http://127.0.0.1:3000"))
        {
            input, folder, tenant, url,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string? data = parsed.GetValue(folder), address = parsed.GetValue(url);
            if (address is null == data is null) return Usage.Fail("import takes either DATA_DIR or --url", ExitCode.Usage);
            Uri? target = null;
            if (address is not null && !(Uri.TryCreate(address, UriKind.Absolute, out target) && target.Scheme is "http" or "https")) return Usage.Fail("--url must start with http:// or https://", ExitCode.Usage);
            TenantId? whose = null;
            if (parsed.GetValue(tenant) is { } name)
            {
                if (!TenantId.TryParse(name, out var named, out string? error)) return Usage.Fail($"--tenant: {error}", ExitCode.Usage);
                whose = named;
            }
            string path = parsed.GetValue(input)!;
            if (path != "-" && !File.Exists(path)) return Usage.Fail($"there is no file {path}", ExitCode.Usage);
            try
            {
                await using var stream = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                return Print(target is null ? await StoreAsync(data!, whose ?? TenantId.Anonymous, stream, cancel) : await PushAsync(target, whose, stream, cancel), target is not null);
            }
            catch (Exception failure) when (failure is IOException or InvalidDataException or UnauthorizedAccessException or StoreUnavailableException)
            {
                return Usage.Fail(failure.Message);
            }
        });
        return command;
    }

    private static async Task<LogImported> StoreAsync(string data, TenantId tenant, Stream input, CancellationToken cancel)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Warning).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        using var progress = new Progress("entries", TimeProvider.System);
        return await new LogImport(data, new LogQlFilterLanguage(TimeProvider.System), TimeProvider.System, loggers.CreateLogger("Logs")).RunAsync(tenant, input, progress.Report, cancel);
    }

    private static async Task<LogImported> PushAsync(Uri server, TenantId? tenant, Stream input, CancellationToken cancel)
    {
        using var http = new HttpClient();
        using var progress = new Progress("lines", TimeProvider.System);
        return await new LogPush(http, server, TimeProvider.System).RunAsync(tenant, input, progress.Report, why => Console.Error.WriteLine($"pharos: {why}"), cancel);
    }

    private static int Print(LogImported done, bool pushed)
    {
        foreach (string problem in done.Problems) Console.Error.WriteLine($"pharos: {problem}");
        Console.WriteLine(pushed ? $"{done.Lines} lines sent" : $"{done.Entries} entries imported");
        return done.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }
}
