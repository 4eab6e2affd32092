using System.CommandLine;
using Pharos.Core;
using Pharos.Metrics.Tools;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>Looks for damage.</summary>
internal static class TsdbVerify
{
    public static Command Create()
    {
        var folder = TsdbFolder.Argument();
        var tenant = TsdbFolder.TenantOption();
        var command = new Command("verify", HelpText.WithExamples(
            "Reads every file of every block: checksums, order, references, each sample. Names each damaged, cut off or missing file; exit code 1 where there is one.",
            "pharos tsdb verify data/metrics/shop", "pharos tsdb verify data --tenant shop", "pharos tsdb verify /var/lib/prometheus/01KJMMA2G0X3Y3QYXNZFDAJ0YY"))
        {
            folder, tenant,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            if (!TsdbFolder.TryResolve(parsed.GetValue(folder)!, parsed.GetValue(tenant), out string path)) return ExitCode.Usage;
            var blocks = BlockArchive.FoldersIn(path);
            int damaged = 0;
            foreach (string block in blocks)
            {
                IReadOnlyList<BlockProblem> problems;
                using (var progress = new Progress($"{Path.GetFileName(block)}, series", TimeProvider.System)) problems = BlockVerifier.Verify(block, progress.Report, cancel);
                if (problems.Count > 0) damaged++;
                foreach (var problem in problems) Console.Error.WriteLine($"error: {problem.Path}: {problem.Problem}");
                Console.WriteLine(problems.Count == 0 ? $"{Path.GetFileName(block)}: OK" : $"{Path.GetFileName(block)}: FAILED, {problems.Count} problems");
            }
            Console.WriteLine($"{blocks.Count} blocks, {damaged} damaged");
            return damaged > 0 ? ExitCode.Failed : ExitCode.Done;
        }));
        return command;
    }
}
