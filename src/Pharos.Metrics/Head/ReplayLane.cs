using Microsoft.Extensions.Logging;

namespace Pharos.Metrics.Head;

/// <summary>The series of one head that belong to one worker of a replay.</summary>
internal sealed class ReplayLane(TenantHead head, long minValidMs, ILogger logger)
{
    private bool keeps;

    /// <summary>The batch that is being filled; null for none.</summary>
    public ReplayBatch? Filling { get; set; }

    public SeriesWriter Writer { get; } = head.NewWriter();

    /// <summary>Takes the chunks that are finished.</summary>
    public ChunkArena Arena { get; } = new();

    public void Put(ReadOnlySpan<ReplayedSample> samples)
    {
        foreach (ref readonly var sample in samples)
        {
            if (sample.Histogram is null) Writer.Put(sample.Series, sample.TimestampMs, sample.Value, null, minValidMs, Arena);
            else Put(sample, sample.Histogram);
        }
        if (keeps || Arena.WaitingBytes < head.ChunkBytesDue) return;
        try
        {
            head.WriteChunks(Arena);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // They stay in memory; once the store runs it is tried again.
            keeps = true;
            MetricsLog.HeadChunksNotWritten(logger, head.Tenant.Name, failure.Message);
        }
    }

    /// <summary>Only a checksum vouched for a histogram's spans and buckets.</summary>
    private void Put(in ReplayedSample sample, ReplayedHistogram replayed)
    {
        try
        {
            Writer.Put(sample.Series, sample.TimestampMs, 0, replayed.Histogram, minValidMs, Arena);
        }
        catch (Exception wrong) when (wrong is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            MetricsLog.BadRecord(logger, replayed.At.Segment, replayed.At.Offset, head.Tenant.Name, wrong.Message);
        }
    }
}
