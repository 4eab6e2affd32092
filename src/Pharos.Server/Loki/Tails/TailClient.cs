using System.Net.WebSockets;
using Pharos.Core;
using Pharos.Logs.Streams;
using Pharos.LogQL;

namespace Pharos.Server.Loki.Tails;

/// <summary>
/// What one client of a tail still has to get. A client that takes its messages has none waiting, and costs no task and no timer; to one that is
/// slow they go as it takes them, up to a bound, and what is over it is lost and named in its next message. Safe for several threads.
/// </summary>
internal sealed class TailClient(TailForm form)
{
    /// <summary>Entries that wait for a slow client.</summary>
    public const int WaitingMax = 4096;

    /// <summary>Bytes of messages that wait for a slow client; one message may be larger.</summary>
    private const int WaitingBytesMax = 16 << 20;

    private readonly Lock gate = new();
    private readonly Queue<TailBatch> waiting = [];
    private readonly List<DroppedEntry> dropped = [];
    private readonly TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HashSet<(long TimestampNs, ulong Hash)> known = [];
    private HashSet<long> knownTimes = [];
    private WebSocket? socket;
    private TaskCompletionSource? idle;
    private int waitingEntries;
    private long waitingBytes;
    private bool sending;
    private bool ended;

    /// <summary>Why the tail cannot go on; null: it can, or the client is gone.</summary>
    public string? Failure { get; private set; }

    /// <summary>Completes once nothing more can be sent.</summary>
    public Task Failed => failed.Task;

    /// <summary>Takes a message: sends it at once where the client has got all before it. Does not wait.</summary>
    public void Offer(TailBatch batch)
    {
        lock (gate)
        {
            if (ended) return;
            if (waiting.Count > 0 && (waitingEntries + batch.Entries.Count > WaitingMax || waitingBytes + batch.Frame.Length > WaitingBytesMax))
            {
                foreach (var entry in batch.Entries) Drop(new DroppedEntry(entry.Stream, entry.TimestampNs));
                foreach (var entry in batch.Dropped) Drop(entry);
                return;
            }
            waiting.Enqueue(batch);
            waitingEntries += batch.Entries.Count;
            waitingBytes += batch.Frame.Length;
            if (sending || socket is null) return;
            sending = true;
        }
        _ = SendAsync();
    }

    /// <summary>Begins to send: until now messages have waited.</summary>
    /// <param name="to">Nobody else sends to it until <see cref="EndAsync"/>.</param>
    /// <param name="sent">What the client has got already, by time and hash of the line.</param>
    public void Begin(WebSocket to, HashSet<(long TimestampNs, ulong Hash)> sent)
    {
        lock (gate)
        {
            known = sent;
            knownTimes = sent.Select(s => s.TimestampNs).ToHashSet();
            socket = to;
            sending = true;
        }
        _ = SendAsync();
    }

    /// <summary>The tail itself has failed.</summary>
    public void Fail(string why)
    {
        Failure = why;
        failed.TrySetResult();
    }

    /// <summary>Sends nothing more; completes when the message on its way is out.</summary>
    public Task EndAsync()
    {
        lock (gate)
        {
            ended = true;
            waiting.Clear();
            if (!sending) return Task.CompletedTask;
            idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return idle.Task;
        }
    }

    private bool MayHaveKnown(IReadOnlyList<LogQlEntry> entries)
    {
        for (int i = 0; i < entries.Count; i++)
        {
            if (knownTimes.Contains(entries[i].TimestampNs)) return true;
        }
        return false;
    }

    private void Drop(DroppedEntry entry)
    {
        if (dropped.Count < LogTail.DroppedShownMax) dropped.Add(entry);
    }

    // Not to be cancelled: a connection that breaks ends a send as well, and a token that could be costs each message a registration.
    private async Task SendAsync()
    {
        try
        {
            while (Next() is { } frame) await socket!.SendAsync(frame, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            lock (gate)
            {
                ended = true;
                sending = false;
                waiting.Clear();
                idle?.TrySetResult();
            }
            failed.TrySetResult();
        }
    }

    /// <summary>The next message; null, and nothing is being sent any more, where none waits.</summary>
    private ReadOnlyMemory<byte>? Next()
    {
        while (true)
        {
            TailBatch batch;
            DroppedEntry[] lost;
            lock (gate)
            {
                if (ended || !waiting.TryDequeue(out batch!))
                {
                    sending = false;
                    idle?.TrySetResult();
                    return null;
                }
                waitingEntries -= batch.Entries.Count;
                waitingBytes -= batch.Frame.Length;
                lost = dropped.Count == 0 ? [] : [.. dropped];
                dropped.Clear();
            }
            if (lost.Length == 0 && (knownTimes.Count == 0 || !MayHaveKnown(batch.Entries))) return batch.Frame;
            // Stored between the opening of the tail and the look back: sent already.
            var entries = batch.Entries.Where(e => !known.Remove((e.TimestampNs, LabelCodec.Hash(e.Line)))).ToList();
            if (entries.Count + batch.Dropped.Count + lost.Length > 0) return new TailFrame(entries, [.. batch.Dropped, .. lost]).Encode(form);
        }
    }
}
