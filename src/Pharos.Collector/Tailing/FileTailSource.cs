using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Tailing;

/// <summary>
/// Follows files and hands their lines on: <c>loki.source.file</c>. A line's position is kept only after the receivers took the line,
/// so a crash repeats at most what was handed over in the last moment and loses nothing; a clean stop repeats nothing.
/// </summary>
public sealed class FileTailSource
{
    private readonly FileTailOptions options;
    private readonly ILogsReceiver receiver;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly FilePositions positions;
    private readonly DeliveryJournal deliveries;
    private readonly Dictionary<Labels, TailedFile> files = [];
    private readonly Counter readBytes;
    private readonly Gauge fileBytes;
    private readonly Counter readLines;
    private readonly Gauge active;
    private readonly bool startAtEnd;
    private volatile IReadOnlyList<Labels> targets = [];
    private long lastNs;
    private long savedAt;

    /// <param name="positionsPath">The file of positions; belongs to this source alone.</param>
    /// <exception cref="IOException">The file of positions cannot be read and the options say to stop then.</exception>
    public FileTailSource(FileTailOptions options, ILogsReceiver receiver, string positionsPath, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.receiver = receiver;
        this.time = time;
        this.logger = logger;
        positions = new FilePositions(positionsPath, out string? unreadable);
        deliveries = new DeliveryJournal(positionsPath + ".deliveries");
        startAtEnd = options.TailFromEnd;
        if (unreadable is not null)
        {
            if (options.OnPositionsFileError == PositionsFileError.Skip)
                throw new IOException($"the positions in {positionsPath} cannot be read: {unreadable}; repair or remove the file, or set on_positions_file_error");
            TailLog.PositionsUnreadable(logger, positionsPath, unreadable);
            startAtEnd |= options.OnPositionsFileError == PositionsFileError.RestartFromEnd;
        }
        readBytes = instruments.Counter("loki_source_file_read_bytes_total", "Number of bytes read.", "path");
        fileBytes = instruments.Gauge("loki_source_file_file_bytes_total", "Number of bytes total.", "path");
        readLines = instruments.Counter("loki_source_file_read_lines_total", "Number of lines read.", "path");
        active = instruments.Gauge("loki_source_file_files_active_total", "Number of active files.");
        savedAt = time.GetTimestamp();
    }

    /// <summary>Sets what to follow: <c>__path__</c> of each is one file; labels that start with <c>__</c> are not sent. May be called at any time.</summary>
    public void SetTargets(IReadOnlyList<Labels> newTargets) => targets = newTargets;

    /// <summary>What is being followed, for operators.</summary>
    public IReadOnlyList<(string Path, Labels Labels, long Offset)> Files
    {
        get
        {
            lock (files) return [.. files.Values.Select(f => (f.Path, f.Labels, f.Offset))];
        }
    }

    /// <summary>Follows until cancelled; positions are saved then.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        IReadOnlyList<Labels>? known = null;
        using var batch = new LogBatch();
        try
        {
            while (true)
            {
                if (!ReferenceEquals(known, targets)) Reconcile(known = targets);
                bool any = false;
                foreach (var file in files.Values) any |= await ReadAsync(file, batch, cancel);
                if (time.GetElapsedTime(savedAt) >= options.PositionsInterval) Save();
                if (!any) await Task.Delay(options.PollInterval, time, cancel);
                cancel.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Stopped; what was read and not taken is read again at the next start.
        }
        finally
        {
            Save();
            deliveries.Dispose();
            lock (files)
            {
                foreach (var file in files.Values) file.Dispose();
                files.Clear();
            }
        }
    }

    private void Reconcile(IReadOnlyList<Labels> wanted)
    {
        lock (files)
        {
            var keys = new HashSet<Labels>();
            foreach (var target in wanted)
            {
                if (!target.TryGetValue(FileMatcher.PathLabel, out string? path)) continue;
                var builder = new LabelsBuilder(target);
                foreach (var (name, _) in target)
                {
                    if (name.StartsWith("__", StringComparison.Ordinal)) builder.Remove(name);
                }
                if (builder.Get("filename").Length == 0) builder.Set("filename", path);
                var labels = builder.ToLabels();
                var key = labels.With(FileMatcher.PathLabel, path);
                if (!keys.Add(key) || files.ContainsKey(key)) continue;
                var file = new TailedFile(path, labels, options);
                file.Resume(positions.Get(path, labels), startAtEnd);
                files[key] = file;
            }
            foreach (var (key, file) in files.Where(f => !keys.Contains(f.Key)).ToList())
            {
                file.Dispose();
                files.Remove(key);
                // A file that went away for good would otherwise stay in the list for ever; one that is rotated keeps its target.
                positions.Remove(file.Path, file.Labels);
                fileBytes.Remove(file.Path);
            }
            active.Set(files.Count);
        }
    }

    /// <summary>Hands one batch of a file on; false where it has nothing new.</summary>
    private async ValueTask<bool> ReadAsync(TailedFile file, LogBatch batch, CancellationToken cancel)
    {
        batch.Clear();
        try
        {
            int lines = Fill(file, batch);
            if (lines == 0) return false;
            await DeliverAsync(batch, file, cancel);
            long before = file.Offset;
            file.Accept();
            readBytes.With(file.Path).Add(file.Offset - before);
            readLines.With(file.Path).Add(lines);
            fileBytes.With(file.Path).Set(file.Size);
            positions.Set(file.Position);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TailLog.Unreadable(logger, file.Path, e.Message);
            return false;
        }
    }

    private int Fill(TailedFile file, LogBatch batch)
    {
        // What an earlier run was handing on when it was killed goes on again as the same batch, with the same times.
        var before = deliveries.Find(file);
        var bytes = file.Read(before?.To ?? long.MaxValue);
        if (bytes.IsEmpty) return 0;
        bool again = before is not null && file.Offset == before.From && bytes.Length == before.To - before.From;
        // Each line gets a time of its own, so that equal lines are not taken for one sent twice.
        long firstNs = again ? before!.FirstNs : Math.Max(time.UnixNs(), lastNs + 1);
        if (!again) deliveries.Write(file, bytes.Length, firstNs);
        int stream = batch.AddStream(file.Labels);
        int lines = 0;
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)'\n');
            var line = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? default : bytes[(end + 1)..];
            if (line.EndsWith("\r"u8)) line = line[..^1];
            batch.AddEntry(stream, firstNs + lines, line);
            lines++;
        }
        lastNs = Math.Max(lastNs, firstNs + lines - 1);
        return lines;
    }

    private async Task DeliverAsync(LogBatch batch, TailedFile file, CancellationToken cancel)
    {
        var wait = options.RetryWait;
        while (true)
        {
            try
            {
                await receiver.AppendAsync(batch, cancel);
                return;
            }
            catch (IOException e)
            {
                TailLog.NotTaken(logger, file.Path, e.Message);
            }
            await Task.Delay(wait, time, cancel);
            wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, TimeSpan.TicksPerSecond * 30));
        }
    }

    private void Save()
    {
        savedAt = time.GetTimestamp();
        try
        {
            positions.Save();
            deliveries.Saved(d => files.Values.Any(f => f.Path == d.Path && f.Labels.ToString() == d.Labels && f.Offset <= d.From));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TailLog.PositionsNotSaved(logger, e.Message);
        }
    }
}
