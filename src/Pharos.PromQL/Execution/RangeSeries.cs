using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Windows of a range expression: at step i the samples in (<c>Times.At(i) - RangeMs</c>, <c>Times.At(i)</c>].</summary>
internal readonly record struct WindowSpec(long RangeMs, Grid Times, BorderMode Borders);

/// <summary>Samples of one series under a range function, without stale markers. One object serves all series of a selector in turn.</summary>
internal sealed class RangeSeries
{
    private long[] timestamps = [];
    private double[] values = [];
    private Histogram?[] histograms = [];
    private long[] starts = [];

    public Labels Labels { get; private set; } = Labels.Empty;
    public bool DropName { get; private set; }
    public int Count { get; private set; }

    /// <summary>Some sample is a histogram.</summary>
    public bool HasHistograms { get; private set; }

    /// <summary>Some sample is a float.</summary>
    public bool HasFloats { get; private set; }

    public bool HasStarts { get; private set; }

    public ReadOnlySpan<long> Timestamps => timestamps.AsSpan(0, Count);
    public ReadOnlySpan<double> Values => values.AsSpan(0, Count);
    public ReadOnlySpan<Histogram?> Histograms => HasHistograms ? histograms.AsSpan(0, Count) : [];
    public ReadOnlySpan<long> Starts => HasStarts ? starts.AsSpan(0, Count) : [];

    public void Take(Labels labels, SampleColumns samples, ReadOnlySpan<Histogram?> h, bool withStarts)
    {
        Labels = labels;
        DropName = false;
        Count = 0;
        HasHistograms = false;
        HasFloats = false;
        var t = samples.Timestamps;
        var v = samples.Values;
        var s = withStarts ? samples.StartTimestamps : [];
        HasStarts = !s.IsEmpty;
        Grow(t.Length, samples.HasHistograms, HasStarts);
        if (h.IsEmpty && !HasStarts && !MemoryMarshal.Cast<double, long>(v).Contains(SampleValue.StaleBits))
        {
            t.CopyTo(timestamps);
            v.CopyTo(values);
            Count = t.Length;
            HasFloats = Count > 0;
            return;
        }
        int n = 0;
        for (int i = 0; i < t.Length; i++)
        {
            var histogram = h.IsEmpty ? null : h[i];
            if (histogram is null)
            {
                if (SampleValue.IsStale(v[i])) continue;
                HasFloats = true;
            }
            else
            {
                if (histogram.IsStale) continue;
                HasHistograms = true;
            }
            timestamps[n] = t[i];
            values[n] = v[i];
            if (!h.IsEmpty) histograms[n] = histogram;
            if (HasStarts) starts[n] = s[i];
            n++;
        }
        Count = n;
    }

    public void Take(Column column, Grid grid)
    {
        Labels = column.Labels;
        DropName = column.DropName;
        HasHistograms = false;
        HasFloats = false;
        HasStarts = false;
        Grow(grid.Count, column.Histograms is not null, withStarts: false);
        var v = column.Values;
        int n = 0;
        for (int i = 0; i < v.Length; i++)
        {
            if (!Column.IsPresent(v[i])) continue;
            timestamps[n] = grid.At(i);
            values[n] = v[i];
            if (column.Histograms is not null)
            {
                // Between two steps of a subquery samples were left out, so that what their hints say of the one before is void.
                histograms[n] = column.Histograms[i] is { ResetHint: CounterResetHint.Reset or CounterResetHint.NotReset } hinted
                    ? HistogramMath.WithHint(hinted, CounterResetHint.Unknown)
                    : column.Histograms[i];
                if (histograms[n] is not null) HasHistograms = true;
                else HasFloats = true;
            }
            else
            {
                HasFloats = true;
            }
            n++;
        }
        Count = n;
    }

    private void Grow(int size, bool withHistograms, bool withStarts)
    {
        if (timestamps.Length < size)
        {
            int larger = Math.Max(size, timestamps.Length * 2);
            timestamps = new long[larger];
            values = new double[larger];
        }
        if (withHistograms && histograms.Length < size) histograms = new Histogram?[Math.Max(size, timestamps.Length)];
        if (withStarts && starts.Length < size) starts = new long[Math.Max(size, timestamps.Length)];
    }
}

/// <summary>The samples of one series in one window.</summary>
internal readonly ref struct Window
{
    public Window(RangeSeries series, int from, int to, long fromMs, long toMs, long evaluationMs)
    {
        First = from;
        Timestamps = series.Timestamps[from..to];
        Values = series.Values[from..to];
        Histograms = series.HasHistograms ? series.Histograms[from..to] : [];
        Starts = series.HasStarts ? series.Starts[from..to] : [];
        FromMs = fromMs;
        ToMs = toMs;
        EvaluationMs = evaluationMs;
    }

    /// <summary>Index of the first sample in its series.</summary>
    public int First { get; }

    public ReadOnlySpan<long> Timestamps { get; }
    public ReadOnlySpan<double> Values { get; }

    /// <summary>Empty where the whole series holds floats only.</summary>
    public ReadOnlySpan<Histogram?> Histograms { get; }

    /// <summary>Start timestamps, 0 for unknown; empty where the series has none.</summary>
    public ReadOnlySpan<long> Starts { get; }

    /// <summary>Start of the window, exclusive, and end, inclusive: moved by offset and <c>@</c>.</summary>
    public long FromMs { get; }
    public long ToMs { get; }

    /// <summary>Time of the evaluation step.</summary>
    public long EvaluationMs { get; }

    public int Count => Timestamps.Length;
}
