using Pharos.Core;
using Pharos.Logs;
using Pharos.Logs.Streams;
using Pharos.LogQL;

namespace Pharos.Server.Loki.Tails;

/// <summary>Entries that belong in one message, as the query leaves them.</summary>
/// <param name="Dropped">Entries that were lost before them.</param>
/// <param name="Frame">All of it, written once for all clients.</param>
internal sealed record TailBatch(IReadOnlyList<LogQlEntry> Entries, IReadOnlyList<DroppedEntry> Dropped, ReadOnlyMemory<byte> Frame);

/// <summary>
/// Clients that follow one query in one form: one task filters and writes each message once and hands it to all of them. None of them
/// waits for another. Clients are added and removed by one thread at a time.
/// </summary>
internal sealed class TailGroup : IDisposable
{
    private const int EntriesPerFrameMax = LokiTail.EntriesPerFrameMax;

    private readonly TailForm form;
    private readonly TimeSpan delay;
    private readonly TimeProvider time;
    private readonly LogQlLineFilter filter;
    private readonly LogTail tail;
    private readonly CancellationTokenSource ended = new();
    private volatile TailClient[] clients = [];
    private volatile string? failure;

    /// <exception cref="QueryException">The text is no log query.</exception>
    public TailGroup(TailKey key, LogStore store, TimeProvider time)
    {
        form = key.Form;
        delay = key.Delay;
        this.time = time;
        filter = new LogQlLineFilter(key.Query, time);
        tail = store.Tail(key.Tenant, filter.Matchers);
        _ = FollowAsync(ended.Token);
    }

    public TailClient Add()
    {
        var client = new TailClient(form);
        clients = [.. clients, client];
        if (failure is { } why) client.Fail(why);
        return client;
    }

    /// <summary>True: it was the last one.</summary>
    public bool Remove(TailClient client)
    {
        clients = [.. clients.Where(c => c != client)];
        return clients.Length == 0;
    }

    public void Dispose()
    {
        ended.Cancel();
        tail.Dispose();
    }

    private async Task FollowAsync(CancellationToken cancel)
    {
        var entries = new List<TailEntry>(EntriesPerFrameMax);
        try
        {
            while (await tail.Entries.WaitToReadAsync(cancel))
            {
                if (delay > TimeSpan.Zero) await Task.Delay(delay, time, cancel);
                entries.Clear();
                while (entries.Count < EntriesPerFrameMax && tail.Entries.TryRead(out var entry)) entries.Add(entry);
                if (Batch(entries) is not { } batch) continue;
                foreach (var client in clients) client.Offer(batch);
            }
        }
        catch (OperationCanceledException)
        {
            // The last client left.
        }
        catch (Exception e)
        {
            failure = e is QueryException ? e.Message : "internal error";
            foreach (var client in clients) client.Fail(failure);
            if (e is not QueryException) throw;
        }
    }

    private TailBatch? Batch(List<TailEntry> entries)
    {
        var passed = new List<LogQlEntry>(entries.Count);
        foreach (var entry in entries)
        {
            if (filter.Process(entry.Stream, entry.TimestampNs, entry.Line, entry.Metadata) is { } line) passed.Add(line);
        }
        var (_, dropped) = tail.TakeDropped();
        return passed.Count + dropped.Count == 0 ? null : new TailBatch(passed, dropped, new TailFrame(passed, dropped).Encode(form));
    }
}
