using System.Threading.Channels;
using Pharos.Collector.Queueing;
using Pharos.Core;

namespace Pharos.Collector.RemoteWrite;

/// <summary>
/// Gathers samples of its series into batches and sends one batch after the other. Only the endpoint's reader adds and closes;
/// sending runs beside it.
/// </summary>
internal sealed class RemoteWriteShard : IAsyncDisposable
{
    private readonly RemoteWriteEndpointOptions options;
    private readonly RemoteWriteSender sender;
    private readonly TimeProvider time;
    private readonly RecordTracker tracker;
    private readonly Action<RecordTracker.Record> letGo;
    private readonly Func<RecordTracker.Record, string?> reasonToGiveUp;
    private readonly Action<MetricBatch> addMetadata;
    private readonly Channel<Batch> queue;
    private readonly Task sending;
    private Batch building = new();
    private int unsent;

    public RemoteWriteShard(
        RemoteWriteEndpointOptions options, RemoteWriteSender sender, TimeProvider time, RecordTracker tracker,
        Action<RecordTracker.Record> letGo, Func<RecordTracker.Record, string?> reasonToGiveUp, Action<MetricBatch> addMetadata, CancellationToken stop)
    {
        this.options = options;
        this.sender = sender;
        this.time = time;
        this.tracker = tracker;
        this.letGo = letGo;
        this.reasonToGiveUp = reasonToGiveUp;
        this.addMetadata = addMetadata;
        queue = Channel.CreateBounded<Batch>(Math.Max(1, options.Capacity / Math.Max(1, options.SamplesPerSendMax)));
        sending = SendAsync(stop);
    }

    public bool HasFullBatch => building.Samples >= options.SamplesPerSendMax;

    /// <summary>False where a closed batch would have to wait.</summary>
    public bool HasRoom => queue.Reader.Count < Math.Max(1, options.Capacity / Math.Max(1, options.SamplesPerSendMax));

    /// <summary>Samples that wait in memory.</summary>
    public int Pending => building.Samples + Volatile.Read(ref unsent);

    /// <summary>Time until the batch being built must go; null where it is empty.</summary>
    public TimeSpan? DueIn() => building.Records.Count == 0 ? null : options.BatchSendDeadline - time.GetElapsedTime(building.Started);

    public void AddSample(RecordTracker.Record record, byte[] labels, in BatchSample sample, long startMs, bool ambiguous)
    {
        Join(record, ambiguous);
        building.Content.AddSample(building.Place(labels), sample.TimestampMs, sample.Value);
        building.Content.AddSampleStart(startMs);
    }

    public void AddHistogram(RecordTracker.Record record, byte[] labels, in BatchHistogram histogram, long startMs, bool ambiguous)
    {
        Join(record, ambiguous);
        building.Content.AddHistogram(building.Place(labels), histogram.TimestampMs, histogram.Histogram);
        building.Content.AddHistogramStart(startMs);
    }

    public void AddExemplar(RecordTracker.Record record, byte[] labels, BatchExemplar exemplar, bool ambiguous)
    {
        Join(record, ambiguous);
        building.Content.Exemplars.Add(exemplar with { Series = building.Place(labels) });
    }

    /// <summary>Hands the batch being built to the sending side; waits where that is full.</summary>
    public async ValueTask CloseBatchAsync(CancellationToken cancel)
    {
        if (building.Records.Count == 0) return;
        var closed = building;
        await queue.Writer.WaitToWriteAsync(cancel);
        building = new Batch();
        Interlocked.Add(ref unsent, closed.Samples);
        await queue.Writer.WriteAsync(closed, CancellationToken.None);
    }

    /// <summary>Completes when all closed batches are sent or refused.</summary>
    public async Task EmptyAsync(CancellationToken cancel)
    {
        var marker = new Batch { Emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) };
        await queue.Writer.WriteAsync(marker, cancel);
        await marker.Emptied.Task.WaitAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await sending;
        sender.Dispose();
        building.Content.Dispose();
    }

    private void Join(RecordTracker.Record record, bool ambiguous)
    {
        if (building.Records.Count == 0) building.Started = time.GetTimestamp();
        building.Ambiguous |= ambiguous;
        if (building.Records.Count > 0 && ReferenceEquals(building.Records[^1], record)) return;
        building.Records.Add(record);
        tracker.Hold(record);
    }

    private async Task SendAsync(CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            await foreach (var batch in queue.Reader.ReadAllAsync(stop))
            {
                if (batch.Emptied is { } emptied)
                {
                    emptied.SetResult();
                    batch.Content.Dispose();
                    continue;
                }
                addMetadata(batch.Content);
                await sender.SendAsync(batch.Content, batch.Ambiguous, () => reasonToGiveUp(batch.Records[^1]), stop);
                Interlocked.Add(ref unsent, -batch.Samples);
                batch.Content.Dispose();
                foreach (var record in batch.Records) letGo(record);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped: what is left is still on disk.
        }
    }

    private sealed class Batch
    {
        private readonly Dictionary<byte[], int> places = new(ReferenceEqualityComparer.Instance);

        public MetricBatch Content { get; } = new();
        public List<RecordTracker.Record> Records { get; } = [];
        public long Started { get; set; }
        public bool Ambiguous { get; set; }
        public TaskCompletionSource? Emptied { get; init; }
        public int Samples => Content.Samples.Length + Content.Histograms.Count;

        /// <summary>Label bytes come from the endpoint's cache, one array for each series.</summary>
        public int Place(byte[] labels)
        {
            if (!places.TryGetValue(labels, out int place)) places[labels] = place = Content.AddSeries(labels);
            return place;
        }
    }
}
