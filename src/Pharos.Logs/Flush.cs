using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;

namespace Pharos.Logs;

/// <summary>One flush: writes what was set aside to parts, which count only when all of it is durable.</summary>
/// <param name="known">The mark that holds until then.</param>
internal sealed class Flush(LogStoreOptions options, IndexCache cache, long sequence, FlushMark known)
{
    private readonly List<(TenantLogs Logs, IReadOnlyList<HeadStreams> From, List<PartFile> Parts)> written = [];

    /// <summary>Blocks that were written.</summary>
    public int Blocks { get; private set; }

    public void Write(IEnumerable<(TenantLogs Logs, IReadOnlyList<HeadStreams> From)> frozen)
    {
        foreach (var (logs, from) in frozen)
        {
            var parts = new List<PartFile>();
            written.Add((logs, from, parts));
            foreach (var (day, contents) in ByDay(from)) parts.Add(WritePart(logs, day, contents));
        }
    }

    /// <summary>The mark is written: the parts count.</summary>
    public void Commit()
    {
        foreach (var (logs, from, parts) in written) logs.Flushed(from, parts);
    }

    /// <summary>Takes away what was written. What cannot be deleted is removed at the next start: its number is above the mark.</summary>
    public void Undo()
    {
        foreach (var part in written.SelectMany(w => w.Parts))
        {
            TryDelete(() => options.Disk.Delete(part.Path));
        }
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

    private SortedDictionary<long, List<(Labels Labels, BlockRef[] Blocks)>> ByDay(IReadOnlyList<HeadStreams> from)
    {
        var byDay = new SortedDictionary<long, List<(Labels, BlockRef[])>>();
        // Stable: what was set aside first comes first.
        foreach (var stream in from.SelectMany(g => g.All).OrderBy(s => s.Labels))
        {
            foreach (var day in stream.Seal(options.CompressionLevel).GroupBy(b => UtcDays.StartOf(b.Header.MinNs)))
            {
                if (!byDay.TryGetValue(day.Key, out var list)) byDay[day.Key] = list = [];
                if (list.Count > 0 && list[^1].Item1.Equals(stream.Labels)) list[^1] = (stream.Labels, [.. list[^1].Item2, .. day]);
                else list.Add((stream.Labels, [.. day]));
            }
        }
        return byDay;
    }

    private PartFile WritePart(TenantLogs logs, long day, List<(Labels Labels, BlockRef[] Blocks)> contents)
    {
        string tenantFolder = Path.Combine(options.Folder, logs.Tenant.Name), folder = Path.Combine(tenantFolder, UtcDays.NameOf(day));
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
        using var writer = new PartWriter(options, cache, Path.Combine(folder, $"{sequence:d12}{PartFormat.Extension}"), sequence, known, []);
        bool readable = true;
        using var earlier = Earlier(logs, contents, (_, _) => readable = false).GetEnumerator();
        bool more = earlier.MoveNext();
        foreach (var (labels, blocks) in contents)
        {
            while (more && earlier.Current.Labels.CompareTo(labels) < 0) more = earlier.MoveNext();
            List<BlockRef> before = more && earlier.Current.Labels.Equals(labels) ? [.. earlier.Current.Content.Blocks] : [];
            foreach (var block in blocks.OrderBy(b => b.Header.MinNs))
            {
                writer.Add(labels, readable && SharedEntries.None(block, before) ? block with { Header = block.Header with { Distinct = true } } : block);
                before.Add(block);
            }
            Blocks += blocks.Length;
        }
        return writer.Finish();
    }

    /// <summary>What parts hold already of the time of what is to be written.</summary>
    private static IEnumerable<(Labels Labels, StreamSnapshot Content)> Earlier(TenantLogs logs, List<(Labels Labels, BlockRef[] Blocks)> contents, Action<PartFile, Exception> damaged)
    {
        long minNs = contents.Min(c => c.Blocks.Min(b => b.Header.MinNs)), maxNs = contents.Max(c => c.Blocks.Max(b => b.Header.MaxNs));
        List<PartFile> parts = [.. logs.Parts.Where(p => p.MinNs <= maxNs && p.MaxNs >= minNs)];
        return new StreamSelection(parts, [], [], damaged).Read(minNs, maxNs + 1);
    }
}
