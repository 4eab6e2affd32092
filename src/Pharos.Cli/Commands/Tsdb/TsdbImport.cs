using System.CommandLine;
using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.Wire;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>Brings metrics from elsewhere into a tenant's folder.</summary>
internal static class TsdbImport
{
    public static Command Create() => new("import", HelpText.WithExamples(
        "Makes or copies blocks into a tenant's folder. A running server takes them in within a minute.",
        "pharos tsdb import blocks /var/lib/prometheus data/metrics/shop",
        "pharos tsdb import openmetrics backfill.om data/metrics/shop"))
    {
        Blocks(), OpenMetrics(),
    };

    private static Argument<string> Target() => new("DIR") { Description = "Where the blocks go: a tenant's folder (data/metrics/TENANT); made if missing." };

    private static Command Blocks()
    {
        var source = new Argument<string>("SOURCE") { Description = "Folder of blocks: a Prometheus's data folder, a snapshot, a tenant's folder of Mimir or Thanos, or one block." };
        var target = Target();
        var command = new Command("blocks", HelpText.WithExamples(
            "Verifies and copies blocks that Prometheus, Thanos or Mimir wrote. External labels of Thanos become labels of the series. "
            + "A damaged block is named and not taken; those that are there already are skipped. Exit code 1 where one was not taken.",
            "pharos tsdb import blocks /var/lib/prometheus data/metrics/shop"))
        {
            source, target,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            string from = parsed.GetValue(source)!;
            if (!Directory.Exists(from)) return Usage.Fail($"{from} is no folder", ExitCode.Usage);
            try
            {
                IReadOnlyList<ImportedBlock> blocks;
                using (var progress = new Progress("blocks", TimeProvider.System)) blocks = new BlockImport(parsed.GetValue(target)!, TimeProvider.System).Run(from, progress.Report, cancel);
                return Print(from, blocks);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return Usage.Fail(failure.Message);
            }
        }));
        return command;
    }

    private static int Print(string source, IReadOnlyList<ImportedBlock> blocks)
    {
        foreach (var block in blocks)
        {
            if (block.AlreadyThere) Console.WriteLine($"{block.Id}: is there already");
            else if (block.NewId is { } id) Console.WriteLine(id == block.Id ? $"{id}: imported" : $"{block.Id}: imported as {id}, with its external labels");
            foreach (var problem in block.Problems) Console.Error.WriteLine($"pharos: {block.Id} was not taken: {problem.Path}: {problem.Problem}");
        }
        if (Directory.Exists(Path.Combine(source, "wal")) && Directory.EnumerateFileSystemEntries(Path.Combine(source, "wal")).Any())
            Console.Error.WriteLine($"pharos: {Path.Combine(source, "wal")} may hold newer samples that are not in blocks; Prometheus's snapshot API writes them out");
        if (blocks.Count == 0) return Usage.Fail($"{source} holds no block");
        return blocks.Any(b => b.Problems.Count > 0) ? ExitCode.Failed : ExitCode.Done;
    }

    private static Command OpenMetrics()
    {
        var file = new Argument<string>("FILE") { Description = "OpenMetrics text. Every sample needs a timestamp; the order does not matter." };
        var target = Target();
        var command = new Command("openmetrics", HelpText.WithExamples(
            "Makes blocks of two hours from OpenMetrics text, as promtool's create-blocks-from. Where a series has two samples of one time, the later in the text counts.",
            "pharos tsdb import openmetrics backfill.om data/metrics/shop"))
        {
            file, target,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            string path = parsed.GetValue(file)!;
            try
            {
                OpenMetricsImported done;
                using (var progress = new Progress("samples", TimeProvider.System)) done = new OpenMetricsImport(parsed.GetValue(target)!, TimeProvider.System).Run(path, progress.Report, cancel);
                foreach (string block in done.Blocks) Console.WriteLine(block);
                Console.WriteLine($"{done.Samples} samples of {done.Series} series in {done.Blocks.Count} blocks");
                if (done.Replaced > 0) Console.Error.WriteLine($"pharos: {done.Replaced} samples were replaced by later ones of the same series and time");
                return ExitCode.Done;
            }
            catch (WireFormatException wrong)
            {
                return Usage.Fail($"{path}: {wrong.Message}");
            }
            catch (Exception failure) when (failure is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return Usage.Fail(failure.Message);
            }
        }));
        return command;
    }
}
