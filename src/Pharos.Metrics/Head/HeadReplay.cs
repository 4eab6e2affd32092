using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// Puts the records of one tenant back into its head. Samples may come before their series' definition:
/// a checkpoint writes definitions anew at the end of the log, and what stood before it is deleted.
/// </summary>
internal sealed class HeadReplay(TenantHead head, CutMark mark, ILogger logger, long nowMs) : IRecordReader
{
    // Numbers of series that are in the table under another.
    private readonly Dictionary<int, MemSeries> others = [];
    private readonly Dictionary<int, MemSeries> nameless = [];
    private WriteLogPosition position;

    public long Samples { get; private set; }

    public void Read(WriteLogPosition at, ReadOnlySpan<byte> record)
    {
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
        if (head.Table.Find(LabelCodec.Hash(labels), labels) is { } same)
        {
            // The series left the head once and came back under a new number; samples of both numbers are one series'.
            others[id] = same;
            head.OtherNumbers.Add(new MemSeries(id, same.Labels));
            if (nameless.Remove(id, out var other)) Join(other, same);
            return;
        }
        if (!nameless.Remove(id, out var series)) series = new MemSeries(id, Labels.Empty);
        series.Labels = Labels.FromEncoded(labels);
        series.Logged = true;
        head.Table.Add(series);
        head.Index.Add(series);
    }

    public void Sample(int id, long timestampMs, double value)
    {
        if (IsInBlock(timestampMs)) return;
        Samples++;
        head.PutReplayed(Get(id), timestampMs, value, null, position);
    }

    public void Histogram(int id, long timestampMs, Histogram histogram)
    {
        if (IsInBlock(timestampMs)) return;
        Samples++;
        head.PutReplayed(Get(id), timestampMs, 0, histogram, position);
    }

    public void Exemplar(int id, Exemplar exemplar)
    {
        if ((head.Table.Get(id) ?? others.GetValueOrDefault(id)) is { } series) head.Exemplars.Add(series.Labels, exemplar);
    }

    public void Metadata(MetricMetadata metadata) => head.Metadata.Set(metadata);

    public void Deleted(int id, TimeRange range)
    {
        var series = Get(id);
        series.Deleted = Blocks.DeletedRanges.Add(series.Deleted, range);
    }

    /// <summary>Drops series that are empty, and reports those whose labels never came.</summary>
    public void Finish()
    {
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
        head.Index.Remove(empty);
        foreach (var one in empty) head.Table.Remove(one);
    }

    private void Join(MemSeries from, MemSeries into)
    {
        using var samples = new SampleColumns();
        from.Capture().ReadWithDeleted(samples);
        for (int i = 0; i < samples.Count; i++)
            head.PutReplayed(into, samples.Timestamps[i], samples.Values[i], samples.HasHistograms ? samples.Histograms[i] : null, position);
        foreach (var range in from.Deleted?.Ranges ?? []) into.Deleted = Blocks.DeletedRanges.Add(into.Deleted, range);
    }

    private bool IsInBlock(long timestampMs) => timestampMs < mark.BelowMs && position < mark.Applied;

    private MemSeries Get(int id)
    {
        if (head.Table.Get(id) is { } series) return series;
        if (others.TryGetValue(id, out series) || nameless.TryGetValue(id, out series)) return series;
        head.Table.SkipTo(id + 1);
        return nameless[id] = new MemSeries(id, Labels.Empty);
    }
}
