using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.Logs.Streams;
using Pharos.LogQL;
using Pharos.LogQL.Serving;
using Pharos.Server.Http;

namespace Pharos.Server.Loki.Tails;

/// <summary><c>GET /loki/api/v1/tail</c>: a WebSocket that first gets the latest lines and then each line as it is stored.</summary>
internal sealed class LokiTail(LogServices services)
{
    public const int EntriesPerFrameMax = 100;

    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);

    /// <summary>How long a client has to answer a close.</summary>
    private static readonly TimeSpan CloseWait = TimeSpan.FromSeconds(5);

    // Often enough for proxies that end idle connections; a ping each second, as Loki's, took some 0.09 of a core for 1,000 clients. One that answers
    // none for so long is gone.
    private static readonly WebSocketAcceptContext Pinging = new() { KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveTimeout = TimeSpan.FromSeconds(30) };

    private readonly TimeProvider time = services.Time;
    private readonly SharedTails tails = new(services.Store, services.Time, services.Instruments);

    /// <param name="legacy">Frames are those of <c>/api/prom/tail</c>.</param>
    public Task HandleAsync(HttpContext http, bool legacy) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        string text = request.Required("query");
        if (legacy && request["regexp"] is { Length: > 0 } regexp) text += " |~ " + GoString.Quote(regexp);
        LogQueryService.Check(text, services.Limits.For(http.Tenant()));
        _ = new LogQlLineFilter(text, time);
        int limit = request.Whole("limit", 100);
        long start = request.Time("start", time.UnixNs() - (TimeSpan.FromHours(1).Ticks * 100));
        var delay = TimeSpan.FromSeconds(request.Whole("delay_for", 0));
        if (delay > DelayMax) throw new QueryException(QueryErrorKind.BadData, "delay_for can't be greater than 5");
        if (!http.WebSockets.IsWebSocketRequest) throw new QueryException(QueryErrorKind.BadData, "tail is a WebSocket: connect with ws:// or wss://");
        if (TailOrigin.Refusal(http.Request, services.ExternalUrl) is { } refusal)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status403Forbidden, refusal);
            return;
        }
        var form = legacy ? TailForm.Legacy : LokiQueries.Flags(http).Contains("categorize-labels") ? TailForm.Categorized : TailForm.Merged;
        var key = new TailKey(http.Tenant(), text, form, delay);
        var client = tails.Join(key, services.Limits.For(http.Tenant()).Logs.TailsMax);
        try
        {
            await FollowAsync(http, client, text, start, limit, form);
        }
        finally
        {
            tails.Leave(key, client);
        }
    });

    private async Task FollowAsync(HttpContext http, TailClient client, string text, long start, int limit, TailForm form)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync(Pinging);
        using var life = new CancellationTokenSource(LongestLife, time);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(left.Token, life.Token);
        var closed = WatchCloseAsync(socket, left, http.RequestAborted);
        string? error = null;
        try
        {
            client.Begin(socket, await HistoryAsync(http, socket, text, start, limit, form, stop.Token));
            await client.Failed.WaitAsync(stop.Token);
            error = client.Failure;
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
            error = e.Message;
        }
        try
        {
            await client.EndAsync().WaitAsync(CloseWait, time);
        }
        catch (TimeoutException)
        {
            // It does not read: a close frame would not reach it either.
            socket.Abort();
        }
        if (life.IsCancellationRequested) error ??= "reached tail max duration limit";
        if (error is not null) await CloseAsync(socket, WebSocketCloseStatus.InternalServerError, error);
        else if (socket.State == WebSocketState.CloseReceived) await CloseAsync(socket, WebSocketCloseStatus.NormalClosure, "");
        await LeaveAsync(socket, closed);
    }

    /// <summary>Lets the client read to the end and close in its turn.</summary>
    private async Task LeaveAsync(WebSocket socket, Task closed)
    {
        try
        {
            await closed.WaitAsync(CloseWait, time);
        }
        catch (TimeoutException)
        {
            socket.Abort();
            await closed;
        }
    }

    /// <summary>Sends the latest lines; returns what was sent, by time and hash of the line.</summary>
    private async Task<HashSet<(long TimestampNs, ulong Hash)>> HistoryAsync(HttpContext http, WebSocket socket, string query, long start, int limit, TailForm form, CancellationToken cancel)
    {
        long end = time.UnixNs() + 1;
        // A client whose clock is ahead begins later than now: nothing older is wanted.
        if (limit == 0 || start >= end) return [];
        var result = await services.Queries.RangeAsync(
            http.Tenant(), services.Limits.For(http.Tenant()), new LogQlRangeQuery { Text = query, StartNs = start, EndNs = end, Limit = limit }, useCache: true, cancel);
        var entries = result.Entries.Reverse().ToList();
        foreach (var frame in entries.Chunk(EntriesPerFrameMax)) await SendAsync(http, socket, new TailFrame(frame, []).Encode(form));
        return [.. entries.Select(e => (e.TimestampNs, LabelCodec.Hash(e.Line)))];
    }

    // A send or receive that is cancelled breaks the socket: the close frame would never arrive.
    private static ValueTask SendAsync(HttpContext http, WebSocket socket, ReadOnlyMemory<byte> frame) =>
        socket.SendAsync(frame, WebSocketMessageType.Text, endOfMessage: true, http.RequestAborted);

    private static async Task WatchCloseAsync(WebSocket socket, CancellationTokenSource left, CancellationToken aborted)
    {
        var buffer = new byte[256];
        try
        {
            while (socket.State is WebSocketState.Open or WebSocketState.CloseSent)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), aborted);
                if (received.MessageType == WebSocketMessageType.Close) break;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The connection broke: the same as a close.
        }
        await left.CancelAsync();
    }

    private static async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string text)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        try
        {
            // A close frame carries at most 123 bytes of text.
            await socket.CloseOutputAsync(status, Short(text), CancellationToken.None);
        }
        catch (WebSocketException)
        {
            // The client is gone.
        }
    }

    private static string Short(string text)
    {
        while (System.Text.Encoding.UTF8.GetByteCount(text) > 123) text = text[..^Math.Max(1, (text.Length - 120) / 2)];
        return char.IsHighSurrogate(text.Length > 0 ? text[^1] : ' ') ? text[..^1] : text;
    }
}
