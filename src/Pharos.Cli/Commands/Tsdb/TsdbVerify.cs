using System.CommandLine;
using Pharos.Core;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>Looks for damage.</summary>
internal static class TsdbVerify
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "A server's data folder, a tenant's folder, a Prometheus's data folder, or one block.",
        };
        var tenant = new Option<string?>("--tenant") { Description = "Where DIR is a server's data folder: this tenant alone. The write log is shared and read in any case." };
        var command = new Command("verify", HelpText.WithExamples(
            "Reads every file and changes none: blocks with their tombstones, head cut marks and saved heads; of a server's data folder also the write log, "
            + "the logs' mark and their parts. Names each damaged, cut off or missing file with the place; exit code 1 where there is one.",
            "pharos tsdb verify data", "pharos tsdb verify data --tenant shop", "pharos tsdb verify /var/lib/prometheus/01KJMMA2G0X3Y3QYXNZFDAJ0YY"))
        {
            folder, tenant,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            string path = parsed.GetValue(folder)!;
            string? only = parsed.GetValue(tenant);
            var run = new VerifyRun(cancel);
            if (!VerifyRun.IsDataFolder(path))
            {
                if (!TsdbFolder.TryResolve(path, only, out path)) return ExitCode.Usage;
                run.Tenant(path);
            }
            else
            {
                if (only is not null && !TsdbFolder.TryResolve(path, only, out _)) return ExitCode.Usage;
                run.DataFolder(path, only);
            }
            return run.Finish();
        }));
        return command;
    }
}
