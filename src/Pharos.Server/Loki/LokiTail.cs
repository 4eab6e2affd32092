using System.Buffers;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs;
using Pharos.Logs.Streams;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>GET /loki/api/v1/tail</c>: a WebSocket that first gets the latest lines and then each line as it is stored.</summary>
internal sealed class LokiTail(LogStore store, LogQlEngine engine, TimeProvider time)
{
    private const int TailsMax = 10;
    private const int EntriesPerFrameMax = 100;

    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);

    public Task HandleAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var filter = new LogQlLineFilter(request.Required("query"), time);
        int limit = request.Whole("limit", 100);
        long start = request.Time("start", time.UnixNs() - (TimeSpan.FromHours(1).Ticks * 100));
        var delay = TimeSpan.FromSeconds(request.Whole("delay_for", 0));
        if (delay > DelayMax) throw new QueryException(QueryErrorKind.BadData, "delay_for can't be greater than 5");
        if (!http.WebSockets.IsWebSocketRequest) throw new QueryException(QueryErrorKind.BadData, "tail is a WebSocket: connect with ws:// or wss://");
        if (store.TailCount(http.Tenant()) >= TailsMax) throw new QueryException(QueryErrorKind.BadData, $"max concurrent tail requests limit exceeded, count > limit ({TailsMax + 1} > {TailsMax})");
        bool categorize = LokiQueries.Flags(http).Contains("categorize-labels");
        using var tail = store.Tail(http.Tenant(), filter.Matchers);
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.FromSeconds(1) });
        using var life = new CancellationTokenSource(LongestLife, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.Token);
        var closed = WatchCloseAsync(socket, stop);
        try
        {
            var sent = await HistoryAsync(http, socket, request.Required("query"), start, limit, categorize, stop.Token);
            await LiveAsync(socket, tail, filter, delay, sent, categorize, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The client left, or the tail reached its age.
        }
        catch (WebSocketException)
        {
            // The client is gone.
        }
        catch (QueryException e)
        {
            await CloseAsync(socket, WebSocketCloseStatus.InternalServerError, e.Message);
        }
        if (life.IsCancellationRequested) await CloseAsync(socket, WebSocketCloseStatus.NormalClosure, "reached tail max duration limit");
        else if (socket.State == WebSocketState.CloseReceived) await CloseAsync(socket, WebSocketCloseStatus.NormalClosure, "");
        await stop.CancelAsync();
        await closed;
    });

    /// <summary>Sends the latest lines; returns what was sent, by time and hash of the line.</summary>
    private async Task<HashSet<(long, ulong)>> HistoryAsync(HttpContext http, WebSocket socket, string query, long start, int limit, bool categorize, CancellationToken cancel)
    {
        if (limit == 0) return [];
        var result = await engine.QueryRangeAsync(http.Tenant(), new LogQlRangeQuery { Text = query, StartNs = start, EndNs = time.UnixNs() + 1, Limit = limit }, cancel);
        var entries = result.Entries.Reverse().ToList();
        foreach (var frame in entries.Chunk(EntriesPerFrameMax)) await SendAsync(socket, frame, 0, categorize, cancel);
        return [.. entries.Select(e => (e.TimestampNs, LabelCodec.Hash(e.Line)))];
    }

    private async Task LiveAsync(WebSocket socket, LogTail tail, LogQlLineFilter filter, TimeSpan delay, HashSet<(long, ulong)> sent, bool categorize, CancellationToken cancel)
    {
        var frame = new List<LogQlEntry>(EntriesPerFrameMax);
        while (await tail.Entries.WaitToReadAsync(cancel))
        {
            if (delay > TimeSpan.Zero) await Task.Delay(delay, time, cancel);
            frame.Clear();
            while (frame.Count < EntriesPerFrameMax && tail.Entries.TryRead(out var entry))
            {
                if (filter.Process(entry.Stream, entry.TimestampNs, entry.Line, entry.Metadata) is not { } passed) continue;
                // Stored between the opening of the tail and the look back: sent already.
                if (!sent.Remove((passed.TimestampNs, LabelCodec.Hash(passed.Line)))) frame.Add(passed);
            }
            long dropped = tail.TakeDropped();
            if (frame.Count > 0 || dropped > 0) await SendAsync(socket, frame, dropped, categorize, cancel);
        }
    }

    private async Task SendAsync(WebSocket socket, IReadOnlyList<LogQlEntry> entries, long dropped, bool categorize, CancellationToken cancel)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WritePropertyName("streams"u8);
            LokiStreams.Write(json, entries, categorize);
            if (dropped > 0)
            {
                json.WriteStartArray("dropped_entries"u8);
                for (long i = 0; i < Math.Min(dropped, 100); i++)
                {
                    json.WriteStartObject();
                    json.WriteString("labels"u8, "{}"u8);
                    json.WriteString("timestamp"u8, time.UnixNs().ToString(CultureInfo.InvariantCulture));
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            if (categorize)
            {
                json.WriteStartArray("encodingFlags"u8);
                json.WriteStringValue("categorize-labels"u8);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        await socket.SendAsync(buffer.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, cancel);
    }

    private static async Task WatchCloseAsync(WebSocket socket, CancellationTokenSource stop)
    {
        var buffer = new byte[256];
        try
        {
            while (socket.State == WebSocketState.Open)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), stop.Token);
                if (received.MessageType == WebSocketMessageType.Close) break;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (WebSocketException)
        {
            // The connection broke: the same as a close.
        }
        await stop.CancelAsync();
    }

    private static async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string text)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        try
        {
            // A close frame carries at most 123 bytes of text.
            await socket.CloseOutputAsync(status, text.Length > 120 ? text[..120] : text, CancellationToken.None);
        }
        catch (WebSocketException)
        {
            // The client is gone.
        }
    }
}
