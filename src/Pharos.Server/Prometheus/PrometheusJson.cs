using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.PromQL.Syntax;

namespace Pharos.Server.Prometheus;

/// <summary>
/// Writes the envelope of the Prometheus API, <c>{"status":"success","data":…}</c>, straight into the response;
/// large results are flushed piece by piece.
/// </summary>
internal sealed class PrometheusJson : IAsyncDisposable
{
    private const int FlushBytes = 64 * 1024, PlainBytes = 16 * 1024;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly HttpContext http;
    private readonly RawJson raw = new();

    private PrometheusJson(HttpContext http)
    {
        this.http = http;
        Writer = new Utf8JsonWriter(http.Response.BodyWriter, Options);
    }

    public Utf8JsonWriter Writer { get; }

    /// <summary>Begins a successful answer; the value of <c>data</c> comes next.</summary>
    public static PrometheusJson Success(HttpContext http)
    {
        http.Response.ContentType = "application/json";
        var json = new PrometheusJson(http);
        json.Writer.WriteStartObject();
        json.Writer.WriteString("status"u8, "success"u8);
        json.Writer.WritePropertyName("data"u8);
        return json;
    }

    /// <summary>Writes an error. <paramref name="type"/> is Prometheus's errorType.</summary>
    public static async Task ErrorAsync(HttpContext http, int status, string type, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(http.Response.BodyWriter, Options);
        writer.WriteStartObject();
        writer.WriteString("status"u8, "error"u8);
        writer.WriteString("errorType"u8, type);
        writer.WriteString("error"u8, message);
        writer.WriteEndObject();
    }

    public static Task ErrorAsync(HttpContext http, QueryException error) => error.Kind switch
    {
        QueryErrorKind.BadData => ErrorAsync(http, StatusCodes.Status400BadRequest, "bad_data", error.Message),
        QueryErrorKind.Execution => ErrorAsync(http, StatusCodes.Status422UnprocessableEntity, "execution", error.Message),
        QueryErrorKind.TooMany => ErrorAsync(http, StatusCodes.Status429TooManyRequests, "too_many_requests", error.Message),
        QueryErrorKind.Timeout => ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "timeout", error.Message),
        QueryErrorKind.Canceled => ErrorAsync(http, StatusCodes.Status499ClientClosedRequest, "canceled", error.Message),
        _ => ErrorAsync(http, StatusCodes.Status500InternalServerError, "internal", error.Message),
    };

    /// <summary>Ends the answer.</summary>
    public void End(IEnumerable<string>? warnings = null, IEnumerable<string>? infos = null)
    {
        Texts("warnings", warnings);
        Texts("infos", infos);
        Writer.WriteEndObject();
    }

    private void Texts(string name, IEnumerable<string>? texts)
    {
        var all = texts?.ToArray() ?? [];
        if (all.Length == 0) return;
        Writer.WriteStartArray(name);
        foreach (string text in all.Take(10)) Writer.WriteStringValue(text);
        if (all.Length > 10) Writer.WriteStringValue($"{all.Length - 10} more {name[..^1]} annotations omitted");
        Writer.WriteEndArray();
    }

    /// <summary>Type, help and unit of a metric family, inside an object.</summary>
    public static void Metadata(Utf8JsonWriter writer, MetricMetadata entry)
    {
        writer.WriteString("type"u8, entry.Type == MetricType.StateSet ? "stateset" : entry.Type.ToString().ToLowerInvariant());
        writer.WriteString("help"u8, entry.Help);
        writer.WriteString("unit"u8, entry.Unit);
    }

    public async ValueTask FlushWhenLargeAsync()
    {
        if (Writer.BytesPending + http.Response.BodyWriter.UnflushedBytes < FlushBytes) return;
        Writer.Flush();
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    public async ValueTask DisposeAsync()
    {
        raw.Dispose();
        await Writer.DisposeAsync();
    }

    public async ValueTask TextsAsync(IReadOnlyList<string> texts)
    {
        if (texts is Utf8Texts { Count: > 0 } utf8 && !utf8.Utf8.ContainsAnyExcept(RawJson.Plain))
        {
            // Through the writer, so that it knows that there is a value.
            Writer.WriteRawValue("["u8, skipInputValidation: true);
            for (int next = 0; next < utf8.Count;)
            {
                Writer.Flush();
                next = WritePlain(utf8, next, http.Response.BodyWriter);
                await FlushWhenLargeAsync();
            }
            http.Response.BodyWriter.Write("]"u8);
            return;
        }
        Writer.WriteStartArray();
        foreach (string text in texts)
        {
            Writer.WriteStringValue(text);
            await FlushWhenLargeAsync();
        }
        Writer.WriteEndArray();
    }

    /// <summary>Writes as many texts, which need no escaping, as have room; returns the next one.</summary>
    private static int WritePlain(Utf8Texts texts, int next, IBufferWriter<byte> output)
    {
        const int around = 3;
        var room = output.GetSpan(Math.Max(PlainBytes, texts.At(next).Length + around));
        int at = 0;
        for (; next < texts.Count; next++)
        {
            var text = texts.At(next);
            if (room.Length - at < text.Length + around) break;
            if (next > 0) room[at++] = (byte)',';
            room[at++] = (byte)'"';
            text.CopyTo(room[at..]);
            at += text.Length;
            room[at++] = (byte)'"';
        }
        output.Advance(at);
        return next;
    }

    public void LabelSet(Labels labels)
    {
        raw.Clear();
        raw.LabelSet(labels);
        Writer.WriteRawValue(raw.Written, skipInputValidation: true);
    }

    /// <summary>A sample of a vector.</summary>
    public void Sample(VectorSample sample)
    {
        if (sample.Histogram is null)
        {
            raw.Clear();
            raw.Bytes("{\"metric\":"u8);
            raw.LabelSet(sample.Labels);
            raw.Bytes(",\"value\":"u8);
            raw.Point(sample.TimestampMs, sample.Value);
            raw.Bytes("}"u8);
            Writer.WriteRawValue(raw.Written, skipInputValidation: true);
            return;
        }
        Writer.WriteStartObject();
        Writer.WritePropertyName("metric"u8);
        LabelSet(sample.Labels);
        Writer.WritePropertyName("histogram"u8);
        Point(sample.TimestampMs, sample.Histogram);
        Writer.WriteEndObject();
    }

    /// <summary>A series of a matrix: floats under <c>values</c>, histograms under <c>histograms</c>, neither where it has none.</summary>
    public void Series(MatrixSeries series)
    {
        Writer.WriteStartObject();
        Writer.WritePropertyName("metric"u8);
        LabelSet(series.Labels);
        raw.Clear();
        for (int i = 0; i < series.Timestamps.Count; i++)
        {
            if (series.Histograms?[i] is not null) continue;
            raw.Bytes(raw.Written.IsEmpty ? "["u8 : ","u8);
            raw.Point(series.Timestamps[i], series.Values[i]);
        }
        if (!raw.Written.IsEmpty)
        {
            raw.Bytes("]"u8);
            Writer.WritePropertyName("values"u8);
            Writer.WriteRawValue(raw.Written, skipInputValidation: true);
        }
        bool open = false;
        for (int i = 0; i < (series.Histograms?.Count ?? 0); i++)
        {
            if (series.Histograms![i] is not { } histogram) continue;
            if (!open) Writer.WriteStartArray("histograms"u8);
            open = true;
            Point(series.Timestamps[i], histogram);
        }
        if (open) Writer.WriteEndArray();
        Writer.WriteEndObject();
    }

    /// <summary>Seconds with milliseconds where there are any, as Prometheus writes sample times.</summary>
    public void Timestamp(long ms) => Timestamp(Writer, ms);

    /// <inheritdoc cref="Timestamp(long)"/>
    public static void Timestamp(Utf8JsonWriter writer, long ms)
    {
        Span<byte> text = stackalloc byte[RawJson.TimestampLengthMax];
        writer.WriteRawValue(text[..RawJson.Timestamp(ms, text)], skipInputValidation: true);
    }

    /// <summary>A sample's value as a string, in the shortest form.</summary>
    public void Value(double value)
    {
        Span<byte> text = stackalloc byte[NumberText.LengthMax];
        Writer.WriteStringValue(text[..NumberText.WriteJson(value, text)]);
    }

    public void Point(long ms, Histogram histogram)
    {
        Writer.WriteStartArray();
        Timestamp(ms);
        Writer.WriteStartObject();
        Writer.WritePropertyName("count"u8);
        Value(histogram.Count);
        Writer.WritePropertyName("sum"u8);
        Value(histogram.Sum);
        bool open = false;
        foreach (var bucket in HistogramText.Buckets(histogram))
        {
            if (!open) Writer.WriteStartArray("buckets"u8);
            open = true;
            Writer.WriteStartArray();
            // 0: open on the left, 1: open on the right, 2: open on both sides, 3: closed.
            Writer.WriteNumberValue(bucket.LowerInclusive ? (bucket.UpperInclusive ? 3 : 1) : bucket.UpperInclusive ? 0 : 2);
            Value(bucket.Lower);
            Value(bucket.Upper);
            Value(bucket.Count);
            Writer.WriteEndArray();
        }
        if (open) Writer.WriteEndArray();
        Writer.WriteEndObject();
        Writer.WriteEndArray();
    }

    /// <summary>A scalar or string: <c>[time, "value"]</c>, the time as the shortest decimal.</summary>
    public void ScalarPoint(long ms, string value)
    {
        Writer.WriteStartArray();
        Writer.WriteRawValue((ms / 1000.0).ToString("R", CultureInfo.InvariantCulture), skipInputValidation: true);
        Writer.WriteStringValue(value);
        Writer.WriteEndArray();
    }
}
