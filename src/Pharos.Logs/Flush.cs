using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs;

/// <summary>One flush: writes what was set aside to parts, tenant by tenant; a tenant's parts count only when all of them are durable, and the marks say so.</summary>
/// <param name="known">The marks that hold until then.</param>
internal sealed class Flush(LogStoreOptions options, IndexCache cache, FlushMarks known, LogMemory memory)
{
    private readonly List<(TenantLogs Logs, IReadOnlyList<HeadStreams> From, List<PartFile> Parts)> written = [];

    /// <summary>Tenants with a part that could not be written, and why. What was written of theirs before was taken away again.</summary>
    public List<(TenantLogs Logs, Exception Reason)> Failed { get; } = [];

    public IEnumerable<TenantLogs> Written => written.Select(w => w.Logs);

    /// <summary>Blocks that were written.</summary>
    public int Blocks { get; private set; }

    public void Write(IEnumerable<(TenantLogs Logs, IReadOnlyList<HeadStreams> From)> frozen)
    {
        foreach (var (logs, from) in frozen)
        {
            var parts = new List<PartFile>();
            int before = Blocks;
            try
            {
                foreach (var (dayNs, contents) in ByDay(from)) parts.Add(WritePart(logs, dayNs, contents));
                written.Add((logs, from, parts));
            }
            catch (Exception e)
            {
                // No other tenant waits for this one.
                Failed.Add((logs, e));
                Undo(parts);
                Blocks = before;
            }
        }
    }

    /// <summary>The marks are written: the parts count.</summary>
    public void Commit()
    {
        foreach (var (logs, from, parts) in written)
        {
            logs.Flushed(from, parts);
            memory.Flushed(logs.Memory);
        }
    }

    /// <summary>Takes away what was written: the marks could not be.</summary>
    public void Undo() => Undo(written.SelectMany(w => w.Parts));

    /// <summary>What cannot be deleted is removed at the next start, for its number is above the tenant's mark, or written over by the next flush, which has the same number.</summary>
    private void Undo(IEnumerable<PartFile> parts)
    {
        foreach (var part in parts) TryDelete(() => options.Disk.Delete(part.Path));
    }

    private static void TryDelete(Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It does no harm.
        }
    }

    /// <summary>By UTC day the streams that have entries of it. Nothing is packed for that.</summary>
    private static SortedDictionary<long, DayContents> ByDay(IReadOnlyList<HeadStreams> from)
    {
        var byDay = new SortedDictionary<long, DayContents>();
        var times = new List<(long MinNs, long MaxNs)>();
        // Stable: what was set aside first comes first.
        foreach (var stream in from.SelectMany(g => g.All).OrderBy(s => s.Labels))
        {
            times.Clear();
            stream.AddTimes(times);
            foreach (var (minNs, maxNs) in times)
            {
                long dayNs = UtcDays.StartOf(minNs);
                if (!byDay.TryGetValue(dayNs, out var contents)) byDay[dayNs] = contents = new DayContents();
                contents.Add(stream, minNs, maxNs);
            }
        }
        return byDay;
    }

    /// <summary>Writes stream by stream: of what has to be packed only for writing, one stream's is in memory at a time.</summary>
    private PartFile WritePart(TenantLogs logs, long dayNs, DayContents contents)
    {
        string tenantFolder = Path.Combine(options.Folder, logs.Tenant.Name), folder = Path.Combine(tenantFolder, UtcDays.NameOf(dayNs));
        if (!Directory.Exists(folder))
        {
            options.Disk.CreateFolder(folder);
            try
            {
                options.Disk.SyncFolder(tenantFolder);
                options.Disk.SyncFolder(options.Folder);
            }
            catch
            {
                // To be made and synced anew by the next flush.
                TryDelete(() => options.Disk.DeleteFolder(folder));
                throw;
            }
        }
        var mark = known.Of(logs.Tenant);
        long number = mark.Sequence + 1;
        using var writer = new PartWriter(options, cache, Path.Combine(folder, $"{number:d12}{PartFormat.Extension}"), number, mark, []);
        bool readable = true;
        using var earlier = Earlier(logs, contents, (_, _) => readable = false).GetEnumerator();
        bool more = earlier.MoveNext();
        var blocks = new List<BlockRef>();
        for (int next = 0; next < contents.Streams.Count;)
        {
            var labels = contents.Streams[next].Labels;
            blocks.Clear();
            // It may have been set aside more than once.
            while (next < contents.Streams.Count && contents.Streams[next].Labels.Equals(labels)) memory.Shrink(logs.Memory, contents.Streams[next++].AddBlocks(dayNs, options.CompressionLevel, blocks));
            while (more && earlier.Current.Labels.CompareTo(labels) < 0) more = earlier.MoveNext();
            List<BlockRef> before = more && earlier.Current.Labels.Equals(labels) ? [.. earlier.Current.Content.Blocks] : [];
            foreach (var block in blocks.OrderBy(b => b.Header.MinNs))
            {
                writer.Add(labels, readable && SharedEntries.None(block, before) ? block with { Header = block.Header with { Distinct = true } } : block);
                before.Add(block);
            }
            Blocks += blocks.Count;
        }
        return writer.Finish();
    }

    /// <summary>What parts hold already of the time of what is to be written.</summary>
    private static IEnumerable<(Labels Labels, StreamSnapshot Content)> Earlier(TenantLogs logs, DayContents contents, Action<PartFile, Exception> damaged)
    {
        List<PartFile> parts = [.. logs.Parts.Where(p => p.MinNs <= contents.MaxNs && p.MaxNs >= contents.MinNs)];
        return new StreamSelection(parts, [], [], damaged).Read(contents.MinNs, contents.MaxNs + 1);
    }

    /// <summary>What there is of one UTC day.</summary>
    private sealed class DayContents
    {
        /// <summary>In the order of their labels; those of the same, the one set aside first first.</summary>
        public List<LogStream> Streams { get; } = [];

        public long MinNs { get; private set; } = long.MaxValue;

        public long MaxNs { get; private set; } = long.MinValue;

        public void Add(LogStream stream, long minNs, long maxNs)
        {
            if (Streams.Count == 0 || Streams[^1] != stream) Streams.Add(stream);
            MinNs = Math.Min(MinNs, minNs);
            MaxNs = Math.Max(MaxNs, maxNs);
        }
    }
}
