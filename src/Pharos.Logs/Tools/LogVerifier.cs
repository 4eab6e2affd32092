using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Ingest;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Tools;

/// <summary>What <see cref="LogVerifier"/> found.</summary>
/// <param name="Parts">Files of log parts that were read.</param>
/// <param name="LogReaches">The last place in the write log that the marks speak of.</param>
public sealed record LogFindings(IReadOnlyList<FileProblem> Problems, int Parts, WriteLogPosition LogReaches);

/// <summary>Reads the marks of the log store, the tenants' deletions and every part: footers, indexes, and each block's frames and filter.</summary>
public static class LogVerifier
{
    private const string Aside = ".damaged";

    /// <param name="folder">The folder of logs of all tenants.</param>
    /// <param name="tenant">Whose parts are read; null for everyone's.</param>
    /// <param name="progress">Called with parts read and parts in all.</param>
    public static LogFindings Verify(string folder, string? tenant, Action<long, long>? progress, CancellationToken cancel)
    {
        var problems = new List<FileProblem>();
        string[] files = [.. Directory.GetDirectories(folder).Where(d => tenant is null || Path.GetFileName(d) == tenant)
            .SelectMany(d => Directory.GetFiles(d, "*", SearchOption.AllDirectories)).Order(StringComparer.Ordinal)];
        string[] parts = [.. files.Where(f => f.EndsWith(PartFormat.Extension, StringComparison.Ordinal))];
        foreach (string path in files.Where(f => f.EndsWith(PartFormat.Extension + Aside, StringComparison.Ordinal) || Path.GetFileName(f) == DeleteFile.FileName + Aside))
            problems.Add(new FileProblem(path, "was set aside at a start because it could not be read"));
        foreach (string path in files.Where(f => Path.GetFileName(f) == DeleteFile.FileName)) VerifyDeletions(path, problems);
        var marks = VerifyMarks(folder, parts.Length > 0, problems);
        for (int i = 0; i < parts.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            VerifyPart(parts[i], problems);
            progress?.Invoke(i + 1, parts.Length);
        }
        return new LogFindings(problems, parts.Length, marks?.Highest ?? default);
    }

    /// <summary>What is wrong with a log record of the write log; null for nothing.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> record)
    {
        try
        {
            LogRecord.Check(record);
            return null;
        }
        catch (InvalidDataException wrong)
        {
            return wrong.Message;
        }
    }

    private static FlushMarks? VerifyMarks(string folder, bool hasParts, List<FileProblem> problems)
    {
        string path = Path.Combine(folder, FlushMarks.FileName);
        if (!File.Exists(path))
        {
            if (hasParts) problems.Add(new FileProblem(path, "is missing, and there are parts; the next start reads the write log from the place on that parts and deletions know of"));
            return null;
        }
        var marks = FlushMarks.Read(folder, NullLogger.Instance);
        if (marks is null) problems.Add(new FileProblem(path, "is not as it was written; the next start reads the write log from the place on that parts and deletions know of"));
        return marks;
    }

    private static void VerifyDeletions(string path, List<FileProblem> problems)
    {
        try
        {
            _ = new DeleteFile(path, FileDisk.Instance).Read();
        }
        catch (Exception wrong) when (wrong is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            problems.Add(new FileProblem(path, wrong.Message));
        }
    }

    private static void VerifyPart(string path, List<FileProblem> problems)
    {
        try
        {
            foreach (var (labels, blocks) in PartReader.Open(path, new IndexCache(1 << 20)).Index.Streams())
            {
                foreach (var block in blocks)
                {
                    try
                    {
                        VerifyBlock(block);
                    }
                    catch (InvalidDataException wrong)
                    {
                        problems.Add(new FileProblem(path, $"a block of stream {labels}: {wrong.Message}") { Offset = block.Header.Offset });
                    }
                }
            }
        }
        catch (FileNotFoundException)
        {
            // A running server's retention let it go.
        }
        catch (Exception wrong) when (PartReader.IsDamage(wrong))
        {
            problems.Add(new FileProblem(path, wrong.Message));
        }
    }

    private static void VerifyBlock(BlockRef block)
    {
        var header = block.Header;
        byte[] filter = BlockFrames.ReadPlain(block, header.FilterAt, header.FilterLength, header.FilterCrc, "skip filter");
        ArrayPool<byte>.Shared.Return(filter);
        var everything = new LogSelection { Matchers = [], StartNs = long.MinValue, EndNs = long.MaxValue };
        using var entries = new BlockEntries(block, Labels.Empty, new ReadContext(everything, [], static (_, _, e) => throw new InvalidDataException(e.Message, e), CancellationToken.None));
        while (entries.Next())
        {
            _ = entries.Line;
            _ = entries.Metadata;
        }
    }
}
