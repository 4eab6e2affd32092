using System.Globalization;
using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Metrics.Tools;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Cli.Commands.Tsdb;

/// <summary>One run of <c>pharos tsdb verify</c>: reads, says of each thing whether it is whole, counts.</summary>
internal sealed class VerifyRun(CancellationToken cancel)
{
    private int things;
    private int damaged;
    private WriteLogPosition logReaches;
    private string speaker = "";

    /// <summary>Whether a folder is a server's data folder rather than a tenant's or a Prometheus's.</summary>
    public static bool IsDataFolder(string path) =>
        Directory.Exists(Path.Combine(path, "metrics")) || Directory.Exists(Path.Combine(path, "write-log")) || Directory.Exists(Path.Combine(path, "logs"));

    public void DataFolder(string path, string? tenant)
    {
        string metrics = Path.Combine(path, "metrics"), logs = Path.Combine(path, "logs");
        if (Directory.Exists(metrics))
        {
            foreach (string folder in Directory.GetDirectories(metrics).Where(d => tenant is null || Path.GetFileName(d) == tenant).Order(StringComparer.Ordinal)) Tenant(folder);
            Note(HeadVerifier.VerifyList(metrics), "list of saved heads", Path.Combine(metrics, "head-snapshots"));
        }
        if (Directory.Exists(logs))
        {
            LogFindings found;
            using (var progress = new Progress("log parts", TimeProvider.System)) found = LogVerifier.Verify(logs, tenant, progress.Report, cancel);
            Reaches(found.LogReaches, Path.Combine(logs, "flushed"));
            Say($"logs, {found.Parts} parts", found.Problems);
        }
        WriteLog(Path.Combine(path, "write-log"));
    }

    /// <summary>Blocks of one folder, and what a store keeps beside them.</summary>
    public void Tenant(string path)
    {
        foreach (string block in BlockArchive.FoldersIn(path))
        {
            IReadOnlyList<FileProblem> problems;
            using (var progress = new Progress($"{Path.GetFileName(block)}, series", TimeProvider.System)) problems = BlockVerifier.Verify(block, progress.Report, cancel);
            Say(Path.GetFileName(block), problems);
        }
        Note(HeadVerifier.Verify(path), $"head of {Path.GetFileName(Path.GetFullPath(path))}", path);
    }

    public int Finish()
    {
        Console.WriteLine($"{things} checked, {damaged} damaged");
        return damaged > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private void Note(HeadFindings found, string what, string path)
    {
        Reaches(found.LogReaches, path);
        if (found.Problems.Count > 0 || found.LogReaches > default(WriteLogPosition)) Say(what, found.Problems);
    }

    private void Reaches(WriteLogPosition place, string file)
    {
        if (place <= logReaches) return;
        (logReaches, speaker) = (place, file);
    }

    private void WriteLog(string path)
    {
        if (!Directory.Exists(path))
        {
            if (logReaches > default(WriteLogPosition)) Say("write log", [new FileProblem(path, $"is missing; {speaker} speaks of it")]);
            return;
        }
        WriteLogFindings found;
        using (var progress = new Progress("write log, bytes", TimeProvider.System))
            found = WriteLogVerifier.Verify(path, static (kind, payload) => kind switch
            {
                RecordKind.Metrics => HeadVerifier.ProblemOf(payload),
                RecordKind.Logs => LogVerifier.ProblemOf(payload),
                _ => string.Create(CultureInfo.InvariantCulture, $"kind {(int)kind} is not known to this release"),
            }, progress.Report, cancel);
        var problems = found.Problems.ToList();
        if (logReaches.Offset > 0 && logReaches > found.End)
        {
            problems.Add(new FileProblem(path, string.Create(CultureInfo.InvariantCulture,
                $"lost its end: it ends in segment {found.End.Segment} at {found.End.Offset}, and {speaker} speaks of segment {logReaches.Segment} at {logReaches.Offset}")));
        }
        Say($"write log, {found.Segments} segments, {found.Records} records", problems);
        if (found.SetAside > 0) Console.WriteLine($"{Path.Combine(path, "damaged")} holds {found.SetAside} ranges that earlier starts set aside");
    }

    private void Say(string what, IReadOnlyList<FileProblem> problems)
    {
        things++;
        if (problems.Count > 0) damaged++;
        foreach (var problem in problems) Console.Error.WriteLine($"error: {problem}");
        Console.WriteLine(problems.Count == 0 ? $"{what}: OK" : $"{what}: FAILED, {problems.Count} problems");
    }
}
