using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.LogQL.Serving;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>
/// Lines as newline-delimited JSON, each sent as soon as it is found: <c>{"ts","line","stream","structuredMetadata"?,"parsed"?}</c>, and at
/// the end <c>{"status":"success","lines":n,"warnings":[…]}</c> or <c>{"status":"error","error":"…"}</c>. An answer without such an end is cut off.
/// </summary>
internal sealed class LineStream(LogQueryService service)
{
    public const string ContentType = "application/x-ndjson";

    /// <summary>Lines that are found and not sent yet: a slow client makes the query wait.</summary>
    private const int WaitingMax = 1000;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static bool Wants(HttpContext http) => http.Request.Headers.Accept.ToString().Contains(ContentType, StringComparison.OrdinalIgnoreCase);

    public async Task AnswerAsync(HttpContext http, TenantLimits limits, LogQlRangeQuery query)
    {
        var waiting = Channel.CreateBounded<LogQlEntry>(new BoundedChannelOptions(WaitingMax) { SingleReader = true, SingleWriter = true });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var run = RunAsync();
        long lines = 0;
        try
        {
            // What is wrong from the start is answered as for other queries.
            if (!await waiting.Reader.WaitToReadAsync(ended.Token)) await run;
            http.Response.ContentType = ContentType;
            do
            {
                while (waiting.Reader.TryRead(out var entry))
                {
                    Write(http, json => Line(json, entry));
                    lines++;
                }
                await http.Response.BodyWriter.FlushAsync(ended.Token);
            }
            while (await waiting.Reader.WaitToReadAsync(ended.Token));
        }
        finally
        {
            // A client that left must not keep the query waiting for it.
            if (!waiting.Reader.Completion.IsCompleted) await ended.CancelAsync();
        }
        string? error = null;
        IReadOnlyList<string> warnings = [];
        try
        {
            warnings = (await run).Warnings;
        }
        catch (QueryException e) when (http.Response.HasStarted)
        {
            error = e.Message;
        }
        Write(http, json => End(json, lines, warnings, error));
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);

        async Task<LogQlResult> RunAsync()
        {
            try
            {
                return await service.StreamAsync(http.Tenant(), limits, query, entry =>
                {
                    // This is a thread of the queries: it may wait for the client.
                    while (!waiting.Writer.TryWrite(entry)) waiting.Writer.WaitToWriteAsync(ended.Token).AsTask().GetAwaiter().GetResult();
                }, ended.Token);
            }
            finally
            {
                waiting.Writer.Complete();
            }
        }
    }

    private static void Write(HttpContext http, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(http.Response.BodyWriter, Options)) write(json);
        http.Response.BodyWriter.Write("\n"u8);
    }

    private static void Line(Utf8JsonWriter json, LogQlEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("ts"u8, entry.TimestampNs.ToString(CultureInfo.InvariantCulture));
        json.WritePropertyName("line"u8);
        LokiAnswers.Text(json, entry.Line);
        json.WritePropertyName("stream"u8);
        LokiAnswers.Labels(json, entry.Stream);
        LokiStreams.Categories(json, entry);
        json.WriteEndObject();
    }

    private static void End(Utf8JsonWriter json, long lines, IReadOnlyList<string> warnings, string? error)
    {
        json.WriteStartObject();
        json.WriteString("status"u8, error is null ? "success"u8 : "error"u8);
        if (error is not null) json.WriteString("error"u8, error);
        json.WriteNumber("lines"u8, lines);
        if (warnings.Count > 0) LokiAnswers.Warnings(json, warnings);
        json.WriteEndObject();
    }
}
