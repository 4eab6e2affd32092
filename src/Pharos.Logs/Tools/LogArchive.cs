using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Parts;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tools;

/// <summary>
/// The parts of log stores, read without a server, or beside one: nothing is written, moved or deleted.
/// Entries that a running server has in memory and in its write log alone are not seen.
/// </summary>
public sealed class LogArchive
{
    /// <summary>A running server that merges parts while they are listed makes the list start again; so often at most.</summary>
    private const int ListingsMax = 5;

    private const long CacheBytes = 16 << 20;

    private readonly List<OpenPart> parts;

    private LogArchive(string folder, List<OpenPart> parts, List<FileProblem> damaged)
    {
        Folder = folder;
        this.parts = parts;
        Damaged = damaged;
        Parts = [.. parts.Select(p => p.Info)];
    }

    /// <summary>The folder of logs of all tenants.</summary>
    public string Folder { get; }

    /// <summary>By tenant, day and file.</summary>
    public IReadOnlyList<LogPartInfo> Parts { get; }

    /// <summary>Parts that cannot be opened.</summary>
    public IReadOnlyList<FileProblem> Damaged { get; }

    internal IReadOnlyList<OpenPart> Opened => parts;

    /// <param name="folder">The folder of logs of all tenants.</param>
    /// <param name="tenant">Whose parts are opened; null for everyone's.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static LogArchive Open(string folder, string? tenant, CancellationToken cancel)
    {
        for (int listing = 1; ; listing++)
        {
            var parts = new List<OpenPart>();
            var damaged = new List<FileProblem>();
            if (TryList(folder, tenant, parts, damaged, cancel)) return new LogArchive(folder, parts, damaged);
            if (listing == ListingsMax) throw new IOException($"parts of {folder} come and go faster than they can be listed; run the command again, or stop the server");
        }
    }

    /// <summary>Sums up what headers and directories of columns say of the streams that match. Lines are not read, columns of metadata are.</summary>
    /// <param name="limit">Longest list.</param>
    /// <param name="progress">Called with blocks done and blocks in all, of streams that match and others.</param>
    public LogAnalysis Analyze(IReadOnlyList<Matcher> matchers, int limit, Action<long, long>? progress, CancellationToken cancel)
    {
        var columns = new ColumnTotals();
        var problems = new List<FileProblem>();
        long seen = 0, total = parts.Sum(p => p.Info.Blocks);
        var streams = new Dictionary<(string Tenant, Labels Stream), LogSize>();
        var codecs = new Dictionary<string, LogSize>(StringComparer.Ordinal);
        long blockCount = 0;
        foreach (var part in parts)
        {
            foreach (var (labels, blocks) in part.Part.Index.Streams())
            {
                progress?.Invoke(seen += blocks.Length, total);
                if (!Matcher.All(matchers, labels)) continue;
                foreach (var block in blocks)
                {
                    cancel.ThrowIfCancellationRequested();
                    var size = SizeOf(block.Header);
                    string codec = block.Header.Codec.ToString().ToLowerInvariant();
                    streams[(part.Info.Tenant, labels)] = streams.GetValueOrDefault((part.Info.Tenant, labels)) + size;
                    codecs[codec] = codecs.GetValueOrDefault(codec) + size;
                    blockCount++;
                    try
                    {
                        columns.Add(block);
                    }
                    catch (InvalidDataException wrong)
                    {
                        problems.Add(new FileProblem(part.Info.Path, $"columns of a block of stream {labels}: {wrong.Message}") { Offset = block.Header.Offset });
                    }
                }
            }
        }
        var pairs = new Dictionary<string, LogSize>(StringComparer.Ordinal);
        var names = new Dictionary<string, (HashSet<string> Values, int Streams)>(StringComparer.Ordinal);
        foreach (var ((_, labels), size) in streams)
        {
            foreach (var (name, value) in labels)
            {
                pairs[$"{name}={value}"] = pairs.GetValueOrDefault($"{name}={value}") + size;
                var (values, count) = names.TryGetValue(name, out var known) ? known : ([], 0);
                values.Add(value);
                names[name] = (values, count + 1);
            }
        }
        return new LogAnalysis
        {
            Parts = parts.Count,
            Streams = streams.Count,
            Blocks = blockCount,
            Total = codecs.Values.Aggregate(default(LogSize), static (sum, size) => sum + size),
            Codecs = [.. codecs.OrderByDescending(c => c.Value.PackedBytes).Select(c => (c.Key, c.Value))],
            StreamsByBytes = Top(s => s.RawBytes),
            StreamsByEntries = Top(s => s.Entries),
            PairsByBytes = TopPairs(s => s.RawBytes),
            PairsByEntries = TopPairs(s => s.Entries),
            ValuesByName = [.. names.OrderByDescending(n => n.Value.Values.Count).ThenBy(n => n.Key, StringComparer.Ordinal).Take(limit).Select(n => (n.Key, n.Value.Values.Count, n.Value.Streams))],
            Fields = columns.Fields(limit),
            Metadata = columns.Metadata(limit),
            Problems = problems,
        };

        List<(string, Labels, LogSize)> Top(Func<LogSize, long> by) =>
            [.. streams.OrderByDescending(s => by(s.Value)).ThenBy(s => s.Key.Tenant, StringComparer.Ordinal).ThenBy(s => s.Key.Stream).Take(limit).Select(s => (s.Key.Tenant, s.Key.Stream, s.Value))];

        List<(string, LogSize)> TopPairs(Func<LogSize, long> by) =>
            [.. pairs.OrderByDescending(p => by(p.Value)).ThenBy(p => p.Key, StringComparer.Ordinal).Take(limit).Select(p => (p.Key, p.Value))];
    }

    private static LogSize SizeOf(BlockHeader header) => new(header.Entries, (long)header.LineBytes + header.MetadataBytes, header.PackedBytes);

    /// <summary>False where a part went away meanwhile: what replaced it may not be in the list.</summary>
    private static bool TryList(string folder, string? tenant, List<OpenPart> parts, List<FileProblem> damaged, CancellationToken cancel)
    {
        // The marks are read first: a flush that finishes after them is left out as a whole.
        var cache = new IndexCache(CacheBytes);
        var marks = FlushMarks.Read(folder, NullLogger.Instance);
        foreach (string path in Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
        {
            if (!TenantId.TryParse(Path.GetFileName(path), out var whose, out _) || (tenant is not null && whose.Name != tenant)) continue;
            long? finished = marks?.Of(whose).Sequence;
            foreach (string day in Directory.GetDirectories(path).Order(StringComparer.Ordinal))
            {
                var found = new List<OpenPart>();
                string[] files;
                try
                {
                    files = Directory.GetFiles(day, "*" + PartFormat.Extension);
                }
                catch (DirectoryNotFoundException)
                {
                    return false;
                }
                foreach (string file in files.Order(StringComparer.Ordinal))
                {
                    cancel.ThrowIfCancellationRequested();
                    try
                    {
                        var part = PartReader.Open(file, cache);
                        if (part.Flush > finished) continue;
                        found.Add(new OpenPart(InfoOf(part, Path.GetFileName(path), Path.GetFileName(day)), part));
                    }
                    catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
                    {
                        return false;
                    }
                    catch (Exception e) when (PartReader.IsDamage(e))
                    {
                        damaged.Add(new FileProblem(file, e.Message));
                    }
                }
                // A merge may be done and what it was made from not deleted yet.
                var replaced = found.SelectMany(f => f.Part.Replaces).ToHashSet(StringComparer.Ordinal);
                parts.AddRange(found.Where(f => !replaced.Contains(Path.GetFileName(f.Info.Path))));
            }
        }
        return true;
    }

    private static LogPartInfo InfoOf(PartFile part, string tenant, string day) => new(
        part.Path, tenant, day, part.MinNs, part.MaxNs, part.Index.StreamCount, part.Index.BlockCount, part.Entries, part.RawBytes, part.Bytes);

    internal sealed record OpenPart(LogPartInfo Info, PartFile Part);
}
