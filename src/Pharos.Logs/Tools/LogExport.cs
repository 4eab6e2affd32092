using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Logs.Deletion;
using Pharos.Logs.Parts;
using Pharos.Logs.Reading;
using Pharos.Logs.Streams;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tools;

/// <summary>What an export wrote.</summary>
/// <param name="Altered">Entries with bytes that are no UTF-8, which JSON cannot hold: they were written as replacement characters.</param>
/// <param name="Problems">Blocks that could not be read: their entries are missing.</param>
public sealed record LogExported(long Streams, long Entries, long Altered, IReadOnlyList<FileProblem> Problems);

/// <summary>What a line of an export is.</summary>
public enum LogExportForm
{
    /// <summary>A body that Loki's push API takes: entries of one stream.</summary>
    Push,

    /// <summary>One entry, as <c>query_range</c> streams it: <c>{"ts","line","stream","structuredMetadata"?}</c>.</summary>
    Entries,
}

/// <summary>
/// Writes entries of a tenant as lines of JSON, stream by stream, oldest first.
/// What a deletion hides is left out. Holds one line and the blocks that are being read in memory.
/// </summary>
public sealed class LogExport
{
    /// <summary>A line ends at the first entry that takes it over this size, bytes.</summary>
    private const int LineBytesTarget = 1 << 20;

    private readonly LogExportForm form;
    private readonly LogSelection selection;
    private readonly Stream output;
    private readonly PooledBuffer buffer = new();
    private readonly List<FileProblem> problems = [];
    private long entries;
    private long altered;

    private LogExport(LogExportForm form, LogSelection selection, Stream output) => (this.form, this.selection, this.output) = (form, selection, output);

    /// <param name="selection">What is written; its order is not looked at.</param>
    /// <param name="language">Reads the tenant's deletions.</param>
    /// <param name="progress">Called with raw bytes done and in all.</param>
    /// <exception cref="InvalidDataException">The tenant's deletions cannot be read, so what they hide is not known.</exception>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public static LogExported Write(
        LogArchive archive, TenantId tenant, LogSelection selection, LogExportForm form, ILogFilterLanguage language, Stream output, Action<long, long>? progress, CancellationToken cancel)
    {
        var export = new LogExport(form, selection with { Ordered = false, Backward = false }, output);
        using (export.buffer) return export.Run(new StreamSelection(PartsOf(archive, tenant), [], selection.Matchers, export.Damaged), DeletionsOf(archive, tenant, language), progress, cancel);
    }

    private LogExported Run(StreamSelection streams, IReadOnlyList<ActiveDeletion> deletions, Action<long, long>? progress, CancellationToken cancel)
    {
        long total = progress is null ? 0 : streams.Read(selection.StartNs, selection.EndNs).Sum(s => RawBytes(s.Content)), before = 0, written = 0;
        foreach (var (labels, content) in streams.Read(selection.StartNs, selection.EndNs))
        {
            var context = new ReadContext(selection, deletions, Damaged, cancel);
            using var cursor = new SectionCursor(new SectionQueue([(labels, content)], counting: false, cancel), context);
            if (WriteStream(cursor, labels, () => progress?.Invoke(Math.Min(total, before + context.Parts.Bytes), total))) written++;
            before += RawBytes(content);
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
            more = form == LogExportForm.Push ? Body(json, cursor, labels) : Line(json, cursor, labels);
            buffer.Append("\n"u8);
            output.Write(buffer.Span);
            progress();
        }
        return any;
    }

    /// <summary>Writes the current entry and those after it that go into one body; false where none is left.</summary>
    private bool Body(Utf8JsonWriter json, SectionCursor cursor, Labels labels)
    {
        bool more;
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
        return more;
    }

    private void Entry(Utf8JsonWriter json, SectionCursor cursor)
    {
        json.WriteStartArray();
        Time(json, cursor.TimestampNs);
        bool valid = Text(json, cursor.Line);
        if (!cursor.Metadata.IsEmpty) valid &= Pairs(json, cursor.Metadata);
        json.WriteEndArray();
        Count(valid);
    }

    /// <summary>Writes the current entry alone; false where none is left.</summary>
    private bool Line(Utf8JsonWriter json, SectionCursor cursor, Labels labels)
    {
        json.WriteStartObject();
        json.WritePropertyName("ts"u8);
        Time(json, cursor.TimestampNs);
        json.WritePropertyName("line"u8);
        bool valid = Text(json, cursor.Line);
        json.WritePropertyName("stream"u8);
        Pairs(json, labels.Encoded);
        if (!cursor.Metadata.IsEmpty)
        {
            json.WritePropertyName("structuredMetadata"u8);
            valid &= Pairs(json, cursor.Metadata);
        }
        json.WriteEndObject();
        json.Flush();
        Count(valid);
        return cursor.MoveNext();
    }

    private void Count(bool valid)
    {
        entries++;
        if (!valid) altered++;
    }

    private static void Time(Utf8JsonWriter json, long ns)
    {
        Span<byte> number = stackalloc byte[20];
        ns.TryFormat(number, out int digits, default, System.Globalization.CultureInfo.InvariantCulture);
        json.WriteStringValue(number[..digits]);
    }

    /// <summary>False where it is no UTF-8.</summary>
    private static bool Text(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        bool valid = Utf8.IsValid(text);
        if (valid) json.WriteStringValue(text);
        else json.WriteStringValue(Encoding.UTF8.GetString(text));
        return valid;
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

    private void Damaged(PartFile part, Exception wrong)
    {
        if (problems.TrueForAll(p => p.Path != part.Path)) problems.Add(new FileProblem(part.Path, $"its index, and all entries from there on: {wrong.Message}"));
    }

    private static List<PartFile> PartsOf(LogArchive archive, TenantId tenant) => [.. archive.Opened.Where(p => p.Info.Tenant == tenant.Name).Select(p => p.Part)];

    private static long RawBytes(StreamSnapshot stream) => stream.Blocks.Sum(b => (long)b.Header.LineBytes + b.Header.MetadataBytes);

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
