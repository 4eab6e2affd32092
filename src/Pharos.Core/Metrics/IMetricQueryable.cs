using System.Buffers;

namespace Pharos.Core;

/// <summary>What the reader will do with the samples, so that a store can skip work. Only a budget may end a query.</summary>
/// <param name="StepMs">Distance of evaluation steps, 0 for an instant query.</param>
/// <param name="Function">Name of the function or aggregation right around the selector, empty for none.</param>
/// <param name="RangeMs">Width of a range selector, 0 for none.</param>
/// <param name="Budget">What the whole query may still touch; null for no limit.</param>
/// <param name="Warn">Told where a part of what was asked for could not be read; null where nobody listens. Safe for several threads.</param>
public readonly record struct SelectHints(long StepMs, string Function, long RangeMs, QueryBudget? Budget = null, Action<string>? Warn = null)
{
    public static SelectHints None { get; } = new(0, "", 0);

    /// <summary>
    /// The only labels that the reader looks at; null for all. A store may then leave the others out of its series' label sets, so that
    /// several series have equal ones.
    /// </summary>
    public IReadOnlyList<string>? NeededLabels { get; init; }

    /// <summary>Series may come in any order that hangs on what the store holds alone.</summary>
    public bool AnyOrder { get; init; }
}

/// <summary>
/// Samples of one series in columns, oldest first, timestamps strictly rising (Unix milliseconds).
/// <see cref="Histograms"/> is empty where the series holds floats only; where it is not, index i is a histogram
/// sample if <c>Histograms[i]</c> is not null, and <c>Values[i]</c> has no meaning there.
/// Buffers are pooled: <see cref="Clear"/> to reuse, <see cref="Dispose"/> to give back.
/// </summary>
public sealed class SampleColumns : IDisposable
{
    private long[] timestamps = ArrayPool<long>.Shared.Rent(128);
    private double[] values = ArrayPool<double>.Shared.Rent(128);
    private Histogram?[] histograms = [];
    private long[] starts = [];
    private int count;

    public int Count => count;

    public ReadOnlySpan<long> Timestamps => timestamps.AsSpan(0, count);

    public ReadOnlySpan<double> Values => values.AsSpan(0, count);

    public ReadOnlySpan<Histogram?> Histograms => histograms.Length == 0 ? [] : histograms.AsSpan(0, count);

    public bool HasHistograms => histograms.Length > 0;

    /// <summary>When the counting of each sample began, Unix milliseconds, 0 for unknown; empty where no sample says so.</summary>
    public ReadOnlySpan<long> StartTimestamps => starts.Length == 0 ? [] : starts.AsSpan(0, count);

    /// <summary>Sets the start timestamp of the sample that was added last.</summary>
    public void SetStart(long startMs)
    {
        if (starts.Length == 0) starts = new long[timestamps.Length];
        starts[count - 1] = startMs;
    }

    public void Add(long timestampMs, double value)
    {
        if (count == timestamps.Length) Grow();
        timestamps[count] = timestampMs;
        values[count] = value;
        count++;
    }

    public void Add(long timestampMs, Histogram histogram)
    {
        if (histograms.Length == 0) histograms = new Histogram?[timestamps.Length];
        if (count == timestamps.Length) Grow();
        timestamps[count] = timestampMs;
        values[count] = 0;
        histograms[count] = histogram;
        count++;
    }

    /// <summary>Room for so many floats more, to be filled from the front; what is not counted by <see cref="Added"/> was never there.</summary>
    public void Reserve(int more, out Span<long> timestampsMs, out Span<double> floats)
    {
        while (count + more > timestamps.Length) Grow(count + more);
        timestampsMs = timestamps.AsSpan(count, more);
        floats = values.AsSpan(count, more);
    }

    /// <summary>So many of those reserved were filled.</summary>
    public void Added(int floats) => count += floats;

    public void Clear()
    {
        count = 0;
        histograms = [];
        starts = [];
    }

    public void Dispose()
    {
        Clear();
        if (timestamps.Length == 0) return;
        ArrayPool<long>.Shared.Return(timestamps);
        ArrayPool<double>.Shared.Return(values);
        timestamps = [];
        values = [];
    }

    private void Grow(int least = 128)
    {
        int size = Math.Max(least, count * 2);
        var largerTimestamps = ArrayPool<long>.Shared.Rent(size);
        var largerValues = ArrayPool<double>.Shared.Rent(Math.Max(size, largerTimestamps.Length));
        timestamps.AsSpan(0, count).CopyTo(largerTimestamps);
        values.AsSpan(0, count).CopyTo(largerValues);
        if (timestamps.Length > 0)
        {
            ArrayPool<long>.Shared.Return(timestamps);
            ArrayPool<double>.Shared.Return(values);
        }
        timestamps = largerTimestamps;
        values = largerValues;
        if (histograms.Length > 0) Array.Resize(ref histograms, timestamps.Length);
        if (starts.Length > 0) Array.Resize(ref starts, timestamps.Length);
    }
}

/// <summary>One selected series. Safe to read from any thread, one reader at a time.</summary>
public interface ISeries
{
    Labels Labels { get; }

    /// <summary>Appends the samples inside the range to <paramref name="into"/>, which the caller cleared. Stale markers are included.</summary>
    void Read(TimeRange range, SampleColumns into);
}

/// <summary>Selected series that hold pooled memory. Disposed of once none of them is read any more; their label sets stay.</summary>
public interface ISeriesList : IReadOnlyList<ISeries>, IDisposable
{
    /// <summary>Bytes of the label sets, those that series share counted once or, where they do not stand in a row, more often.</summary>
    long LabelBytes { get; }
}

/// <summary>Reads metrics: the store, a federated view over tenants, a remote.</summary>
public interface IMetricQueryable
{
    /// <summary>
    /// Series that match all matchers and may have samples in the range, sorted by labels unless the reader takes any order. Where it is an
    /// <see cref="ISeriesList"/> it is better disposed of.
    /// </summary>
    /// <exception cref="QueryException">A limit was passed, or the query was cancelled.</exception>
    IReadOnlyList<ISeries> Select(
        TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel);

    /// <summary>Label sets of series that match any of the matcher lists (an empty list of lists: all series), sorted.</summary>
    IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel);

    /// <summary>Names of labels, sorted. A limit of 0 means none.</summary>
    IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel);

    /// <summary>Values of one label, sorted. A limit of 0 means none.</summary>
    IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel);

    /// <summary>Metadata by metric family.</summary>
    IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit);

    /// <summary>Exemplars of the matching series inside the range, by series.</summary>
    IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel);
}

/// <summary>A trace or other reference beside a sample.</summary>
public sealed record Exemplar(long TimestampMs, double Value, Labels Labels);
