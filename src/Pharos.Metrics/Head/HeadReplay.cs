using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// Puts the records of one tenant back into its head. Samples may come before their series' definition:
/// a checkpoint writes definitions anew at the end of the log, and what stood before it is deleted.
/// </summary>
internal sealed class HeadReplay : IRecordReader
{
    private readonly TenantHead head;
    private readonly CutMark mark;
    private readonly SnapshotPlaces? loaded;
    private readonly ILogger logger;
    private readonly long nowMs;

    // Numbers of series that are in the table under another.
    private readonly Dictionary<int, MemSeries> others = [];
    private readonly Dictionary<int, MemSeries> nameless = [];
    private readonly ReplayWorkers workers;
    private readonly ReplayLane[] lanes;
    private WriteLogPosition position;
    private bool mayBeLoaded;

    /// <param name="loaded">What a snapshot brought into the head already; null for nothing.</param>
    /// <param name="workers">Who puts the samples into their series.</param>
    public HeadReplay(TenantHead head, CutMark mark, SnapshotPlaces? loaded, ReplayWorkers workers, ILogger logger, long nowMs)
    {
        this.workers = workers;
        lanes = [.. Enumerable.Range(0, workers.Count).Select(_ => new ReplayLane(head, head.MinValidMs, logger))];
        this.head = head;
        this.mark = mark;
        this.loaded = loaded;
        this.logger = logger;
        this.nowMs = nowMs;
        foreach (var other in head.OtherNumbers)
        {
            if (head.Table.Find(other.Labels.Hash, other.Labels.Encoded) is { } same) others[other.Id] = same;
        }
    }

    public long Samples { get; private set; }

    public void Read(WriteLogPosition at, ReadOnlySpan<byte> record)
    {
        if (loaded is not null && at < loaded.First) return;
        mayBeLoaded = loaded is not null && at < loaded.Last;
        position = at;
        head.Replayed(at, nowMs);
        try
        {
            MetricRecord.Read(record, this);
        }
        catch (Exception wrong) when (wrong is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            MetricsLog.BadRecord(logger, at.Segment, at.Offset, head.Tenant.Name, wrong.Message);
        }
    }

    public void Definition(int id, ReadOnlySpan<byte> labels)
    {
        head.Table.SkipTo(id + 1);
        if (head.Table.Get(id) is not null || others.ContainsKey(id)) return;
        ulong hash = LabelCodec.Hash(labels);
        if (head.Table.Find(hash, labels) is { } same)
        {
            // The series left the head once and came back under a new number; samples of both numbers are one series'.
            others[id] = same;
            head.OtherNumbers.Add(new LoggedSeries(id, head.LabelsOf(same)));
            if (nameless.Remove(id, out var other)) Join(other, same);
            return;
        }
        if (!nameless.Remove(id, out var series)) series = new MemSeries(id, []);
        series.Pairs = head.Index.Add(id, labels);
        series.Logged = true;
        head.Table.Add(series, hash);
    }

    public void Sample(int id, long timestampMs, double value)
    {
        if (IsInBlock(timestampMs) || IsLoaded(id)) return;
        Samples++;
        var series = Get(id, out int number);
        Put(number, new ReplayedSample(series, timestampMs, value, null));
    }

    public void Histogram(int id, long timestampMs, Histogram histogram)
    {
        if (IsInBlock(timestampMs) || IsLoaded(id)) return;
        Samples++;
        var series = Get(id, out int number);
        Put(number, new ReplayedSample(series, timestampMs, 0, new ReplayedHistogram(histogram, position)));
    }

    public void Exemplar(int id, Exemplar exemplar)
    {
        if (!mayBeLoaded && (head.Table.Get(id) ?? others.GetValueOrDefault(id)) is { } series) head.Exemplars.Add(head.LabelsOf(series), exemplar);
    }

    public void Metadata(MetricMetadata metadata) => head.Metadata.Set(metadata);

    public void Deleted(int id, TimeRange range)
    {
        if (IsLoaded(id)) return;
        var series = Get(id, out _);
        Settle();
        series.Deleted = Blocks.DeletedRanges.Add(series.Deleted, range);
    }

    public void Left(IReadOnlyList<int> ids)
    {
        // A snapshot was taken without them, and may know one of them again under a new number.
        if (mayBeLoaded) return;
        Settle();
        foreach (int id in ids)
        {
            if ((head.Table.Get(id) ?? others.GetValueOrDefault(id) ?? nameless.GetValueOrDefault(id)) is { } series) lanes[workers.Of(series.Id)].Writer.Chunks -= series.Empty();
        }
    }

    /// <summary>Drops series that are empty, and reports those whose labels never came.</summary>
    public void Finish()
    {
        Settle();
        foreach (var lane in lanes) head.TakeOver(lane.Writer, lane.Arena);
        long lost = 0;
        int series = 0;
        using var columns = new SampleColumns();
        foreach (var one in nameless.Values.Where(s => s.HasSamples))
        {
            columns.Clear();
            one.Capture().Read(TimeRange.All, columns);
            lost += columns.Count;
            series++;
        }
        if (lost > 0) MetricsLog.NamelessSeries(logger, lost, series, head.Tenant.Name);
        head.ReplayedTo = head.AppliedTo;
        var empty = head.Table.All().Where(s => !s.HasSamples).ToList();
        foreach (var one in empty) head.Table.Remove(one);
        head.Index.Remove(empty);
    }

    /// <param name="number">The series' own, which is not read from it here: another thread works on it, and one look for each sample was a tenth of the start.</param>
    private void Put(int number, in ReplayedSample sample)
    {
        head.Learn(sample.TimestampMs, position);
        int worker = workers.Of(number);
        var lane = lanes[worker];
        var batch = lane.Filling ??= workers.Rent(lane);
        batch.Add(sample);
        if (!batch.IsFull) return;
        lane.Filling = null;
        workers.Send(worker, batch);
    }

    /// <summary>Waits until all samples so far are in their series.</summary>
    private void Settle()
    {
        for (int worker = 0; worker < lanes.Length; worker++)
        {
            if (lanes[worker].Filling is not { } batch) continue;
            lanes[worker].Filling = null;
            workers.Send(worker, batch);
        }
        workers.Wait();
    }

    private void Join(MemSeries from, MemSeries into)
    {
        Settle();
        using var samples = new SampleColumns();
        from.Capture().ReadWithDeleted(samples);
        for (int i = 0; i < samples.Count; i++)
        {
            var histogram = samples.HasHistograms ? samples.Histograms[i] : null;
            Put(into.Id, new ReplayedSample(into, samples.Timestamps[i], samples.Values[i], histogram is null ? null : new ReplayedHistogram(histogram, position)));
        }
        Settle();
        foreach (var range in from.Deleted?.Ranges ?? []) into.Deleted = Blocks.DeletedRanges.Add(into.Deleted, range);
    }

    private bool IsInBlock(long timestampMs) => timestampMs < mark.BelowMs && position < mark.Applied;

    private bool IsLoaded(int id) => mayBeLoaded && loaded!.Holds(id, position);

    /// <param name="number">Its own number: another one where it came back under a new one.</param>
    private MemSeries Get(int id, out int number)
    {
        number = id;
        if (head.Table.Get(id) is { } series || nameless.TryGetValue(id, out series)) return series;
        if (others.TryGetValue(id, out series))
        {
            number = series.Id;
            return series;
        }
        head.Table.SkipTo(id + 1);
        return nameless[id] = new MemSeries(id, []);
    }
}
