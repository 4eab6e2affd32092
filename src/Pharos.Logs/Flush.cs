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
                File.Delete(part.Path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // See above.
            }
        }
    }

    private void WritePart(TenantLogs logs, long day, List<(LogStream Stream, List<BlockRef> Blocks)> contents)
    {
        string folder = Path.Combine(options.Folder, logs.Tenant.Name, UtcDays.NameOf(day));
        bool isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        if (isNew)
        {
            Storage.Files.DurableFiles.SyncFolder(Path.Combine(options.Folder, logs.Tenant.Name));
            Storage.Files.DurableFiles.SyncFolder(options.Folder);
        }
        string path = Path.Combine(folder, $"{sequence:d12}{PartFormat.Extension}");
        var (part, blocks) = PartWriter.Write(path, sequence, [.. contents.Select(c => (c.Stream.Labels, c.Blocks))]);
        parts.Add((logs, part));
        for (int i = 0; i < contents.Count; i++)
        {
            if (!blocksOf.TryGetValue(contents[i].Stream, out var list)) blocksOf[contents[i].Stream] = list = [];
            list.AddRange(blocks[i]);
        }
    }
}
