using System.Collections.Concurrent;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tools;

/// <summary>What an export wrote.</summary>
/// <param name="Altered">Entries with bytes that are no UTF-8, which JSON cannot hold: they were written as replacement characters.</param>
/// <param name="Problems">Blocks that could not be read: their entries are missing.</param>
public sealed record LogExported(long Streams, long Entries, long Altered, IReadOnlyList<FileProblem> Problems);

/// <summary>
/// Writes entries of a tenant as lines of JSON, each a body that Loki's push API takes: entries of one stream, oldest first.
/// What a deletion hides is left out. Holds one line and the blocks that are being read in memory.
/// </summary>
public sealed class LogExport
{
    /// <summary>A line ends at the first entry that takes it over this size, bytes.</summary>
    private const int LineBytesTarget = 1 << 20;

    private readonly LogSelection selection;
    private readonly Stream output;
    private readonly PooledBuffer buffer = new();
    private readonly List<FileProblem> problems = [];
    private long entries;
    private long altered;

    private LogExport(LogSelection selection, Stream output) => (this.selection, this.output) = (selection, output);

    /// <param name="selection">What is written; its order is not looked at.</param>
    /// <param name="language">Reads the tenant's deletions.</param>
    /// <param name="progress">Called with raw bytes done and in all.</param>
    /// <exception cref="InvalidDataException">The tenant's deletions cannot be read, so what they hide is not known.</exception>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public static LogExported Write(
        LogArchive archive, TenantId tenant, LogSelection selection, ILogFilterLanguage language, Stream output, Action<long, long>? progress, CancellationToken cancel)
    {
        var export = new LogExport(selection with { Ordered = false, Backward = false }, output);
        using (export.buffer) return export.Run(StreamsOf(archive, tenant, selection), DeletionsOf(archive, tenant, language), progress, cancel);
    }

    private LogExported Run(SortedDictionary<Labels, List<BlockRef>> streams, IReadOnlyList<ActiveDeletion> deletions, Action<long, long>? progress, CancellationToken cancel)
    {
        long total = streams.Values.Sum(s => s.Sum(b => (long)b.Header.LineBytes + b.Header.MetadataBytes)), before = 0, written = 0;
        foreach (var (labels, blocks) in streams)
        {
            var context = new ReadContext(selection, deletions, Damaged, cancel);
            var sections = new List<ReadSection>();
            ReadSection.Cut(labels, new StreamSnapshot(default, default, [], [.. blocks]), selection, sections);
            using var cursor = new SectionCursor(new ConcurrentQueue<ReadSection>(sections), context);
            if (WriteStream(cursor, labels, () => progress?.Invoke(Math.Min(total, before + context.Parts.Bytes), total))) written++;
            before += blocks.Sum(b => (long)b.Header.LineBytes + b.Header.MetadataBytes);
        }
        return new LogExported(written, entries, altered, problems);
    }

    private bool WriteStream(SectionCursor cursor, Labels labels, Action progress)
    {
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        bool any = false, more = cursor.MoveNext();
        while (more)
        {
            any = true;
            buffer.Clear();
            json.Reset(buffer);
            json.WriteStartObject();
            json.WriteStartArray("streams"u8);
            json.WriteStartObject();
            json.WritePropertyName("stream"u8);
            Pairs(json, labels.Encoded);
            json.WriteStartArray("values"u8);
            do
            {
                Entry(json, cursor);
                more = cursor.MoveNext();
            }
            while (more && buffer.Length + json.BytesPending < LineBytesTarget);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
            json.Flush();
            buffer.Append("\n"u8);
            output.Write(buffer.Span);
            progress();
        }
        return any;
    }

    private void Entry(Utf8JsonWriter json, SectionCursor cursor)
    {
        entries++;
        json.WriteStartArray();
        Span<byte> number = stackalloc byte[20];
        cursor.TimestampNs.TryFormat(number, out int digits, default, System.Globalization.CultureInfo.InvariantCulture);
        json.WriteStringValue(number[..digits]);
        bool valid = Utf8.IsValid(cursor.Line);
        if (valid) json.WriteStringValue(cursor.Line);
        else json.WriteStringValue(Encoding.UTF8.GetString(cursor.Line));
        if (!cursor.Metadata.IsEmpty) valid &= Pairs(json, cursor.Metadata);
        json.WriteEndArray();
        if (!valid) altered++;
    }

    /// <summary>False where a name or a value is no UTF-8.</summary>
    private static bool Pairs(Utf8JsonWriter json, ReadOnlySpan<byte> canonical)
    {
        bool valid = true;
        json.WriteStartObject();
        for (int at = 0; at < canonical.Length;)
        {
            var name = LabelCodec.ReadString(canonical, ref at);
            var value = LabelCodec.ReadString(canonical, ref at);
            if (Utf8.IsValid(name) && Utf8.IsValid(value))
            {
                json.WriteString(name, value);
                continue;
            }
            json.WriteString(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(value));
            valid = false;
        }
        json.WriteEndObject();
        return valid;
    }

    private void Damaged(BlockRef block, Labels stream, Exception wrong) =>
        problems.Add(new FileProblem(block.Source.Name, $"a block of stream {stream}, {block.Header.Entries} entries: {wrong.Message}") { Offset = block.Header.Offset });

    private static SortedDictionary<Labels, List<BlockRef>> StreamsOf(LogArchive archive, TenantId tenant, LogSelection selection)
    {
        var streams = new SortedDictionary<Labels, List<BlockRef>>();
        foreach (var part in archive.Opened.Where(p => p.Info.Tenant == tenant.Name))
        {
            foreach (var (labels, blocks) in part.Streams)
            {
                if (!Matcher.All(selection.Matchers, labels)) continue;
                foreach (var block in blocks.Where(b => b.Header.Overlaps(selection.StartNs, selection.EndNs)))
                {
                    if (!streams.TryGetValue(labels, out var list)) streams[labels] = list = [];
                    list.Add(block);
                }
            }
        }
        return streams;
    }

    private static IReadOnlyList<ActiveDeletion> DeletionsOf(LogArchive archive, TenantId tenant, ILogFilterLanguage language)
    {
        string path = Path.Combine(archive.Folder, tenant.Name, DeleteFile.FileName);
        var requests = new DeleteRequests(new DeleteFile(path, FileDisk.Instance), language);
        try
        {
            requests.Load();
        }
        catch (Exception wrong) when (wrong is InvalidDataException or JsonException or QueryException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{path} cannot be read, so the entries that it hides are not known: {wrong.Message}; put a good copy in its place, or take it away to export what was deleted, too", wrong);
        }
        return requests.Active;
    }
}
