using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>A series that a remote gave: its samples are here already.</summary>
internal sealed class RemoteSeries(Labels labels) : ISeries
{
    public Labels Labels => labels;

    /// <summary>What the remote gave. The buffers go with the series: queries outlive the reading.</summary>
    public SampleColumns Samples { get; } = new();

    public void Read(TimeRange range, SampleColumns into)
    {
        for (int i = 0; i < Samples.Count; i++) Copy(Samples, i, range, into);
    }

    /// <summary>Appends one sample where it is in the range.</summary>
    public static void Copy(SampleColumns from, int at, TimeRange range, SampleColumns into)
    {
        long timestampMs = from.Timestamps[at];
        if (!range.Contains(timestampMs)) return;
        if (from.HasHistograms && from.Histograms[at] is { } histogram) into.Add(timestampMs, histogram);
        else into.Add(timestampMs, from.Values[at]);
    }
}
