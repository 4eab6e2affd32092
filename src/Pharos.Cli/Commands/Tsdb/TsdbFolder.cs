using System.CommandLine;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.PromQL;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>What the commands of <c>pharos tsdb</c> share: the folder they work on, selectors and times.</summary>
internal static class TsdbFolder
{
    public static Argument<string> Argument() => new("DIR")
    {
        Description = "Folder of blocks: a tenant's folder, a Prometheus's data folder, or one block. A server's data folder where --tenant names the tenant.",
    };

    public static Option<string?> TenantOption() => new("--tenant") { Description = "Tenant, where DIR is a server's data folder with several." };

    public static Option<string?> MatchOption() => new("--match") { Description = "Selector of series, for example '{job=\"checkout\"}'. Default: all." };

    public static Option<string?> MinTimeOption() => new("--min-time") { Description = "First time, Unix milliseconds or RFC 3339." };

    public static Option<string?> MaxTimeOption() => new("--max-time") { Description = "Last time, Unix milliseconds or RFC 3339." };

    /// <summary>Opens the folder and runs a command on it. Blocks that cannot be opened are named, and make the exit code 1.</summary>
    public static int With(ParseResult parsed, Argument<string> folder, Option<string?> tenant, Func<BlockArchive, int> work)
    {
        if (!TryResolve(parsed.GetValue(folder)!, parsed.GetValue(tenant), out string path)) return ExitCode.Usage;
        // On the error stream: the output may be data.
        using var loggers = LoggerFactory.Create(logging => logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var archive = BlockArchive.Open(path, loggers.CreateLogger("Metrics"));
        foreach (var problem in archive.Damaged) Console.Error.WriteLine($"pharos: left out {problem.Path}: {problem.Problem}");
        int exit = work(archive);
        return exit == ExitCode.Done && (archive.Damaged.Count > 0 || archive.LeftOut > 0) ? ExitCode.Failed : exit;
    }

    /// <summary>The folder with the blocks; says what is wrong where there is none.</summary>
    public static bool TryResolve(string path, string? tenant, out string resolved)
    {
        resolved = path;
        string metrics = Path.Combine(path, "metrics");
        if (!Directory.Exists(path))
        {
            Usage.Fail($"{path} is no folder");
            return false;
        }
        if (!Directory.Exists(metrics))
        {
            if (tenant is null) return true;
            Usage.Fail($"--tenant needs a server's data folder; {path} has no folder metrics");
            return false;
        }
        if (tenant is null)
        {
            var tenants = Directory.GetDirectories(metrics).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal).ToList();
            if (tenants.Count != 1)
            {
                Usage.Fail(tenants.Count == 0 ? $"{metrics} holds no tenant yet" : $"{path} holds several tenants; choose one with --tenant: {string.Join(", ", tenants)}");
                return false;
            }
            tenant = tenants[0];
        }
        resolved = Path.Combine(metrics, tenant);
        if (TenantId.TryParse(tenant, out _, out string? error) && Directory.Exists(resolved)) return true;
        Usage.Fail(error is null ? $"there is no tenant {tenant} in {path}" : $"--tenant: {error}");
        return false;
    }

    public static bool TrySelector(string? text, out IReadOnlyList<Matcher> matchers)
    {
        matchers = [];
        if (text is null) return true;
        try
        {
            matchers = PromQlLanguage.ParseSelector(text);
            return true;
        }
        catch (QueryException wrong)
        {
            Usage.Fail($"--match: {wrong.Message}");
            return false;
        }
    }

    public static bool TryRange(string? min, string? max, out TimeRange range)
    {
        range = TimeRange.All;
        if (!TryTime(min, long.MinValue, out long from) || !TryTime(max, long.MaxValue, out long to))
        {
            Usage.Fail("--min-time and --max-time are Unix milliseconds or RFC 3339, for example 2026-03-01T12:00:00Z");
            return false;
        }
        if (from > to)
        {
            Usage.Fail("--min-time is after --max-time");
            return false;
        }
        range = new TimeRange(from, to);
        return true;
    }

    private static bool TryTime(string? text, long otherwise, out long ms)
    {
        ms = otherwise;
        if (text is null || long.TryParse(text, out ms)) return true;
        if (!DateTimeOffset.TryParse(text, null, System.Globalization.DateTimeStyles.AssumeUniversal, out var time)) return false;
        ms = time.ToUnixTimeMilliseconds();
        return true;
    }
}
