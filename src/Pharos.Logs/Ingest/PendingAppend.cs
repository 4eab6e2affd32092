using System.Text;
using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Ingest;

/// <summary>
/// One push on its way: checks each stream and entry against the tenant's limits, and writes what may stay as a record.
/// Source of texts and reasons: Loki's distributor.
/// </summary>
internal sealed class PendingAppend(LogStoreOptions options, LogInstruments instruments, TenantLogs logs, TenantLimits limits, long nowNs) : IDisposable
{
    /// <summary>What an entry mostly takes in the record besides its line and the sender's metadata: numbers and the level.</summary>
    private const int EntryBytes = 40;

    /// <summary>Errors of one push that name their stream; beyond them the first of a kind stands for the others.</summary>
    private const int ErrorsMax = 100;

    /// <summary>In place of a stream's number: the first error of a kind.</summary>
    private const int First = -2;

    private readonly PooledBuffer record = new();
    private readonly PooledBuffer metadata = new();
    private readonly List<AppendError> errors = [];
    private readonly Dictionary<(int Stream, string Code), int> errorOf = [];

    /// <summary>Streams of the record, by its numbers.</summary>
    public List<LogStream> Streams { get; } = [];

    public int EntriesAt { get; private set; }

    public long Entries { get; private set; }

    /// <summary>Bytes of lines and of the sender's metadata that were taken.</summary>
    public long Bytes { get; private set; }

    public ReadOnlyMemory<byte> Record => record.Memory;

    public IReadOnlyList<AppendError> Errors => errors;

    /// <summary>Checks and encodes the batch.</summary>
    public void Prepare(LogBatch batch)
    {
        if (IsOverRate(batch)) return;
        var aliases = new StreamAlias?[batch.StreamCount];
        var numbers = new int[batch.StreamCount];
        var sizes = Sizes(batch);
        for (int s = 0; s < aliases.Length; s++)
        {
            if (sizes[s].Entries == 0) continue;
            aliases[s] = Resolve(batch, s, sizes[s].Entries, sizes[s].Bytes);
            if (aliases[s] is not { } alias) continue;
            numbers[s] = Streams.Count;
            Streams.Add(alias.Stream);
        }
        LogRecord.WriteStreams(record, Streams.ConvertAll(s => s.Labels));
        EntriesAt = record.Length;
        long lineBytes = 0;
        foreach (ref readonly var entry in batch.Entries) lineBytes += entry.LineLength + entry.MetadataLength;
        record.GetSpan((int)Math.Min(Array.MaxLength - EntriesAt, lineBytes + ((long)EntryBytes * batch.Entries.Length)));
        long last = 0;
        long oldest = options.RejectOldEntries && limits.Logs.RejectOld && limits.LogAgeMax > TimeSpan.Zero ? nowNs - (limits.LogAgeMax.Ticks * 100) : long.MinValue;
        long newest = limits.CreationGracePeriod > TimeSpan.Zero ? nowNs + (limits.CreationGracePeriod.Ticks * 100) : long.MaxValue;
        foreach (ref readonly var entry in batch.Entries)
        {
            if (aliases[entry.Stream] is not { } alias) continue;
            var line = batch.LineOf(entry);
            var own = batch.MetadataOf(entry);
            if (!MayStay(entry, alias.Stream, line, own, oldest, newest)) continue;
            LogRecord.WriteEntry(record, numbers[entry.Stream], entry.TimestampNs - last, line, WithLevel(alias, line, own));
            last = entry.TimestampNs;
            Entries++;
            Bytes += line.Length + own.Length;
        }
        string tenant = logs.Tenant.Name;
        instruments.LinesReceived.With(tenant).Add(batch.Entries.Length);
        instruments.BytesReceived.With(tenant).Add(Bytes);
    }

    public void Dispose()
    {
        record.Dispose();
        metadata.Dispose();
    }

    /// <summary>By stream.</summary>
    private static (int Entries, long Bytes)[] Sizes(LogBatch batch)
    {
        var sizes = new (int Entries, long Bytes)[batch.StreamCount];
        foreach (ref readonly var entry in batch.Entries)
        {
            ref var size = ref sizes[entry.Stream];
            size = (size.Entries + 1, size.Bytes + entry.LineLength + entry.MetadataLength);
        }
        return sizes;
    }

    private bool IsOverRate(LogBatch batch)
    {
        if (limits.LogBytesPerSecond <= 0) return false;
        long bytes = 0;
        foreach (ref readonly var entry in batch.Entries) bytes += entry.LineLength + entry.MetadataLength;
        double burst = limits.LogBurstBytes > 0 ? limits.LogBurstBytes : limits.LogBytesPerSecond;
        if (logs.Rate.TryTake(bytes, limits.LogBytesPerSecond, burst)) return false;
        Discard(AppendErrorKind.Limit, -1, "rate_limited", batch.Entries.Length, bytes,
            $"ingestion rate limit exceeded for user {logs.Tenant} (limit: {limits.LogBytesPerSecond:0} bytes/sec) while attempting to ingest '{batch.Entries.Length}' lines totaling '{bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased");
        return true;
    }

    private StreamAlias? Resolve(LogBatch batch, int number, int entries, long bytes)
    {
        var sender = batch.LabelsOf(number);
        if (logs.FindAlias(sender) is { } alias) return alias;
        var labels = Labels.FromEncoded(sender);
        if (CheckLabels(labels) is var (code, message))
        {
            Discard(AppendErrorKind.BadData, number, code, entries, bytes, message);
            return null;
        }
        var stored = WithServiceName(labels);
        if (limits.StreamsMax > 0 && logs.ActiveStreams >= limits.StreamsMax && !logs.Has(stored))
        {
            const string reason = "stream_limit";
            if (!Count(number, reason, entries, bytes)) Discard(AppendErrorKind.Limit, number, reason, entries,
                $"maximum active stream limit exceeded when trying to create stream {labels}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: '{logs.Tenant}'");
            return null;
        }
        alias = logs.AddAlias(sender, stored, out bool isNew);
        if (isNew) instruments.StreamsCreated.With(logs.Tenant.Name).Add(1);
        return alias;
    }

    private (string Code, string Message)? CheckLabels(Labels labels)
    {
        if (labels.IsEmpty) return ("missing_labels", "error at least one label pair is required per stream");
        int count = labels.Count;
        if (limits.LogLabelNamesMax > 0 && count - (labels.Has("service_name") ? 1 : 0) > limits.LogLabelNamesMax)
            return ("max_label_names_per_series", $"entry for stream '{labels}' has {count} label names; limit {limits.LogLabelNamesMax}");
        foreach (var label in labels)
        {
            if (label.NameUtf8.SequenceEqual("__backfill__"u8) || label.NameUtf8.SequenceEqual("__backfill_shard__"u8)) return ("invalid_labels", $"stream '{labels}' has the label '{label.Name}', which is reserved");
            if (limits.LabelNameBytesMax > 0 && label.NameUtf8.Length > limits.LabelNameBytesMax)
                return ("label_name_too_long", $"stream '{labels}' has label name too long: '{label.Name}'");
            if (limits.LabelValueBytesMax > 0 && label.ValueUtf8.Length > limits.LabelValueBytesMax)
                return ("label_value_too_long", $"stream '{labels}' has label value too long: '{label.Value}'");
        }
        return null;
    }

    private Labels WithServiceName(Labels labels)
    {
        if (options.ServiceNameLabels.Count == 0 || labels.Has("service_name")) return labels;
        foreach (string name in options.ServiceNameLabels)
        {
            if (labels.TryGetValue(name, out string? value)) return labels.With("service_name", value);
        }
        return labels.With("service_name", "unknown_service");
    }

    private bool MayStay(in BatchLogEntry entry, LogStream stream, ReadOnlySpan<byte> line, ReadOnlySpan<byte> own, long oldest, long newest)
    {
        int size = line.Length + own.Length;
        if (entry.TimestampNs < oldest)
        {
            Discard(AppendErrorKind.BadData, entry.Stream, "greater_than_max_sample_age", 1, size,
                static (e, s, o, _) => $"entry for stream '{s.Labels}' has timestamp too old: {Show(e.TimestampNs)}, oldest acceptable timestamp is: {Show(o)}", entry, stream, oldest);
            return false;
        }
        if (entry.TimestampNs > newest)
        {
            Discard(AppendErrorKind.BadData, entry.Stream, "too_far_in_future", 1, size,
                static (e, s, _, _) => $"entry for stream '{s.Labels}' has timestamp too new: {Show(e.TimestampNs)}", entry, stream, 0);
            return false;
        }
        if (limits.LogLineBytesMax > 0 && line.Length > limits.LogLineBytesMax)
        {
            Discard(AppendErrorKind.BadData, entry.Stream, "line_too_long", 1, size,
                static (e, s, _, l) => $"max entry size '{l.LogLineBytesMax}' bytes exceeded for stream '{s.Labels}' while adding an entry with length '{e.LineLength}' bytes", entry, stream, 0);
            return false;
        }
        if (own.IsEmpty) return true;
        if (limits.LogMetadataBytesMax > 0 && own.Length > limits.LogMetadataBytesMax)
        {
            Discard(AppendErrorKind.BadData, entry.Stream, "structured_metadata_too_large", 1, size,
                static (e, s, _, l) => $"stream '{s.Labels}' has structured metadata too large: '{e.MetadataLength}' bytes, limit: '{l.LogMetadataBytesMax}' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it.", entry, stream, 0);
            return false;
        }
        if (limits.LogMetadataEntriesMax > 0 && own.Length > limits.LogMetadataEntriesMax && CountPairs(own) > limits.LogMetadataEntriesMax)
        {
            Discard(AppendErrorKind.BadData, entry.Stream, "structured_metadata_too_many", 1, size,
                static (_, s, _, l) => $"stream '{s.Labels}' has too many structured metadata labels, limit: '{l.LogMetadataEntriesMax}'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it.", entry, stream, 0);
            return false;
        }
        return true;
    }

    /// <summary>The entry's metadata with its level put in at the place that the order of names asks for.</summary>
    private ReadOnlySpan<byte> WithLevel(StreamAlias alias, ReadOnlySpan<byte> line, ReadOnlySpan<byte> own)
    {
        if (!options.DiscoverLevels || !limits.Logs.DetectLevels) return own;
        var level = LevelDetector.Detect(alias.Level, own, line);
        var name = LevelDetector.LabelName;
        metadata.Clear();
        int from = 0, to = own.Length, at = 0;
        for (; at < own.Length;)
        {
            int pairAt = at;
            int order = LabelCodec.ReadString(own, ref at).SequenceCompareTo(name);
            LabelCodec.ReadString(own, ref at);
            if (order < 0) from = at;
            else
            {
                to = order == 0 ? at : pairAt;
                break;
            }
        }
        if (at >= own.Length && from == own.Length) to = own.Length;
        metadata.Append(own[..from]);
        var room = metadata.GetSpan(LabelCodec.SizeOf(name.Length) + LabelCodec.SizeOf(level.Length));
        int written = LabelCodec.WriteString(room, name);
        written += LabelCodec.WriteString(room[written..], level);
        metadata.Advance(written);
        metadata.Append(own[to..]);
        return metadata.Span;
    }

    private void Discard(
        AppendErrorKind kind, int stream, string code, int entries, long bytes,
        Func<BatchLogEntry, LogStream, long, TenantLimits, string> message, in BatchLogEntry entry, LogStream of, long bound)
    {
        if (Count(stream, code, entries, bytes)) return;
        Discard(kind, stream, code, entries, message(entry, of, bound, limits));
    }

    private void Discard(AppendErrorKind kind, int stream, string code, int entries, long bytes, string message)
    {
        if (!Count(stream, code, entries, bytes)) Discard(kind, stream, code, entries, message);
    }

    private void Discard(AppendErrorKind kind, int stream, string code, int entries, string message)
    {
        errorOf[(stream, code)] = errors.Count;
        errorOf.TryAdd((First, code), errors.Count);
        errors.Add(new AppendError(kind, code, message, entries));
    }

    /// <summary>Counts; true where an error stands for this one too: of its stream and kind, or, where there are many, the first of its kind.</summary>
    private bool Count(int stream, string code, int entries, long bytes)
    {
        instruments.DiscardedSamples.With(code, logs.Tenant.Name).Add(entries);
        instruments.DiscardedBytes.With(code, logs.Tenant.Name).Add(bytes);
        if (!errorOf.TryGetValue((stream, code), out int at) && (errors.Count < ErrorsMax || !errorOf.TryGetValue((First, code), out at))) return false;
        errors[at] = errors[at] with { Samples = errors[at].Samples + entries };
        return true;
    }

    private static int CountPairs(ReadOnlySpan<byte> canonical)
    {
        int pairs = 0;
        for (int at = 0; at < canonical.Length; pairs++)
        {
            LabelCodec.ReadString(canonical, ref at);
            LabelCodec.ReadString(canonical, ref at);
        }
        return pairs;
    }

    private static string Show(long timestampNs) => UnixTime.FromNs(timestampNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
