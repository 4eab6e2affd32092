using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;
using Pharos.Logs.Streams;

namespace Pharos.Logs;

/// <summary>One flush: writes frozen blocks to parts, and hands them to their streams only when all of it is durable.</summary>
internal sealed class Flush(LogStoreOptions options, long sequence)
{
    private readonly List<(TenantLogs Logs, PartFile Part)> parts = [];
    private readonly Dictionary<LogStream, List<BlockRef>> blocksOf = [];
    private readonly List<LogStream> streams = [];

    public void Write(IEnumerable<(TenantLogs Logs, List<LogStream> Streams)> frozen)
    {
        foreach (var (logs, of) in frozen)
        {
            var byDay = new SortedDictionary<long, List<(LogStream Stream, List<BlockRef> Blocks)>>();
            foreach (var stream in of)
            {
                streams.Add(stream);
                foreach (var day in stream.SealFrozen(options.CompressionLevel).GroupBy(b => UtcDays.StartOf(b.Header.MinNs)))
                {
                    if (!byDay.TryGetValue(day.Key, out var list)) byDay[day.Key] = list = [];
                    list.Add((stream, [.. day.OrderBy(b => b.Header.MinNs)]));
                }
            }
            foreach (var (day, contents) in byDay) WritePart(logs, day, contents);
        }
    }

    /// <summary>The mark is written: the parts count. Returns the number of blocks.</summary>
    public int Commit()
    {
        foreach (var (logs, part) in parts) logs.AddPart(part);
        foreach (var stream in streams) stream.Flushed(blocksOf.TryGetValue(stream, out var blocks) ? blocks : []);
        return blocksOf.Values.Sum(b => b.Count);
    }

    /// <summary>Takes away what was written. What cannot be deleted is removed at the next start: its number is above the mark.</summary>
    public void Undo()
    {
        foreach (var (_, part) in parts)
        {
            try
            {
                options.Disk.Delete(part.Path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // See above.
            }
        }
    }

    private void WritePart(TenantLogs logs, long day, List<(LogStream Stream, List<BlockRef> Blocks)> contents)
    {
        string tenantFolder = Path.Combine(options.Folder, logs.Tenant.Name), folder = Path.Combine(tenantFolder, UtcDays.NameOf(day));
        if (!Directory.Exists(folder))
        {
            options.Disk.CreateFolder(folder);
            options.Disk.SyncFolder(tenantFolder);
            options.Disk.SyncFolder(options.Folder);
        }
        using var writer = new PartWriter(options.Disk, Path.Combine(folder, $"{sequence:d12}{PartFormat.Extension}"), sequence, []);
        foreach (var (stream, blocks) in contents)
        {
            foreach (var block in blocks) writer.Add(stream.Labels, block);
        }
        var (part, written) = writer.Finish();
        parts.Add((logs, part));
        for (int i = 0; i < contents.Count; i++)
        {
            if (!blocksOf.TryGetValue(contents[i].Stream, out var list)) blocksOf[contents[i].Stream] = list = [];
            list.AddRange(written[i].Blocks);
        }
    }
}
