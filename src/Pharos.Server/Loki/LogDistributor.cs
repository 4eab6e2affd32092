using System.Collections.Concurrent;
using System.Globalization;
using Pharos.Core;

namespace Pharos.Server.Loki;

/// <summary>
/// Stands before the log store for everything that is pushed: blocked tenants, labels that must be there, rates of single streams,
/// and the limits that change a push instead of refusing it. A push that none of them touches goes on as it is. Safe for several threads.
/// Source of texts and reasons: Loki's distributor and ingester.
/// </summary>
internal sealed class LogDistributor(ILogSink store, ITenantLimits limits, TimeProvider time, Instruments instruments) : ILogSink
{
    private const string MissingLabels = "missing_enforced_labels", DisallowedMetadata = "disallowed_structured_metadata", StreamRate = "per_stream_rate_limit";

    private readonly ConcurrentBag<LogBatch> batches = [];
    private readonly StreamRates rates = new(time);
    private readonly Counter discardedSamples = instruments.Counter("loki_discarded_samples_total", "The total number of samples that were discarded.", "reason", "tenant");
    private readonly Counter discardedBytes = instruments.Counter("loki_discarded_bytes_total", "The total number of bytes that were discarded.", "reason", "tenant");
    private readonly Counter mutatedSamples = instruments.Counter("loki_mutated_samples_total", "The total number of samples that have been mutated.", "reason", "tenant");
    private readonly Counter mutatedBytes = instruments.Counter("loki_mutated_bytes_total", "The total number of bytes that have been mutated.", "reason", "tenant");

    /// <summary>The answer to a push of a tenant that is blocked; null where it is not. The batch counts as discarded.</summary>
    public (int Status, string Text)? Blocks(TenantId tenant, LogBatch batch)
    {
        var own = limits.For(tenant).Logs;
        if (own.BlockedUntil is not { } until || until <= time.GetUtcNow()) return null;
        Count(tenant, "blocked_ingestion", batch.Entries.Length, BytesOf(batch.Entries));
        string shown = until.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return (own.BlockedStatus, $"ingestion blocked for user {tenant} until '{shown}' with status code '{own.BlockedStatus}'");
    }

    /// <summary>Counts a body that was not read, for its size.</summary>
    public void TooLarge(TenantId tenant, long bytes) => Count(tenant, "request_body_too_large", 1, bytes);

    /// <summary>Counts what a decoder left out.</summary>
    public void LeftOut(TenantId tenant, IReadOnlyList<AppendError> errors)
    {
        foreach (var error in errors) Count(tenant, error.Code, error.Samples, 0);
    }

    public ValueTask<LogAppendResult> AppendAsync(TenantId tenant, LogBatch batch, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        var own = allowed.Logs;
        bool plain = own is { StructuredMetadata: true, TruncateLines: false, StreamBytesPerSecond: 0, EnforcedLabels.Count: 0, IncrementDuplicateTimestamp: false };
        return plain ? store.AppendAsync(tenant, batch, cancel) : AppendEditedAsync(tenant, batch, allowed, cancel);
    }

    private async ValueTask<LogAppendResult> AppendEditedAsync(TenantId tenant, LogBatch batch, TenantLimits allowed, CancellationToken cancel)
    {
        if (!batches.TryTake(out var edited)) edited = new LogBatch();
        try
        {
            var errors = Edit(tenant, batch, edited, allowed);
            var result = edited.IsEmpty ? new LogAppendResult(0, 0, []) : await store.AppendAsync(tenant, edited, cancel);
            return errors.Count == 0 ? result : result with { Errors = [.. errors, .. result.Errors] };
        }
        finally
        {
            edited.Clear();
            batches.Add(edited);
        }
    }

    private List<AppendError> Edit(TenantId tenant, LogBatch batch, LogBatch edited, TenantLimits allowed)
    {
        var own = allowed.Logs;
        var refused = new Dictionary<(int Stream, string Reason), (AppendError Error, long Bytes)>();
        var streams = new int[batch.StreamCount];
        var buckets = new TokenBucket?[batch.StreamCount];
        var last = new long[batch.StreamCount];
        for (int s = 0; s < streams.Length; s++)
        {
            streams[s] = -1;
            if (MissingLabel(batch, s, own) is not null) continue;
            streams[s] = edited.AddStream(batch.LabelsOf(s));
            last[s] = long.MinValue;
            if (own.StreamBytesPerSecond > 0) buckets[s] = rates.Of(tenant, batch.LabelsOf(s));
        }
        double burst = own.StreamBurstBytes > 0 ? own.StreamBurstBytes : own.StreamBytesPerSecond;
        byte[] identifier = System.Text.Encoding.UTF8.GetBytes(own.TruncateIdentifier);
        var cut = new byte[own.TruncateLines ? Math.Max(allowed.LogLineBytesMax, 0) : 0];
        foreach (ref readonly var entry in batch.Entries)
        {
            int from = entry.Stream;
            var line = batch.LineOf(entry);
            var metadata = batch.MetadataOf(entry);
            int bytes = line.Length + metadata.Length;
            if (streams[from] < 0)
            {
                Refuse(AppendErrorKind.BadData, from, MissingLabels, bytes);
                continue;
            }
            if (!own.StructuredMetadata && !metadata.IsEmpty)
            {
                Refuse(AppendErrorKind.BadData, from, DisallowedMetadata, bytes);
                continue;
            }
            if (own.TruncateLines && allowed.LogLineBytesMax > 0 && line.Length > allowed.LogLineBytesMax)
            {
                mutatedSamples.With("line_too_long", tenant.Name).Add(1);
                mutatedBytes.With("line_too_long", tenant.Name).Add(line.Length - allowed.LogLineBytesMax);
                line = Cut(line, identifier, cut);
                bytes = line.Length + metadata.Length;
            }
            if (buckets[from] is { } bucket && !bucket.TryTake(bytes, own.StreamBytesPerSecond, burst))
            {
                Refuse(AppendErrorKind.Limit, from, StreamRate, bytes);
                continue;
            }
            long at = entry.TimestampNs;
            if (own.IncrementDuplicateTimestamp && at <= last[from] && at >= last[from] - 1_000_000) at = last[from] + 1;
            last[from] = at;
            edited.AddEntry(streams[from], at, line, metadata);
        }
        var errors = new List<AppendError>();
        foreach (var ((stream, reason), (error, bytes)) in refused)
        {
            Count(tenant, reason, error.Samples, bytes);
            var labels = Labels.FromEncoded(batch.LabelsOf(stream));
            errors.Add(error with
            {
                Message = reason switch
                {
                    MissingLabels => $"missing required labels {MissingLabel(batch, stream, own)} for user {tenant} for stream {labels}",
                    DisallowedMetadata => $"stream '{labels}' includes structured metadata, but this feature is disallowed. Please see `limits_config.allow_structured_metadata` or contact your Loki administrator to enable it.",
                    _ => $"Per stream rate limit exceeded (limit: {Size(own.StreamBytesPerSecond)}/sec) while attempting to ingest for stream '{labels}' totaling {Size(bytes)}, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased",
                },
            });
        }
        return errors;

        void Refuse(AppendErrorKind kind, int stream, string reason, long bytes)
        {
            var before = refused.TryGetValue((stream, reason), out var known) ? known : (new AppendError(kind, reason, "", 0), 0);
            refused[(stream, reason)] = (before.Error with { Samples = before.Error.Samples + 1 }, before.Bytes + bytes);
        }
    }

    /// <summary>The enforced labels that a stream does not have, with commas; null where it has all.</summary>
    private static string? MissingLabel(LogBatch batch, int stream, LogLimits own)
    {
        if (own.EnforcedLabels.Count == 0) return null;
        var labels = Labels.FromEncoded(batch.LabelsOf(stream));
        string missing = string.Join(',', own.EnforcedLabels.Where(l => !labels.Has(l)));
        return missing.Length == 0 ? null : missing;
    }

    /// <summary>As much of the line as fits, whole characters, with the identifier at its end.</summary>
    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> line, ReadOnlySpan<byte> identifier, byte[] cut)
    {
        int keep = Math.Max(0, cut.Length - identifier.Length);
        while (keep > 0 && (line[keep] & 0xC0) == 0x80) keep--;
        line[..keep].CopyTo(cut);
        var end = identifier[..Math.Min(identifier.Length, cut.Length - keep)];
        end.CopyTo(cut.AsSpan(keep));
        return cut.AsSpan(0, keep + end.Length);
    }

    private void Count(TenantId tenant, string reason, long entries, long bytes)
    {
        discardedSamples.With(reason, tenant.Name).Add(entries);
        discardedBytes.With(reason, tenant.Name).Add(bytes);
    }

    private static long BytesOf(ReadOnlySpan<BatchLogEntry> entries)
    {
        long bytes = 0;
        foreach (ref readonly var entry in entries) bytes += entry.LineLength + entry.MetadataLength;
        return bytes;
    }

    /// <summary>Bytes in the largest unit that divides them, as Loki prints limits: <c>3MB</c>.</summary>
    private static string Size(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "KB", "MB", "GB", "TB"];
        int unit = 0;
        for (; bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < units.Length; unit++) bytes /= 1024;
        return bytes.ToString(CultureInfo.InvariantCulture) + units[unit];
    }
}
