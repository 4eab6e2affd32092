using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Queueing;
using Pharos.Core;
using Pharos.Wire.Compression;
using Pharos.Wire.Loki;

namespace Pharos.Collector.LokiWriting;

/// <summary>
/// Sends log lines to one Loki-compatible endpoint. A batch is taken once it is in the queue on disk; it leaves the queue once the
/// endpoint acknowledged it, or refused it for good. Order within a stream is kept. A request that is sent again after a crash holds
/// the same bytes, so that the receiver sees exact duplicates.
/// </summary>
/// <remarks>A queue record is {tenant length u8, tenant, entries u32 LE, bytes of lines u64 LE, logproto.PushRequest}.</remarks>
public sealed class LokiWriter : ILogsReceiver, IDisposable
{
    /// <summary>Label that stages set to name an entry's tenant; never sent.</summary>
    public const string TenantLabel = "__tenant_id__";

    private readonly LokiWriterOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly DiskQueue queue;
    private readonly HttpClient http;
    private readonly LokiWriterInstruments instruments;

    public LokiWriter(LokiWriterOptions options, HttpHandlerFactory handlers, TimeProvider time, Instruments registry, ILogger logger)
    {
        this.options = options;
        this.time = time;
        this.logger = logger;
        queue = new DiskQueue(new DiskQueueOptions { Folder = options.QueueFolder, BytesMax = options.QueueBytesMax }, time, logger);
        http = new HttpClient(handlers(options.Http)) { Timeout = Timeout.InfiniteTimeSpan };
        instruments = new LokiWriterInstruments(registry, options.Url.Authority);
        registry.BeforeRead(() => instruments.Pending(queue.PendingBytes));
    }

    public async ValueTask AppendAsync(LogBatch batch, CancellationToken cancel)
    {
        if (batch.IsEmpty) return;
        foreach (var (tenant, part) in SplitByTenant(batch))
        {
            using (part)
            {
                byte[] record = Encode(tenant, part, out int length);
                try
                {
                    await queue.AppendAsync(record.AsMemory(0, length), cancel);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(record);
                }
            }
        }
    }

    /// <summary>Sends what the queue holds, until cancelled. What is not sent by then waits on disk.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                await queue.WaitAsync(cancel);
                if (queue.PendingBytes < options.BatchBytes) await Task.Delay(options.BatchWait, time, cancel);
                await SendWaitingAsync(cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            queue.Rewind();
        }
    }

    public void Dispose()
    {
        http.Dispose();
        queue.Dispose();
    }

    /// <summary>One round: reads up to a batch of each tenant, sends them, then commits.</summary>
    private async Task SendWaitingAsync(CancellationToken cancel)
    {
        var batches = new Dictionary<string, Batch>(StringComparer.Ordinal);
        RecordPosition? end = null;
        long bytes = 0;
        while (bytes < options.BatchBytes && queue.TryRead() is { } record)
        {
            string tenant = Decode(record.Payload.Span, out int entries, out long lineBytes, out var message);
            if (!batches.TryGetValue(tenant, out var batch)) batches[tenant] = batch = new Batch();
            batch.Add(message, entries, lineBytes);
            bytes += message.Length;
            end = record.End;
        }
        foreach (var (tenant, batch) in batches) await SendAsync(tenant, batch, cancel);
        if (end is { } reached) queue.Commit(reached);
    }

    private async Task SendAsync(string tenant, Batch batch, CancellationToken cancel)
    {
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(batch.Message, packed);
        var backoff = options.BackoffMin;
        for (int attempt = 1; ; attempt++)
        {
            var (outcome, reason, retryAfter) = await TryAsync(tenant, packed.WrittenMemory, cancel);
            if (outcome == Outcome.Stored)
            {
                instruments.Sent(tenant, batch.Entries, batch.LineBytes, packed.WrittenCount);
                return;
            }
            if (outcome == Outcome.Refused || (options.RetriesMax > 0 && attempt >= options.RetriesMax))
            {
                LokiWriterLog.Dropped(logger, options.Url, tenant, batch.Entries, reason);
                instruments.Dropped(tenant, reason, batch.Entries, batch.LineBytes);
                return;
            }
            LokiWriterLog.Retrying(logger, options.Url, tenant, attempt, reason);
            instruments.Retried(tenant);
            await Task.Delay(retryAfter ?? backoff, time, cancel);
            backoff = TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, options.BackoffMax.Ticks));
        }
    }

    private async Task<(Outcome, string Reason, TimeSpan? RetryAfter)> TryAsync(string tenant, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        using var timeout = new CancellationTokenSource(options.RemoteTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Url) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(LokiPushEncoder.ContentType);
        request.Content.Headers.ContentEncoding.Add(LokiPushEncoder.ContentEncoding);
        request.Headers.UserAgent.ParseAdd("pharos-collector");
        foreach (var (name, value) in options.Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (tenant.Length > 0)
        {
            request.Headers.Remove("X-Scope-OrgID");
            request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant);
        }
        long started = time.GetTimestamp();
        try
        {
            using var response = await http.SendAsync(request, both.Token);
            instruments.Answered(time.GetElapsedTime(started), (int)response.StatusCode);
            if (response.IsSuccessStatusCode) return (Outcome.Stored, "", null);
            string text = await response.Content.ReadAsStringAsync(both.Token);
            string reason = $"{(int)response.StatusCode} {text.AsSpan(0, Math.Min(text.Length, 512)).Trim()}";
            bool again = (int)response.StatusCode >= 500 || (response.StatusCode == HttpStatusCode.TooManyRequests && options.RetryOn429);
            return (again ? Outcome.Failed : Outcome.Refused, reason, response.Headers.RetryAfter?.Delta);
        }
        catch (HttpRequestException e)
        {
            return (Outcome.Failed, e.Message, null);
        }
        catch (IOException e)
        {
            return (Outcome.Failed, e.Message, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (Outcome.Failed, $"no answer within {options.RemoteTimeout}", null);
        }
    }

    /// <summary>The batch with external labels, without <see cref="TenantLabel"/>, in one part for each tenant. Each part is the caller's to dispose of.</summary>
    private List<(string Tenant, LogBatch Part)> SplitByTenant(LogBatch batch)
    {
        var parts = new List<(string Tenant, LogBatch Part)>();
        var streams = new (LogBatch Part, int Stream)[batch.StreamCount];
        for (int i = 0; i < batch.StreamCount; i++)
        {
            var builder = new LabelsBuilder(Labels.FromEncoded(batch.LabelsOf(i)));
            string tenant = builder.Get(TenantLabel) is { Length: > 0 } own ? own : options.TenantId;
            foreach (var (name, _) in builder.Pairs.ToList())
            {
                if (name.StartsWith("__", StringComparison.Ordinal)) builder.Remove(name);
            }
            foreach (var (name, value) in options.ExternalLabels)
            {
                if (builder.Get(name).Length == 0) builder.Set(name, value);
            }
            int found = parts.FindIndex(p => p.Tenant == tenant);
            if (found < 0)
            {
                found = parts.Count;
                parts.Add((tenant, new LogBatch()));
            }
            streams[i] = (parts[found].Part, parts[found].Part.AddStream(builder.ToLabels()));
        }
        foreach (var entry in batch.Entries)
        {
            var (part, stream) = streams[entry.Stream];
            part.AddEntry(stream, entry.TimestampNs, batch.LineOf(entry), batch.MetadataOf(entry));
        }
        return parts;
    }

    private static byte[] Encode(string tenant, LogBatch part, out int length)
    {
        byte[] message = LokiPushEncoder.EncodeMessage(part, out int messageLength);
        long lineBytes = 0;
        foreach (var entry in part.Entries) lineBytes += entry.LineLength;
        byte[] name = Encoding.UTF8.GetBytes(tenant);
        length = 1 + name.Length + 12 + messageLength;
        byte[] record = ArrayPool<byte>.Shared.Rent(length);
        record[0] = (byte)name.Length;
        name.CopyTo(record, 1);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(1 + name.Length), part.Entries.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(5 + name.Length), lineBytes);
        message.AsSpan(0, messageLength).CopyTo(record.AsSpan(13 + name.Length));
        ArrayPool<byte>.Shared.Return(message);
        return record;
    }

    private static string Decode(ReadOnlySpan<byte> record, out int entries, out long lineBytes, out ReadOnlySpan<byte> message)
    {
        int name = record[0];
        entries = BinaryPrimitives.ReadInt32LittleEndian(record[(1 + name)..]);
        lineBytes = BinaryPrimitives.ReadInt64LittleEndian(record[(5 + name)..]);
        message = record[(13 + name)..];
        return Encoding.UTF8.GetString(record.Slice(1, name));
    }

    private enum Outcome
    {
        Stored,
        Failed,
        Refused,
    }

    /// <summary>Messages of one tenant. Protobuf messages written one after the other read as one with all their streams.</summary>
    private sealed class Batch
    {
        private readonly ArrayBufferWriter<byte> message = new();

        public int Entries { get; private set; }

        public long LineBytes { get; private set; }

        public ReadOnlySpan<byte> Message => message.WrittenSpan;

        public void Add(ReadOnlySpan<byte> more, int entries, long lineBytes)
        {
            message.Write(more);
            Entries += entries;
            LineBytes += lineBytes;
        }
    }
}

internal static partial class LokiWriterLog
{
    [LoggerMessage(6201, LogLevel.Warning, "{Url} did not take the logs of tenant '{Tenant}' (try {Attempt}): {Reason}")]
    public static partial void Retrying(ILogger logger, Uri url, string tenant, int attempt, string reason);

    [LoggerMessage(6202, LogLevel.Error, "{Url} refused {Entries} log lines of tenant '{Tenant}' for good; they are dropped: {Reason}")]
    public static partial void Dropped(ILogger logger, Uri url, string tenant, int entries, string reason);
}
