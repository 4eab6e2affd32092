using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL;

namespace Pharos.Server.Loki;

/// <summary>Lines as Loki groups them: by stream, in the order of the answer within each.</summary>
internal static class LokiStreams
{
    /// <param name="categorize">
    /// True: <c>stream</c> holds index labels only and each value a third element with the others by origin.
    /// False: all labels are merged into <c>stream</c>.
    /// </param>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<LogQlEntry> entries, bool categorize)
    {
        json.WriteStartArray();
        foreach (var (labels, lines) in Groups(entries, categorize))
        {
            json.WriteStartObject();
            json.WritePropertyName("stream"u8);
            LokiAnswers.Labels(json, labels);
            json.WriteStartArray("values"u8);
            foreach (var entry in lines) Value(json, entry, categorize);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>The streams of <c>/api/prom</c>: <c>[{"labels":"{…}","entries":[{"ts":"RFC 3339","line":"…"}]}]</c>, all labels merged.</summary>
    public static void WriteLegacy(Utf8JsonWriter json, IReadOnlyList<LogQlEntry> entries)
    {
        json.WriteStartArray();
        foreach (var (labels, lines) in Groups(entries, categorize: false))
        {
            json.WriteStartObject();
            json.WriteString("labels"u8, labels.ToString());
            json.WriteStartArray("entries"u8);
            foreach (var entry in lines)
            {
                json.WriteStartObject();
                json.WriteString("ts"u8, UnixTime.Rfc3339(entry.TimestampNs));
                json.WritePropertyName("line"u8);
                LokiAnswers.Text(json, entry.Line);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>Lines by stream, in the order of the answer within each.</summary>
    public static List<(Labels Labels, List<LogQlEntry> Entries)> Groups(IReadOnlyList<LogQlEntry> entries, bool categorize)
    {
        var groups = new List<(Labels Labels, List<LogQlEntry> Entries)>();
        var byLabels = new Dictionary<Labels, int>();
        foreach (var entry in entries)
        {
            var labels = categorize ? entry.Stream : Merged(entry);
            if (!byLabels.TryGetValue(labels, out int at))
            {
                byLabels[labels] = at = groups.Count;
                groups.Add((labels, []));
            }
            groups[at].Entries.Add(entry);
        }
        return groups;
    }

    private static Labels Merged(LogQlEntry entry)
    {
        if (entry.Metadata.IsEmpty && entry.Parsed.IsEmpty) return entry.Stream;
        var builder = new LabelsBuilder(entry.Stream);
        foreach (var (name, value) in entry.Metadata) builder.Set(name, value);
        foreach (var (name, value) in entry.Parsed) builder.Set(name, value);
        return builder.ToLabels();
    }

    private static void Value(Utf8JsonWriter json, LogQlEntry entry, bool categorize)
    {
        json.WriteStartArray();
        json.WriteStringValue(entry.TimestampNs.ToString(CultureInfo.InvariantCulture));
        LokiAnswers.Text(json, entry.Line);
        if (categorize)
        {
            json.WriteStartObject();
            Categories(json, entry);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary><c>"structuredMetadata":{…}</c> and <c>"parsed":{…}</c>, where there are any.</summary>
    public static void Categories(Utf8JsonWriter json, LogQlEntry entry)
    {
        Category(json, "structuredMetadata"u8, entry.Metadata);
        Category(json, "parsed"u8, entry.Parsed);
    }

    private static void Category(Utf8JsonWriter json, ReadOnlySpan<byte> name, Labels labels)
    {
        if (labels.IsEmpty) return;
        json.WritePropertyName(name);
        LokiAnswers.Labels(json, labels);
    }
}
