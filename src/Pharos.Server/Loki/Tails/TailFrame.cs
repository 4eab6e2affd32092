using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pharos.Core;
using Pharos.Logs.Streams;
using Pharos.LogQL;

namespace Pharos.Server.Loki.Tails;

/// <summary>How a tail's client wants labels.</summary>
internal enum TailForm
{
    /// <summary>All labels in the stream's.</summary>
    Merged,

    /// <summary>Metadata and parsed labels with each line.</summary>
    Categorized,

    /// <summary>As <see cref="Merged"/>, in the form of <c>/api/prom</c>.</summary>
    Legacy,
}

/// <summary>One message of a tail: lines, and the entries that were lost before them.</summary>
internal sealed record TailFrame(IReadOnlyList<LogQlEntry> Entries, IReadOnlyList<DroppedEntry> Dropped)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public ReadOnlyMemory<byte> Encode(TailForm form)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WritePropertyName("streams"u8);
        if (form == TailForm.Legacy) LokiStreams.WriteLegacy(json, Entries);
        else LokiStreams.Write(json, Entries, form == TailForm.Categorized);
        if (Dropped.Count > 0) WriteDropped(json, form);
        if (form == TailForm.Categorized)
        {
            json.WriteStartArray("encodingFlags"u8);
            json.WriteStringValue("categorize-labels"u8);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private void WriteDropped(Utf8JsonWriter json, TailForm form)
    {
        json.WriteStartArray("dropped_entries"u8);
        foreach (var (stream, timestampNs) in Dropped)
        {
            json.WriteStartObject();
            if (form == TailForm.Legacy)
            {
                json.WriteString("Labels"u8, stream.ToString());
                json.WriteString("Timestamp"u8, UnixTime.Rfc3339(timestampNs));
            }
            else
            {
                json.WritePropertyName("labels"u8);
                LokiAnswers.Labels(json, stream);
                json.WriteString("timestamp"u8, timestampNs.ToString(CultureInfo.InvariantCulture));
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
