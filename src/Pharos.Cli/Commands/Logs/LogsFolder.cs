using System.CommandLine;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs.Tools;

namespace Pharos.Cli.Commands.Logs;

/// <summary>What the commands of <c>pharos logs</c> share: the folder they work on and selectors.</summary>
internal static class LogsFolder
{
    public static Argument<string> Argument() => new("DATA_DIR") { Description = "A server's data folder." };

    public static Option<string?> MatchOption() => new("--match") { Description = "Selector of streams, for example '{job=\"checkout\"}'. Default: all." };

    /// <summary>Opens the parts and runs a command on them. Parts that cannot be opened are named, and make the exit code 1.</summary>
    public static int With(string data, string? tenant, Func<LogArchive, int> work, CancellationToken cancel)
    {
        if (!TryResolve(data, tenant, out string logs)) return ExitCode.Usage;
        try
        {
            var archive = LogArchive.Open(logs, tenant, cancel);
            foreach (var problem in archive.Damaged) Console.Error.WriteLine($"pharos: left out {problem}");
            int exit = work(archive);
            return exit == ExitCode.Done && archive.Damaged.Count > 0 ? ExitCode.Failed : exit;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Usage.Fail(failure.Message);
        }
    }

    /// <summary>The folder of logs; says what is wrong where there is none.</summary>
    public static bool TryResolve(string data, string? tenant, out string logs)
    {
        logs = Path.Combine(data, "logs");
        if (tenant is not null && !TenantId.TryParse(tenant, out _, out string? error)) Usage.Fail($"--tenant: {error}");
        else if (!Directory.Exists(logs)) Usage.Fail($"{data} is no server's data folder: it has no folder logs");
        else if (tenant is not null && !Directory.Exists(Path.Combine(logs, tenant))) Usage.Fail($"there is no tenant {tenant} in {logs}");
        else return true;
        return false;
    }

    public static bool TrySelector(string? text, out IReadOnlyList<Matcher> matchers)
    {
        matchers = [];
        try
        {
            if (text is not null) matchers = LogQl.Selector(text);
            return true;
        }
        catch (QueryException wrong)
        {
            Usage.Fail($"--match: {wrong.Message}");
            return false;
        }
    }
}
