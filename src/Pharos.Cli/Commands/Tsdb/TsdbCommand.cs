using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Metrics.Tools;
using Pharos.PromQL;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary><c>pharos tsdb</c>: work on folders of metric blocks, without a server.</summary>
internal static class TsdbCommand
{
    public static Command Create() => new("tsdb", HelpText.WithExamples(
        "Looks into, checks, exports and imports blocks of metrics: those of Pharos, Prometheus, Thanos and Mimir. Works on files; "
        + "a running server's newest samples are not in blocks yet (its snapshot API writes them out).",
        "pharos tsdb list data --tenant shop",
        "pharos tsdb analyze data/metrics/shop",
        "pharos tsdb verify data/metrics/shop",
        "pharos tsdb export data/metrics/shop --match '{job=\"checkout\"}' --output checkout.om",
        "pharos tsdb import blocks /var/lib/prometheus data/metrics/shop"))
    {
        List(), Analyze(), TsdbExport.Dump(), TsdbExport.Export(), TsdbImport.Create(), TsdbVerify.Create(),
    };

    private static Command List()
    {
        var folder = TsdbFolder.Argument();
        var tenant = TsdbFolder.TenantOption();
        var human = new Option<bool>("--human-readable", "-r") { Description = "Times and sizes for people." };
        var command = new Command("list", HelpText.WithExamples(
            "The blocks of a folder, oldest first. Exit code 1 where one cannot be opened.", "pharos tsdb list data/metrics/shop", "pharos tsdb list -r /var/lib/prometheus"))
        {
            folder, tenant, human,
        };
        command.SetAction(parsed => TsdbFolder.With(parsed, folder, tenant, archive =>
        {
            bool readable = parsed.GetValue(human);
            Console.WriteLine($"{"BLOCK ULID",-26}  {"MIN TIME",-20}  {"MAX TIME",-20}  {"DURATION",-10}  {"NUM SAMPLES",12}  {"NUM CHUNKS",10}  {"NUM SERIES",10}  {"LEVEL",5}  SIZE");
            foreach (var b in archive.Blocks)
            {
                Console.WriteLine(
                    $"{b.Id,-26}  {Time(b.MinTimeMs),-20}  {Time(b.EndTimeMs),-20}  {PromDuration.Format(TimeSpan.FromMilliseconds(b.EndTimeMs - b.MinTimeMs)),-10}  "
                    + $"{b.Samples,12}  {b.Chunks,10}  {b.Series,10}  {b.Level,5}  {(readable ? SizeText.Of(b.Bytes) : b.Bytes.ToString(CultureInfo.InvariantCulture))}");
            }
            return ExitCode.Done;

            string Time(long ms) => readable ? UnixTime.FromMs(ms).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : ms.ToString(CultureInfo.InvariantCulture);
        }));
        return command;
    }

    private static Command Analyze()
    {
        var folder = TsdbFolder.Argument();
        var block = new Argument<string?>("BLOCK") { Description = "The block's name. Default: the newest.", Arity = ArgumentArity.ZeroOrOne };
        var tenant = TsdbFolder.TenantOption();
        var match = TsdbFolder.MatchOption();
        var limit = new Option<int>("--limit") { Description = "Longest list.", DefaultValueFactory = _ => 20 };
        var command = new Command("analyze", HelpText.WithExamples(
            "Where a block's series, its churn and its bytes come from.",
            "pharos tsdb analyze data/metrics/shop", "pharos tsdb analyze data/metrics/shop 01KJMMA2G0X3Y3QYXNZFDAJ0YY --match '{job=\"checkout\"}' --limit 5"))
        {
            folder, block, tenant, match, limit,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => TsdbFolder.With(parsed, folder, tenant, archive =>
        {
            if (!TsdbFolder.TrySelector(parsed.GetValue(match), out var matchers)) return ExitCode.Usage;
            try
            {
                Print(archive.Analyze(parsed.GetValue(block), matchers, parsed.GetValue(limit), cancel));
                return ExitCode.Done;
            }
            catch (ArgumentException missing)
            {
                return Usage.Fail(missing.Message);
            }
        })));
        return command;
    }

    private static void Print(BlockAnalysis found)
    {
        var duration = TimeSpan.FromMilliseconds(found.Block.EndTimeMs - found.Block.MinTimeMs);
        Console.WriteLine($"Block ID: {found.Block.Id}");
        Console.WriteLine($"Duration: {PromDuration.Format(duration)}");
        Console.WriteLine($"Total Series: {found.Series}");
        Console.WriteLine($"Label names: {found.LabelNames}");
        Console.WriteLine($"Postings (unique label pairs): {found.Postings}");
        Console.WriteLine($"Postings entries (total label pairs): {found.PostingEntries}");
        foreach (var encoding in found.Encodings)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{encoding.Encoding} chunks: {encoding.Chunks} with {encoding.Samples} samples, {encoding.Samples / (double)encoding.Chunks:0.0} samples per chunk, {encoding.Bytes / (double)encoding.Samples:0.00} bytes per sample"));
        }
        if (found.Block.Samples > 0)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Block: {SizeText.Of(found.Block.Bytes)}, {found.Block.Bytes / (double)found.Block.Samples:0.00} bytes per sample"));
        PrintList("Label pairs most involved in churning:", found.ChurnByPair);
        PrintList("Label names most involved in churning:", found.ChurnByName);
        PrintList("Most common label pairs:", found.SeriesByPair);
        PrintList("Label names with highest cumulative label value length:", found.ValueBytesByName);
        PrintList("Highest cardinality labels:", found.ValuesByName);
        PrintList("Highest cardinality metric names:", found.SeriesByMetric);
    }

    private static void PrintList(string title, IReadOnlyList<NamedCount> counts)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        foreach (var (name, value) in counts) Console.WriteLine($"{value} {name}");
    }
}
