using System.Buffers.Binary;
using System.Globalization;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Storage.WriteLog;

/// <summary>What <see cref="WriteLogVerifier"/> found.</summary>
/// <param name="Records">Whole records.</param>
/// <param name="End">Behind the last byte; (0, 0) where there is no segment.</param>
/// <param name="SetAside">Files in the folder <c>damaged</c>, which earlier starts put there.</param>
public sealed record WriteLogFindings(IReadOnlyList<FileProblem> Problems, int Segments, long Records, WriteLogPosition End, int SetAside);

/// <summary>Says what is wrong with a record's payload; null for nothing.</summary>
public delegate string? RecordCheck(RecordKind kind, ReadOnlySpan<byte> payload);

/// <summary>
/// Reads every segment of a write log without changing anything: headers, checksums, what each header says of the segment before,
/// and each record's content. May run beside the process that writes the log.
/// </summary>
public sealed class WriteLogVerifier
{
    private readonly string folder;
    private readonly RecordCheck check;
    private readonly List<FileProblem> problems = [];
    private long records;

    private WriteLogVerifier(string folder, RecordCheck check) => (this.folder, this.check) = (folder, check);

    /// <param name="progress">Called with bytes read and bytes in all.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static WriteLogFindings Verify(string folder, RecordCheck check, Action<long, long>? progress, CancellationToken cancel) =>
        new WriteLogVerifier(folder, check).Verify(progress, cancel);

    private WriteLogFindings Verify(Action<long, long>? progress, CancellationToken cancel)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder} is no folder");
        bool inUse = IsInUse();
        var segments = new SortedDictionary<long, long>();
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*" + SegmentFolder.Extension))
        {
            if (SegmentFolder.TryNumber(file.Name, out long number)) segments[number] = file.Length;
            else problems.Add(new FileProblem(file.FullName, "is no segment: the name is not ten decimal digits"));
        }
        long total = segments.Values.Sum(), done = 0, last = segments.Count == 0 ? 0 : segments.Keys.Last();
        (long Number, long Length)? before = null;
        foreach (var (number, length) in segments)
        {
            cancel.ThrowIfCancellationRequested();
            string path = SegmentFolder.PathOf(folder, number);
            try
            {
                Verify(path, number, before, number == last, inUse);
                before = (number, length);
            }
            catch (FileNotFoundException) when (inUse)
            {
                // Let go by the process that writes the log.
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                problems.Add(new FileProblem(path, failure.Message));
            }
            progress?.Invoke(done += length, total);
        }
        string aside = Path.Combine(folder, SegmentFolder.Damaged);
        var end = last == 0 ? default : new WriteLogPosition(last, segments[last]);
        return new WriteLogFindings(problems, segments.Count, records, end, Directory.Exists(aside) ? Directory.GetFiles(aside).Length : 0);
    }

    private void Verify(string path, long number, (long Number, long Length)? before, bool isLast, bool inUse)
    {
        using var reader = new SegmentReader(path);
        bool read = reader.ReadHeader();
        CheckHeader(path, number, reader.Length, read, isLast && inUse);
        if (!read) return;
        CheckBefore(path, number, before, reader.Before);
        for (var step = reader.Next(); step != SegmentStep.End; step = reader.Next())
        {
            if (step == SegmentStep.Record)
            {
                records++;
                if (check(reader.Kind, reader.Payload) is { } wrong) Report($"the record of tenant {reader.Tenant.Name} cannot be read: {wrong}");
                continue;
            }
            long bytes = reader.Offset - reader.StepStart;
            if (step == SegmentStep.Damage) Report($"{bytes} bytes are no record; records follow behind them");
            else if (!isLast) Report($"{bytes} bytes up to the end of the segment are no record");
            else if (!inUse) Report($"the log ends in the middle of a record, after {bytes} bytes of it: a crash while it was written, or the file was cut off");
        }

        void Report(string problem) => problems.Add(new FileProblem(path, problem) { Offset = reader.StepStart });
    }

    private void CheckHeader(string path, long number, long length, bool read, bool isBeingWritten)
    {
        if (!read)
        {
            if (length < LogFormat.SegmentHeaderBytes && isBeingWritten) return;
            problems.Add(new FileProblem(path, length < LogFormat.SegmentHeaderBytes ? $"has {length} bytes, fewer than a segment's header" : "does not begin as a segment that this release reads") { Offset = 0 });
            return;
        }
        Span<byte> header = stackalloc byte[LogFormat.SegmentHeaderBytes];
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        header = header[..RandomAccess.Read(file, header, 0)];
        long said = BinaryPrimitives.ReadInt64LittleEndian(header[8..]);
        if (!LogFormat.IsHeaderWhole(header)) problems.Add(new FileProblem(path, "the header does not match its checksum") { Offset = 0 });
        else if (said != number) problems.Add(new FileProblem(path, string.Create(CultureInfo.InvariantCulture, $"its header says that it is segment {said}")) { Offset = 8 });
    }

    /// <summary>A header that speaks of the segment before shows that there was one, and how far it went at least.</summary>
    private void CheckBefore(string path, long number, (long Number, long Length)? before, SegmentContent? said)
    {
        if (said is not { } content || before is not { } earlier) return;
        if (earlier.Number != number - 1)
        {
            problems.Add(new FileProblem(folder, $"segments {earlier.Number + 1} to {number - 1} are missing; the header of {Path.GetFileName(path)} speaks of segment {number - 1}"));
            return;
        }
        long lastRecord = Math.Max(content.LastMetrics, content.LastLogs);
        if (lastRecord < earlier.Length) return;
        problems.Add(new FileProblem(SegmentFolder.PathOf(folder, earlier.Number), $"is cut off: the header of {Path.GetFileName(path)} speaks of a record at {lastRecord}") { Offset = earlier.Length });
    }

    private bool IsInUse()
    {
        string path = Path.Combine(folder, FileWriteLog.LockFile);
        if (!File.Exists(path)) return false;
        try
        {
            using var held = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
