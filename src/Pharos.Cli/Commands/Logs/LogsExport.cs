using System.CommandLine;
using System.Globalization;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs.Tools;

namespace Pharos.Cli.Commands.Logs;

/// <summary>Entries of parts as text.</summary>
internal static class LogsExport
{
    public static Command Create()
    {
        var folder = LogsFolder.Argument();
        var tenant = new Option<string?>("--tenant") { Description = "Whose entries. May be left out where there is one tenant." };
        var match = LogsFolder.MatchOption();
        var start = new Option<string?>("--start") { Description = "First time, RFC 3339 or Unix nanoseconds." };
        var end = new Option<string?>("--end") { Description = "End, RFC 3339 or Unix nanoseconds; entries of this very time are left out." };
        var output = new Option<FileInfo?>("--output", "-o") { Description = "File to write. Default: the standard output." };
        var format = new Option<string>("--format")
        {
            Description = "push: each line is a body of Loki's push API with many entries of one stream, the quickest to import. ndjson: each line is one entry, for other tools. 'pharos logs import' reads both.",
            DefaultValueFactory = _ => "push",
        };
        format.AcceptOnlyFromAmong("push", "ndjson");
        var command = new Command("export", HelpText.WithExamples(
            "Entries as lines of JSON, stream by stream, oldest first, with labels, times in nanoseconds, and structured metadata. Entries that a deletion hides are left out. Exit code 1 where a block cannot be read.",
            "pharos logs export data --tenant shop --match '{job=\"checkout\"}' --start 2026-03-01T00:00:00Z --output checkout.ndjson",
            "pharos logs export data --format ndjson | jq .line"))
        {
            folder, tenant, match, start, end, format, output,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            if (!LogsFolder.TrySelector(parsed.GetValue(match), out var matchers)) return ExitCode.Usage;
            if (!TryTime(parsed.GetValue(start), long.MinValue, out long from) || !TryTime(parsed.GetValue(end), long.MaxValue, out long to))
                return Usage.Fail("--start and --end are RFC 3339 or Unix nanoseconds, for example 2026-03-01T12:00:00Z", ExitCode.Usage);
            if (from >= to) return Usage.Fail("--start must be before --end", ExitCode.Usage);
            var selection = new LogSelection { Matchers = matchers, StartNs = from, EndNs = to };
            return LogsFolder.With(parsed.GetValue(folder)!, parsed.GetValue(tenant), archive =>
            {
                var tenants = archive.Parts.Select(p => p.Tenant).Distinct(StringComparer.Ordinal).ToList();
                if (parsed.GetValue(tenant) is null && tenants.Count > 1) return Usage.Fail($"there are several tenants; choose one with --tenant: {string.Join(", ", tenants)}", ExitCode.Usage);
                var whose = TenantId.TryParse(parsed.GetValue(tenant) ?? tenants.FirstOrDefault() ?? "", out var named, out _) ? named : TenantId.Anonymous;
                LogExported done;
                using (var file = OutputFile.Open(parsed.GetValue(output)))
                {
                    using (var progress = new Progress("bytes of entries", TimeProvider.System))
                        done = LogExport.Write(archive, whose, selection, parsed.GetValue(format) == "ndjson" ? LogExportForm.Entries : LogExportForm.Push, new LogQlFilterLanguage(TimeProvider.System), file.Stream, progress.Report, cancel);
                    file.Complete();
                }
                foreach (var problem in done.Problems) Console.Error.WriteLine($"pharos: left out {problem}");
                if (done.Altered > 0) Console.Error.WriteLine($"pharos: {done.Altered} entries have bytes that are no UTF-8; they were written as replacement characters");
                Console.Error.WriteLine($"{done.Entries} entries of {done.Streams} streams");
                return done.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
            }, cancel);
        }));
        return command;
    }

    private static bool TryTime(string? text, long otherwise, out long ns)
    {
        ns = otherwise;
        return text is null || long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out ns) || UnixTime.TryRfc3339Ns(text, out ns);
    }
}
