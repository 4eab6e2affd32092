using Pharos.Core;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Append;

internal enum TicketState
{
    Waiting,
    Durable,
    Failed,
}

/// <summary>
/// One request on its way: what passed the checks, until the write log has it and it was put into its series.
/// Tickets of one series are applied in the order in which they were checked, so it never sees its samples swapped.
/// </summary>
internal sealed class AppendTicket
{
    private PreparedSample[] samples = new PreparedSample[256];
    private MemSeries?[] resolved = new MemSeries?[256];
    private string?[] refused = [];

    public int SampleCount { get; private set; }

    public ReadOnlySpan<PreparedSample> Samples => samples.AsSpan(0, SampleCount);

    public List<PreparedHistogram> Histograms { get; } = [];
    public List<PreparedExemplar> Exemplars { get; } = [];
    public List<MetricMetadata> Metadata { get; } = [];
    public List<MemSeries> Definitions { get; } = [];
    public AppendErrors Errors { get; } = new();

    /// <summary>Whether every series of the request that was not found is to be refused: the head is full.</summary>
    public bool OnlyKnown { get; set; }

    public ByteBuffer Record { get; } = new(16 << 10);

    /// <summary>Accepted samples, those that were already there among them.</summary>
    public long Floats { get; set; }
    public long HistogramCount { get; set; }
    public long ExemplarCount { get; set; }

    /// <summary>The locks of the head under which it was checked and is put into its series.</summary>
    public ulong Stripes { get; set; }

    public TicketState State { get; set; }
    public WriteLogPosition Position { get; set; }

    /// <summary>Whether it is in its series; settled when all before it are, too.</summary>
    public bool Applied { get; set; }
    public bool Settled { get; set; }
    public TaskCompletionSource? Done { get; set; }

    public bool IsEmpty => SampleCount == 0 && Histograms.Count == 0 && Exemplars.Count == 0 && Metadata.Count == 0;

    /// <summary>Series of the request by its index; null where not looked up yet.</summary>
    public Span<MemSeries?> Resolved(int count)
    {
        if (resolved.Length < count) resolved = new MemSeries?[Math.Max(count, resolved.Length * 2)];
        return resolved.AsSpan(0, count);
    }

    /// <summary>Notes why a series of the request was refused.</summary>
    public void Refuse(int series, string code)
    {
        if (refused.Length < resolved.Length) refused = new string?[resolved.Length];
        refused[series] = code;
    }

    /// <summary>Why a series of the request, which was refused, was that.</summary>
    public string WhyRefused(int series) => refused[series]!;

    public void Add(in PreparedSample sample)
    {
        if (SampleCount == samples.Length) Array.Resize(ref samples, SampleCount * 2);
        samples[SampleCount++] = sample;
    }

    /// <summary>Ready for another request. False where its buffers are too large to keep.</summary>
    public bool Reset()
    {
        Array.Clear(samples, 0, SampleCount);
        Array.Clear(resolved);
        SampleCount = 0;
        Histograms.Clear();
        Exemplars.Clear();
        Metadata.Clear();
        Definitions.Clear();
        Errors.Clear();
        OnlyKnown = false;
        Record.Clear();
        Floats = HistogramCount = ExemplarCount = 0;
        State = TicketState.Waiting;
        Applied = Settled = false;
        Done = null;
        return Record.Capacity <= 4 << 20 && samples.Length <= 1 << 17;
    }
}
