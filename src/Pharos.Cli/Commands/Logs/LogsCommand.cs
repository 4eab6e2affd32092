using System.CommandLine;
using System.Globalization;
using Pharos.Core;
using Pharos.Logs.Tools;

namespace Pharos.Cli.Commands.Logs;

/// <summary><c>pharos logs</c>: work on a data folder's log parts, without a server.</summary>
internal static class LogsCommand
{
    public static Command Create() => new("logs", HelpText.WithExamples(
        "Looks into, checks and exports the log parts of a data folder, also beside a running server: nothing is changed there; imports into one that no server uses. "
        + "A running server's newest entries are not in parts yet; POST /flush writes them out.",
        "pharos logs list data --tenant shop",
        "pharos logs analyze data --match '{job=\"checkout\"}'",
        "pharos logs verify data",
        "pharos logs export data --match '{job=\"checkout\"}' --output checkout.ndjson",
        "pharos logs import checkout.ndjson other-data"))
    {
        List(), Analyze(), Verify(), LogsExport.Create(), LogsImport.Create(),
    };

    private static Option<string?> TenantOption() => new("--tenant") { Description = "This tenant alone. Default: all." };

    private static Command List()
    {
        var folder = LogsFolder.Argument();
        var tenant = TenantOption();
        var human = new Option<bool>("--human-readable", "-r") { Description = "Times and sizes for people." };
        var command = new Command("list", HelpText.WithExamples(
            "The parts by tenant and day. RAW is bytes of lines and metadata, PACKED the file's. Exit code 1 where a part cannot be opened.", "pharos logs list -r data --tenant shop"))
        {
            folder, tenant, human,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => LogsFolder.With(parsed.GetValue(folder)!, parsed.GetValue(tenant), archive =>
        {
            bool readable = parsed.GetValue(human);
            Console.WriteLine($"{"TENANT",-16}  {"DAY",-10}  {"ENTRIES",12}  {"STREAMS",8}  {"BLOCKS",8}  {"RAW",14}  {"PACKED",14}  {"MIN TIME",-30}  {"MAX TIME",-30}  FILE");
            foreach (var p in archive.Parts)
            {
                Console.WriteLine(
                    $"{p.Tenant,-16}  {p.Day,-10}  {p.Entries,12}  {p.Streams,8}  {p.Blocks,8}  {Size(p.RawBytes),14}  {Size(p.Bytes),14}  {Time(p.MinNs),-30}  {Time(p.MaxNs),-30}  {p.Path}");
            }
            return ExitCode.Done;

            string Size(long bytes) => readable ? SizeText.Of(bytes) : Number(bytes);
            string Time(long ns) => readable ? UnixTime.Rfc3339(ns) : Number(ns);
        }, cancel)));
        return command;
    }

    private static Command Analyze()
    {
        var folder = LogsFolder.Argument();
        var tenant = TenantOption();
        var match = LogsFolder.MatchOption();
        var limit = new Option<int>("--limit") { Description = "Longest list.", DefaultValueFactory = _ => 20 };
        var command = new Command("analyze", HelpText.WithExamples(
            "Where entries and bytes come from: the largest streams and labels, the values of each label name, compression, and the columns of fields of lines and of structured metadata. "
            + "Exit code 1 where columns cannot be read.",
            "pharos logs analyze data", "pharos logs analyze data --tenant shop --match '{job=\"checkout\"}' --limit 5"))
        {
            folder, tenant, match, limit,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            if (parsed.GetValue(limit) < 1) return Usage.Fail("--limit must be at least 1", ExitCode.Usage);
            if (!LogsFolder.TrySelector(parsed.GetValue(match), out var matchers)) return ExitCode.Usage;
            return LogsFolder.With(parsed.GetValue(folder)!, parsed.GetValue(tenant), archive =>
            {
                LogAnalysis found;
                using (var progress = new Progress("blocks", TimeProvider.System)) found = archive.Analyze(matchers, parsed.GetValue(limit), progress.Report, cancel);
                foreach (var problem in found.Problems) Console.Error.WriteLine($"pharos: left out {problem}");
                Print(found);
                return found.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
            }, cancel);
        }));
        return command;
    }

    private static void Print(LogAnalysis found)
    {
        Console.WriteLine($"Parts: {found.Parts}");
        Console.WriteLine($"Streams: {found.Streams}");
        Console.WriteLine($"Blocks: {found.Blocks}");
        Console.WriteLine($"Entries: {found.Total.Entries}");
        foreach (var (codec, size) in found.Codecs)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{codec} blocks: {SizeText.Of(size.RawBytes)} raw, {SizeText.Of(size.PackedBytes)} packed, ratio {size.RawBytes / (double)Math.Max(1, size.PackedBytes):0.0}, {size.PackedBytes / (double)Math.Max(1, size.Entries):0.00} bytes per entry"));
        }
        PrintList("Streams with the most bytes:", found.StreamsByBytes.Select(s => $"{Number(s.Size.RawBytes)} {s.Tenant} {s.Stream} ({Number(s.Size.PackedBytes)} packed)"));
        PrintList("Streams with the most entries:", found.StreamsByEntries.Select(s => $"{Number(s.Size.Entries)} {s.Tenant} {s.Stream}"));
        PrintList("Label pairs with the most bytes:", found.PairsByBytes.Select(p => $"{Number(p.Size.RawBytes)} {Shown(p.Pair)} ({Number(p.Size.PackedBytes)} packed)"));
        PrintList("Label pairs with the most entries:", found.PairsByEntries.Select(p => $"{Number(p.Size.Entries)} {Shown(p.Pair)}"));
        PrintList("Highest cardinality labels:", found.ValuesByName.Select(n => $"{n.Values} {n.Name} (in {n.Streams} streams)"));
        PrintList("Fields of lines with the most packed bytes:", found.Fields.Select(c => Column(c, "(tokens of text)")));
        PrintList("Structured metadata with the most packed bytes:", found.Metadata.Select(c => Column(c, "(whole sets)")));
    }

    private static string Column(LogColumnSize column, string unnamed) => string.Create(CultureInfo.InvariantCulture,
        $"{column.Size.PackedBytes} {(column.Name.Length == 0 ? unnamed : Shown(column.Name))} ({column.Size.RawBytes} raw, {column.Size.Entries} entries; {string.Join(", ", column.Kinds.Select(k => $"{k.Columns} {k.Kind}"))})");

    /// <summary>Text that came with logs, so that it cannot steer a terminal.</summary>
    private static string Shown(string text) => text.EnumerateRunes().All(GoString.IsPrintable) ? text : GoString.Quote(text);

    private static void PrintList(string title, IEnumerable<string> lines)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        foreach (string line in lines) Console.WriteLine(line);
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static Command Verify()
    {
        var folder = LogsFolder.Argument();
        var tenant = TenantOption();
        var command = new Command("verify", HelpText.WithExamples(
            "Reads the logs' mark, deletions, and every block of every part, and changes nothing. Names each damaged or cut off file with the place; "
            + "exit code 1 where there is one. 'pharos tsdb verify' reads the write log, too.",
            "pharos logs verify data", "pharos logs verify data --tenant shop"))
        {
            folder, tenant,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            if (!LogsFolder.TryResolve(parsed.GetValue(folder)!, parsed.GetValue(tenant), out string logs)) return ExitCode.Usage;
            LogFindings found;
            using (var progress = new Progress("log parts", TimeProvider.System)) found = LogVerifier.Verify(logs, parsed.GetValue(tenant), progress.Report, cancel);
            foreach (var problem in found.Problems) Console.Error.WriteLine($"error: {problem}");
            Console.WriteLine($"{found.Parts} parts checked, {found.Problems.Count} problems");
            return found.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
        }));
        return command;
    }
}
