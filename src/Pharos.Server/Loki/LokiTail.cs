using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.Logs.Streams;
using Pharos.LogQL;
using Pharos.LogQL.Serving;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>GET /loki/api/v1/tail</c>: a WebSocket that first gets the latest lines and then each line as it is stored.</summary>
internal sealed class LokiTail(LogServices services)
{
    private const int EntriesPerFrameMax = 100;

    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);

    /// <summary>How long a client has to answer a close.</summary>
    private static readonly TimeSpan CloseWait = TimeSpan.FromSeconds(5);

    // As Loki does, a ping each second; a client that answers none for so long is gone.
    private static readonly WebSocketAcceptContext Pinging = new() { KeepAliveInterval = TimeSpan.FromSeconds(1), KeepAliveTimeout = TimeSpan.FromSeconds(30) };

    private readonly TimeProvider time = services.Time;
    private readonly SharedTails tails = new(services.Time);

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
        int most = services.Limits.For(http.Tenant()).Logs.TailsMax, open = services.Store.TailCount(http.Tenant());
        if (most > 0 && open >= most) throw new QueryException(QueryErrorKind.BadData, $"max concurrent tail requests limit exceeded, count > limit ({open + 1} > {most})");
        var form = legacy ? TailForm.Legacy : LokiQueries.Flags(http).Contains("categorize-labels") ? TailForm.Categorized : TailForm.Merged;
        var shared = tails.Join(http.Tenant(), text, form);
        try
        {
            await FollowAsync(http, shared, text, start, limit, delay, form);
        }
        finally
        {
            tails.Leave(http.Tenant(), text, form);
        }
    });

    private async Task FollowAsync(HttpContext http, SharedTail shared, string text, long start, int limit, TimeSpan delay, TailForm form)
    {
        using var tail = services.Store.Tail(http.Tenant(), shared.Matchers);
        using var socket = await http.WebSockets.AcceptWebSocketAsync(Pinging);
        using var life = new CancellationTokenSource(LongestLife, time);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(left.Token, life.Token);
        var closed = WatchCloseAsync(socket, left, http.RequestAborted);
        try
        {
            var sent = await HistoryAsync(http, socket, text, start, limit, form, stop.Token);
            await LiveAsync(http, socket, tail, shared, delay, sent, form, stop.Token);
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
        if (life.IsCancellationRequested) await CloseAsync(socket, WebSocketCloseStatus.InternalServerError, "reached tail max duration limit");
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
        if (limit == 0) return [];
        var result = await services.Queries.RangeAsync(
            http.Tenant(), services.Limits.For(http.Tenant()), new LogQlRangeQuery { Text = query, StartNs = start, EndNs = time.UnixNs() + 1, Limit = limit }, useCache: true, cancel);
        var entries = result.Entries.Reverse().ToList();
        foreach (var frame in entries.Chunk(EntriesPerFrameMax)) await SendAsync(http, socket, new TailFrame(frame, []).Encode(form));
        return [.. entries.Select(e => (e.TimestampNs, LabelCodec.Hash(e.Line)))];
    }

    private async Task LiveAsync(HttpContext http, WebSocket socket, LogTail tail, SharedTail shared, TimeSpan delay, HashSet<(long TimestampNs, ulong Hash)> sent, TailForm form, CancellationToken cancel)
    {
        var entries = new List<TailEntry>(EntriesPerFrameMax);
        var times = sent.Select(s => s.TimestampNs).ToHashSet();
        while (await tail.Entries.WaitToReadAsync(cancel))
        {
            if (delay > TimeSpan.Zero) await Task.Delay(delay, time, cancel);
            entries.Clear();
            while (entries.Count < EntriesPerFrameMax && tail.Entries.TryRead(out var entry)) entries.Add(entry);
            var (_, dropped) = tail.TakeDropped();
            if (dropped.Count == 0 && !entries.Exists(e => times.Contains(e.TimestampNs)))
            {
                var frame = shared.Encode(entries);
                if (!frame.IsEmpty) await SendAsync(http, socket, frame);
                continue;
            }
            // Stored between the opening of the tail and the look back: sent already.
            var passed = shared.Filter(entries);
            passed.RemoveAll(e => sent.Remove((e.TimestampNs, LabelCodec.Hash(e.Line))));
            if (passed.Count > 0 || dropped.Count > 0) await SendAsync(http, socket, new TailFrame(passed, dropped).Encode(form));
        }
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
