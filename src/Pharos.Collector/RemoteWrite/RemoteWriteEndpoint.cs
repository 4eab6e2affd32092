using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Discovery;
using Pharos.Collector.Queueing;
using Pharos.Collector.Relabeling;
using Pharos.Core;
using Pharos.Wire;
using Pharos.Wire.Compression;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.RemoteWrite;

/// <summary>
/// Reads the queue from its own position, spreads series over shards by their hash (so each series stays in order), and moves its position
/// over what the receiver has taken or refused.
/// </summary>
internal sealed class RemoteWriteEndpoint : IAsyncDisposable
{
    private const int DecodedBytesMax = 256 << 20;

    private readonly RemoteWriteEndpointOptions options;
    private readonly string name;
    private readonly Labels externalLabels;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly RemoteWriteInstruments metrics;
    private readonly HttpMessageHandler handler;
    private readonly HttpClient client;
    private readonly RecordLog log;
    private readonly PositionFile stored;
    private readonly RecordTracker tracker;
    private readonly RecordReader reader;
    private readonly RemoteWriteDecoder decoder = new();
    private readonly MetricBatch decoded = new();
    private readonly ByteMap<byte[]> relabelled = new();
    private readonly LabelsBuilder builder = new();
    private readonly Dictionary<string, MetricMetadata> metadata = new(StringComparer.Ordinal);
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource stopReading = new();
    private readonly CancellationTokenSource stopSending = new();
    private readonly Lock positionGate = new();
    private readonly RecordPosition backlogEnd;
    private readonly long started;
    private readonly Task reading;
    private readonly Task sendingMetadata;
    private List<RemoteWriteShard> shards = [];
    private volatile GivenUp givenUp = new(default, "");
    private int busyRounds;

    /// <param name="start">Where an endpoint begins that has no position yet: it gets what comes from then on.</param>
    public RemoteWriteEndpoint(
        RemoteWriteEndpointOptions options, string name, Labels externalLabels, RemoteWriteNaming naming, RecordLog log, RecordPosition start, string positionPath,
        HttpHandlerFactory http, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.name = name;
        this.externalLabels = externalLabels;
        this.log = log;
        this.time = time;
        this.logger = logger;
        metrics = new RemoteWriteInstruments(instruments, naming, name, Shown(options.Url));
        metrics.ShardsMax.Set(options.ShardsMax);
        metrics.ShardsMin.Set(options.ShardsMin);
        metrics.ShardCapacity.Set(options.Capacity);
        metrics.MaxSamplesPerSend.Set(options.SamplesPerSendMax);
        handler = http(options.Http);
        if (options.Cloud is { } cloud) handler = cloud.Around(handler, new DiscoveryContext(http, time, instruments, logger));
        client = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        stored = new PositionFile(positionPath);
        backlogEnd = log.End;
        started = time.GetTimestamp();
        // One that was here before goes on where it stopped.
        reader = new RecordReader(log, stored.Stored ?? start);
        tracker = new RecordTracker(reader.Position);
        stored.Store(reader.Position);
        StartShards(Math.Max(1, options.ShardsMin));
        reading = ReadAsync(stopReading.Token);
        sendingMetadata = options.SendMetadata && options.Version == RemoteWriteVersion.V1 ? SendMetadataAsync(stopReading.Token) : Task.CompletedTask;
    }

    /// <summary>Everything before it is sent, refused or given up.</summary>
    public RecordPosition Position => tracker.Done;

    /// <summary>Name and address: what tells its metrics from those of others.</summary>
    public (string, string) Identity => (name, Shown(options.Url));

    /// <summary>Takes its gauges away, because nothing of its name and address comes after it.</summary>
    public void EndGauges() => metrics.End();

    public void Wake() => wake.Writer.TryWrite(true);

    /// <summary>Gives up, and counts, every sample before a segment: those that wait in memory and those that are not read yet.</summary>
    /// <param name="written">When the youngest of them came.</param>
    public void GiveUpBefore(RecordPosition segment, DateTimeOffset written, string reason)
    {
        if (Position >= segment || givenUp.Before >= segment) return;
        givenUp = new GivenUp(segment, reason);
        RemoteWriteLog.GivenUp(logger, name, written, reason);
        Wake();
    }

    public async ValueTask DisposeAsync()
    {
        await stopReading.CancelAsync();
        await reading;
        await sendingMetadata;
        using (var patience = new CancellationTokenSource(options.DrainTimeout, time))
        {
            try
            {
                await FlushAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                // The rest stays on disk.
            }
        }
        await stopSending.CancelAsync();
        foreach (var shard in shards) await shard.DisposeAsync();
        StorePosition();
        stored.Dispose();
        reader.Dispose();
        decoded.Dispose();
        client.Dispose();
        handler.Dispose();
        stopReading.Dispose();
        stopSending.Dispose();
    }

    /// <summary>An address as it may be shown: no password, and no query, which may hold a key.</summary>
    private static string Shown(Uri url) => new UriBuilder(url) { UserName = "", Password = "" }.Uri.GetLeftPart(UriPartial.Path);

    private async Task ReadAsync(CancellationToken cancel)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                GiveUpUnread();
                int corruptions = reader.Corruptions;
                bool any = reader.TryRead(out var payload);
                if (reader.Corruptions > corruptions)
                {
                    metrics.Corruptions.Add(reader.Corruptions - corruptions);
                    RemoteWriteLog.Corrupt(logger, name);
                }
                if (any)
                {
                    await DistributeAsync(payload, cancel);
                    continue;
                }
                busyRounds = 0;
                await WaitAsync(cancel);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped; what was read and not sent is read again at the next start.
        }
    }

    /// <summary>Waits for the next record, or until a part-full batch must go.</summary>
    private async Task WaitAsync(CancellationToken cancel)
    {
        TimeSpan? due = null;
        foreach (var shard in shards)
        {
            if (shard.DueIn() is { } left && (due is null || left < due)) due = left;
        }
        if (due is { } wait)
        {
            using var timer = new CancellationTokenSource(wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1), time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
            try
            {
                await wake.Reader.ReadAsync(both.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // A deadline has come.
            }
            foreach (var shard in shards)
            {
                if (shard.DueIn() is { } left && left <= TimeSpan.Zero) await shard.CloseBatchAsync(cancel);
            }
        }
        else
        {
            await wake.Reader.ReadAsync(cancel);
        }
    }

    private async Task DistributeAsync(ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        var record = tracker.Begin(reader.Position);
        bool ambiguous = reader.Position <= backlogEnd || time.GetElapsedTime(started) < options.RepeatsAfterStart;
        if (!Decode(payload.Span))
        {
            metrics.Corruptions.Add(1);
            RemoteWriteLog.Corrupt(logger, name);
            LetGo(record);
            return;
        }
        foreach (var known in decoded.Metadata)
        {
            lock (metadata) metadata[known.Family] = known;
        }
        var finals = new byte[decoded.SeriesCount][];
        int droppedByRules = 0, tooOld = 0;
        for (int i = 0; i < finals.Length; i++) finals[i] = Final(decoded.LabelsOf(i));
        long oldestMs = options.SampleAgeLimit > TimeSpan.Zero ? time.UnixMs() - (long)options.SampleAgeLimit.TotalMilliseconds : long.MinValue;
        bool full = false;
        var starts = new StartCursor(decoded.Starts);
        var histogramStarts = new StartCursor(decoded.HistogramStarts);
        for (int i = 0; i < decoded.Samples.Length; i++)
        {
            var sample = decoded.Samples[i];
            if (ShardOf(sample.Series, sample.TimestampMs) is not { } shard) continue;
            shard.AddSample(record, finals[sample.Series], sample, starts.Of(i), ambiguous);
            if (!shard.HasFullBatch) continue;
            full |= !shard.HasRoom;
            await shard.CloseBatchAsync(cancel);
        }
        if (!options.SendNativeHistograms && decoded.Histograms.Count > 0) metrics.Dropped("native_histograms_off", decoded.Histograms.Count);
        for (int i = 0; options.SendNativeHistograms && i < decoded.Histograms.Count; i++)
        {
            var histogram = decoded.Histograms[i];
            if (ShardOf(histogram.Series, histogram.TimestampMs) is not { } shard) continue;
            shard.AddHistogram(record, finals[histogram.Series], histogram, histogramStarts.Of(i), ambiguous);
            if (!shard.HasFullBatch) continue;
            full |= !shard.HasRoom;
            await shard.CloseBatchAsync(cancel);
        }
        for (int i = 0; options.SendExemplars && i < decoded.Exemplars.Count; i++)
        {
            var exemplar = decoded.Exemplars[i];
            if (finals[exemplar.Series].Length > 0) ShardOf(exemplar.Series, long.MaxValue)?.AddExemplar(record, finals[exemplar.Series], exemplar, ambiguous);
        }
        if (droppedByRules > 0) metrics.Dropped("dropped_series", droppedByRules);
        if (tooOld > 0) metrics.Dropped("too_old", tooOld);
        metrics.Pending.Set(shards.Sum(s => s.Pending));
        LetGo(record);
        if (full && ++busyRounds >= 8) await GrowAsync(cancel);

        RemoteWriteShard? ShardOf(int series, long timestampMs)
        {
            if (finals[series].Length == 0)
            {
                droppedByRules++;
                return null;
            }
            if (timestampMs < oldestMs)
            {
                tooOld++;
                return null;
            }
            return shards[(int)(LabelCodec.Hash(finals[series]) % (ulong)shards.Count)];
        }
    }

    private bool Decode(ReadOnlySpan<byte> payload)
    {
        decoded.Clear();
        try
        {
            byte[] plain = SnappyBlock.Decode(payload, DecodedBytesMax, out int length);
            try
            {
                decoder.DecodeV1(plain.AsSpan(0, length), decoded, starts: true);
            }
            finally
            {
                System.Buffers.ArrayPool<byte>.Shared.Return(plain);
            }
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
    }

    /// <summary>External labels, then rules, then no internal labels. Empty: the series is not sent.</summary>
    private byte[] Final(ReadOnlySpan<byte> labels)
    {
        if (relabelled.TryGet(labels, out byte[]? known)) return known;
        builder.Reset(Labels.FromEncoded(labels));
        foreach (var (label, value) in externalLabels)
        {
            if (builder.Get(label).Length == 0) builder.Set(label, value);
        }
        byte[] final = [];
        if (RelabelRule.Apply(options.WriteRelabelRules, builder))
        {
            foreach (var (label, _) in builder.Pairs.ToArray())
            {
                if (label.StartsWith("__", StringComparison.Ordinal) && label != Labels.MetricName) builder.Remove(label);
            }
            final = builder.ToLabels().Encoded.ToArray();
        }
        if (relabelled.Count > 500_000) relabelled.Clear();
        relabelled.Add(labels, final);
        return final;
    }

    /// <summary>More shards where the receiver is slower than the graph; all batches are sent first, so that no series overtakes itself.</summary>
    private async Task GrowAsync(CancellationToken cancel)
    {
        busyRounds = 0;
        int wanted = Math.Min(options.ShardsMax, shards.Count * 2);
        metrics.ShardsDesired.Set(wanted);
        if (wanted == shards.Count) return;
        await FlushAsync(cancel);
        foreach (var shard in shards) await shard.DisposeAsync();
        StartShards(wanted);
    }

    private void StartShards(int count)
    {
        shards = [.. Enumerable.Range(0, count).Select(_ => new RemoteWriteShard(
            options, new RemoteWriteSender(client, options, name, time, metrics, logger), time, tracker, LetGo, ReasonToGiveUp, MetadataFor, stopSending.Token))];
        metrics.Shards.Set(count);
        metrics.ShardsDesired.Set(count);
    }

    private async Task FlushAsync(CancellationToken cancel)
    {
        foreach (var shard in shards) await shard.CloseBatchAsync(cancel);
        foreach (var shard in shards) await shard.EmptyAsync(cancel);
    }

    /// <summary>Reads what is given up only to count it.</summary>
    private void GiveUpUnread()
    {
        var (before, reason) = givenUp;
        if (reader.Position >= before) return;
        long samples = 0;
        while (reader.Position < before && reader.TryRead(out var payload))
        {
            if (Decode(payload.Span)) samples += decoded.Samples.Length + decoded.Histograms.Count;
        }
        metrics.Dropped(reason, samples);
        LetGo(tracker.Begin(reader.Position));
    }

    /// <summary>Why a record is given up; null where it is to be sent.</summary>
    private string? ReasonToGiveUp(RecordTracker.Record record) => givenUp is var (before, reason) && record.End <= before ? reason : null;

    private void LetGo(RecordTracker.Record record)
    {
        tracker.LetGo(record);
        StorePosition();
    }

    private void StorePosition()
    {
        lock (positionGate) stored.Store(tracker.Done);
    }

    /// <summary>Remote write 2 carries metadata beside the series.</summary>
    private void MetadataFor(MetricBatch batch)
    {
        if (options.Version == RemoteWriteVersion.V1 || !options.SendMetadata) return;
        lock (metadata) batch.Metadata.AddRange(metadata.Values);
    }

    private async Task SendMetadataAsync(CancellationToken cancel)
    {
        using var sender = new RemoteWriteSender(client, options, name, time, metrics, logger);
        using var batch = new MetricBatch();
        try
        {
            while (true)
            {
                await Task.Delay(options.MetadataInterval, time, cancel);
                List<MetricMetadata> all;
                lock (metadata) all = [.. metadata.Values];
                foreach (var part in all.Chunk(options.MetadataPerSendMax))
                {
                    batch.Clear();
                    batch.Metadata.AddRange(part);
                    await sender.SendAsync(batch, ambiguous: false, () => null, cancel);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    /// <param name="Before">The first record that is not given up starts here or later.</param>
    private sealed record GivenUp(RecordPosition Before, string Reason);
}
