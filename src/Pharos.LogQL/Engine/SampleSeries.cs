using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.LogQL.Engine;

/// <summary>Gathers the samples of one series of a range aggregation, and computes its value at each step.</summary>
internal abstract class SampleSeries(Labels labels, StepWindows windows)
{
    public Labels Labels { get; } = labels;

    protected StepWindows Windows { get; } = windows;

    /// <summary>Adds samples.</summary>
    /// <param name="timestampNs">Shifted by the offset, so that it compares with the steps.</param>
    /// <param name="count">How many; more than one only where samples are counted and not kept.</param>
    /// <param name="value">The value, or the sum of their values.</param>
    /// <param name="section">The section of the store that they come from.</param>
    public abstract void Add(long timestampNs, int count, double value, int section);

    /// <summary>Takes over what another thread gathered for the same series, from other sections.</summary>
    public abstract void Merge(SampleSeries other);

    public abstract StepSeries Evaluate();
}

/// <summary>
/// Counts and whole-number sums: each sample adds to the steps whose window holds it, by differences, so that nothing is kept per line.
/// </summary>
internal sealed class CountingSeries(Labels labels, StepWindows windows, double perSecondOf) : SampleSeries(labels, windows)
{
    private readonly long[] counts = new long[windows.Steps.Count + 1];
    private readonly long[] sums = new long[windows.Steps.Count + 1];

    public override void Add(long timestampNs, int count, double value, int section)
    {
        long first = Windows.First(timestampNs), last = Windows.Last(timestampNs);
        if (first > last) return;
        counts[first] += count;
        counts[last + 1] -= count;
        sums[first] += (long)value;
        sums[last + 1] -= (long)value;
    }

    public override void Merge(SampleSeries other)
    {
        var more = (CountingSeries)other;
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] += more.counts[i];
            sums[i] += more.sums[i];
        }
    }

    public override StepSeries Evaluate()
    {
        var series = new StepSeries(Labels, 0, Windows.Steps.Count);
        long count = 0, sum = 0;
        for (int i = 0; i < Windows.Steps.Count; i++)
        {
            count += counts[i];
            sum += sums[i];
            if (count > 0) series.Set(i, sum / perSecondOf);
        }
        return series;
    }
}

/// <summary>Keeps the samples, for functions that need them. There may be as many as there are lines: all but the samples themselves is made when it is needed.</summary>
internal sealed class KeepingSeries(Labels labels, StepWindows windows, WindowFunction function) : SampleSeries(labels, windows)
{
    private readonly List<(long TimestampNs, double Value)> samples = new(1);
    private int firstSection;
    private int lastSection;
    private List<(int Section, int From)>? moreSections;
    private List<KeepingSeries>? others;

    public override void Add(long timestampNs, int count, double value, int section)
    {
        if (samples.Count == 0) firstSection = section;
        else if (section != lastSection) (moreSections ??= []).Add((section, samples.Count));
        lastSection = section;
        samples.Add((timestampNs, value));
    }

    public override void Merge(SampleSeries other) => (others ??= []).Add((KeepingSeries)other);

    public override StepSeries Evaluate()
    {
        var all = InOrder();
        int first = (int)Math.Min(Windows.Steps.Count, Windows.First(all[0].TimestampNs));
        var series = new StepSeries(Labels, first, Math.Max(first, (int)Windows.Last(all[^1].TimestampNs) + 1));
        int from = 0, to = 0;
        for (int i = series.From; i < series.To; i++)
        {
            long end = Windows.Steps.At(i), start = end - Windows.RangeNs;
            while (to < all.Length && all[to].TimestampNs <= end) to++;
            while (from < to && all[from].TimestampNs <= start) from++;
            if (to > from) series.Set(i, function(all[from..to], start, end));
        }
        return series;
    }

    /// <summary>All samples by time; those of one time by section, whichever thread read it: sums do not depend on threads.</summary>
    private ReadOnlySpan<(long TimestampNs, double Value)> InOrder()
    {
        if (samples.Count == 1 && others is null) return CollectionsMarshal.AsSpan(samples);
        var pieces = new List<(int Section, KeepingSeries Of, int From, int To)>();
        AddPieces(pieces);
        foreach (var other in others ?? []) other.AddPieces(pieces);
        pieces.Sort(static (a, b) => a.Section.CompareTo(b.Section));
        var all = new (long TimestampNs, double Value)[pieces.Sum(p => p.To - p.From)];
        int at = 0;
        foreach (var (_, of, from, to) in pieces)
        {
            CollectionsMarshal.AsSpan(of.samples)[from..to].CopyTo(all.AsSpan(at));
            at += to - from;
        }
        for (int i = 1; i < all.Length; i++)
        {
            if (all[i].TimestampNs < all[i - 1].TimestampNs) return all.OrderBy(s => s.TimestampNs).ToArray();
        }
        return all;
    }

    private void AddPieces(List<(int Section, KeepingSeries Of, int From, int To)> pieces)
    {
        var (section, from) = (firstSection, 0);
        foreach (var next in moreSections ?? [])
        {
            pieces.Add((section, this, from, next.From));
            (section, from) = next;
        }
        pieces.Add((section, this, from, samples.Count));
    }
}

/// <param name="samples">At least one, oldest first.</param>
internal delegate double WindowFunction(ReadOnlySpan<(long TimestampNs, double Value)> samples, long startNs, long endNs);
