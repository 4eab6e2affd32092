using System.Globalization;
using Microsoft.Extensions.Logging;
using Pharos.Storage.Files;

namespace Pharos.Storage.WriteLog;

/// <summary>The segments of a write log: which there are, what they hold, which may go.</summary>
internal sealed class SegmentFolder(string folder, IDisk disk, ILogger logger, WriteLogInstruments instruments)
{
    public const string Extension = ".log";

    /// <summary>Folder of what could not be read, in the log's folder.</summary>
    public const string Damaged = "damaged";

    private readonly Lock gate = new();
    private readonly SortedDictionary<long, Segment> segments = [];
    private readonly HashSet<WriteLogPosition> reported = [];
    private WriteLogPosition releasedMetrics;
    private WriteLogPosition releasedLogs;

    public long Bytes
    {
        get
        {
            lock (gate)
            {
                long bytes = 0;
                foreach (var segment in segments.Values) bytes += segment.Bytes;
                return bytes;
            }
        }
    }

    public string PathOf(long segment) => PathOf(folder, segment);

    public static string PathOf(string folder, long segment) => Path.Combine(folder, segment.ToString("D10", CultureInfo.InvariantCulture) + Extension);

    public static bool TryNumber(string fileName, out long segment) =>
        long.TryParse(Path.GetFileNameWithoutExtension(fileName), NumberStyles.None, CultureInfo.InvariantCulture, out segment);

    /// <summary>Finds the segments and repairs the last. Returns where writing goes on; offset 0 means a segment to be made.</summary>
    public (long Segment, long Offset) Open()
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*" + Extension))
        {
            if (TryNumber(path, out long number))
                segments[number] = new Segment { Bytes = new FileInfo(path).Length };
        }
        long next = segments.Count == 0 ? 1 : segments.Keys.Last() + 1;
        SetAsideForeign();
        ReportMissing();
        if (segments.Count == 0 || segments.Keys.Last() != next - 1) return (next, 0);
        long last = next - 1;
        return (last, RepairTail(last));
    }

    /// <summary>Hands over the records of a kind. The first call also learns what each segment holds, where no header says so.</summary>
    /// <param name="from">Segments before this place's are not read for this kind, where it is known what they hold.</param>
    public void Replay(RecordKind kind, ReplayHandler handler, WriteLogPosition from)
    {
        KeyValuePair<long, Segment>[] all;
        lock (gate) all = [.. segments];
        foreach (var (number, segment) in all)
        {
            if (segment.Known && (segment.Last(kind) < 0 || number < from.Segment)) continue;
            using var reader = new SegmentReader(PathOf(number));
            if (!reader.ReadHeader()) continue;
            for (var step = reader.Next(); step != SegmentStep.End; step = reader.Next())
            {
                var position = new WriteLogPosition(number, reader.StepStart);
                if (step != SegmentStep.Record)
                {
                    Report(number, reader.StepStart, reader.Offset - reader.StepStart);
                    continue;
                }
                segment.Saw(reader.Kind, reader.StepStart);
                if (reader.Kind == kind) handler(position, reader.Tenant, reader.Payload);
            }
            segment.Known = true;
        }
    }

    /// <summary>What a segment holds; null where that is not known.</summary>
    public SegmentContent? ContentOf(long number)
    {
        lock (gate) return segments.TryGetValue(number, out var segment) && segment.Known ? new SegmentContent(segment.Last(RecordKind.Metrics), segment.Last(RecordKind.Logs)) : null;
    }

    public void Created(long number, long bytes)
    {
        lock (gate) segments[number] = new Segment { Bytes = bytes, Known = true };
    }

    public void Written(long number, long at, LogBatch batch)
    {
        lock (gate)
        {
            var segment = segments[number];
            segment.Bytes = at + batch.Length;
            if (batch.LastMetrics >= 0) segment.Saw(RecordKind.Metrics, at + batch.LastMetrics);
            if (batch.LastLogs >= 0) segment.Saw(RecordKind.Logs, at + batch.LastLogs);
        }
    }

    /// <summary>Deletes the oldest segments whose every record is released, never the current one.</summary>
    public void Release(RecordKind kind, WriteLogPosition before, long current)
    {
        lock (gate)
        {
            if (kind == RecordKind.Metrics && before > releasedMetrics) releasedMetrics = before;
            if (kind == RecordKind.Logs && before > releasedLogs) releasedLogs = before;
            foreach (var (number, segment) in segments.ToArray())
            {
                bool free = number < current && segment.Known
                    && IsReleased(number, segment.Last(RecordKind.Metrics), releasedMetrics)
                    && IsReleased(number, segment.Last(RecordKind.Logs), releasedLogs);
                if (!free) return;
                try
                {
                    disk.Delete(PathOf(number));
                    segments.Remove(number);
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    StorageLog.CannotDelete(logger, PathOf(number), failure.Message);
                    return;
                }
            }
        }
    }

    private static bool IsReleased(long number, long last, WriteLogPosition released) =>
        last < 0 || new WriteLogPosition(number, last) < released;

    private void SetAsideForeign()
    {
        foreach (long number in segments.Keys.ToArray())
        {
            using (var reader = new SegmentReader(PathOf(number)))
            {
                if (reader.ReadHeader())
                {
                    if (reader.Before is { } before && segments.TryGetValue(number - 1, out var earlier)) earlier.Learn(before);
                    continue;
                }
                // A segment whose header was never written whole holds nothing.
                if (reader.Length >= LogFormat.SegmentHeaderBytes) instruments.Corruptions.Add();
            }
            segments.Remove(number);
            string damaged = Path.Combine(folder, Damaged), aside = Path.Combine(damaged, $"{number:D10}{Extension}");
            try
            {
                disk.CreateFolder(damaged);
                disk.Move(PathOf(number), aside);
                StorageLog.ForeignSegment(logger, PathOf(number), aside);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Writing goes on behind it; the next start tries again.
                StorageLog.ForeignSegmentStays(logger, PathOf(number), failure.Message);
            }
        }
    }

    private void ReportMissing()
    {
        long expected = -1;
        foreach (long number in segments.Keys)
        {
            if (expected >= 0 && number != expected) StorageLog.MissingSegments(logger, expected, number - 1);
            expected = number + 1;
        }
    }

    private long RepairTail(long number)
    {
        using var reader = new SegmentReader(PathOf(number));
        reader.ReadHeader();
        var step = reader.Next();
        while (step is SegmentStep.Record or SegmentStep.Damage) step = reader.Next();
        if (step == SegmentStep.End) return reader.Length;
        string aside = SetAside(number, reader.StepStart, reader.Length - reader.StepStart);
        instruments.TornTails.Add();
        StorageLog.TornTail(logger, PathOf(number), reader.StepStart, reader.Length - reader.StepStart, aside);
        using var file = disk.Open(PathOf(number), FileMode.Open);
        disk.SetLength(file, reader.StepStart);
        disk.Sync(file);
        segments[number].Bytes = reader.StepStart;
        return reader.StepStart;
    }

    private void Report(long number, long offset, long bytes)
    {
        if (!reported.Add(new WriteLogPosition(number, offset))) return;
        instruments.Corruptions.Add();
        StorageLog.Damaged(logger, PathOf(number), offset, bytes, SetAside(number, offset, bytes));
    }

    /// <summary>Copies a range to a side file of its own; an earlier start may have done so already.</summary>
    private string SetAside(long number, long offset, long bytes)
    {
        string damaged = Path.Combine(folder, Damaged), aside = Path.Combine(damaged, $"{number:D10}-{offset}.bin");
        try
        {
            if (File.Exists(aside) && new FileInfo(aside).Length == bytes) return aside;
            disk.CreateFolder(damaged);
            DurableFiles.Copy(disk, PathOf(number), aside, offset, bytes);
            disk.SyncFolder(damaged);
            return aside;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"nothing, because {failure.Message}";
        }
    }

    private sealed class Segment
    {
        private long lastMetrics = -1;
        private long lastLogs = -1;

        public long Bytes { get; set; }

        /// <summary>Whether the last offsets are known: after a replay, or because this process wrote it all.</summary>
        public bool Known { get; set; }

        public long Last(RecordKind kind) => kind == RecordKind.Metrics ? lastMetrics : lastLogs;

        /// <summary>Takes what the next segment's header says of this one.</summary>
        public void Learn(SegmentContent content)
        {
            (lastMetrics, lastLogs) = (content.LastMetrics, content.LastLogs);
            Known = true;
        }

        public void Saw(RecordKind kind, long offset)
        {
            if (kind == RecordKind.Metrics) lastMetrics = Math.Max(lastMetrics, offset);
            else lastLogs = Math.Max(lastLogs, offset);
        }
    }
}
