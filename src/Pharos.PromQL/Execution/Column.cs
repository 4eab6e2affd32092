using System.Buffers;
using System.Runtime.CompilerServices;
using Pharos.Core;
using Pharos.PromQL.Running;

namespace Pharos.PromQL.Execution;

/// <summary>
/// One series of an instant vector over all steps of a grid. A step without a sample holds <see cref="Absent"/>,
/// which no operation on samples can produce. Owned by whoever received it; <see cref="Dispose"/> gives the buffer back.
/// </summary>
internal sealed class Column : IDisposable
{
    /// <summary>The stale marker: selectors never let one through, arithmetic makes quiet NaNs only.</summary>
    public static readonly double Absent = SampleValue.Stale;

    /// <summary>What a column takes beside its values and labels, bytes.</summary>
    private const int OverheadBytes = 160;

    private readonly QueryMemory memory;

    // Null where the array is its own.
    private readonly ValueSlab? slab;
    private readonly int offset;
    private double[] values;
    private long bytes;

    /// <param name="slabs">Where its values are to stand; null for an array of its own.</param>
    /// <exception cref="QueryException">The column does not fit into the query's budget.</exception>
    public Column(Labels labels, bool dropName, int count, QueryMemory memory, ValueSlabs? slabs = null)
    {
        this.memory = memory;
        Labels = labels;
        DropName = dropName;
        Count = count;
        slab = slabs?.Take(count, out offset);
        values = slab?.Array ?? ArrayPool<double>.Shared.Rent(count);
        Take(OverheadBytes + labels.Encoded.Length + ((slab is null ? values.Length : count) * 8L));
    }

    public Labels Labels { get; set; }

    /// <summary>The name is still in <see cref="Labels"/>, but goes at the end of the query.</summary>
    public bool DropName { get; set; }

    public int Count { get; }

    public Span<double> Values => values.AsSpan(offset, Count);

    /// <summary>Null where all samples are floats; else not null at the steps that hold a histogram (their value is 0).</summary>
    public Histogram?[]? Histograms { get; set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPresent(double value) => BitConverter.DoubleToInt64Bits(value) != SampleValue.StaleBits;

    public bool Has(int step) => IsPresent(values[offset + step]);

    public void Set(int step, Histogram histogram)
    {
        if (Histograms is null)
        {
            Histograms = new Histogram?[Count];
            Take(Count * 8L);
        }
        Histograms[step] = histogram;
        Take(QueryMemory.BytesOf(histogram));
        values[offset + step] = 0;
    }

    public void Remove(int step)
    {
        values[offset + step] = Absent;
        if (Histograms is not null) Histograms[step] = null;
    }

    /// <summary>A column of its own with the same content.</summary>
    public Column Copy()
    {
        var copy = new Column(Labels, DropName, Count, memory);
        Values.CopyTo(copy.Values);
        if (Histograms is null) return copy;
        copy.Histograms = [.. Histograms];
        copy.Take(Count * 8L);
        return copy;
    }

    /// <summary>The histogram at a step; null for a float or where nothing is.</summary>
    public Histogram? HistogramAt(int step) => Histograms?[step];

    public int CountPresent()
    {
        int present = 0;
        foreach (double value in Values)
        {
            if (IsPresent(value)) present++;
        }
        return present;
    }

    public bool IsEmpty()
    {
        foreach (double value in Values)
        {
            if (IsPresent(value)) return false;
        }
        return true;
    }

    public void Dispose()
    {
        if (values.Length > 0 && slab is not null) slab.Release();
        else if (values.Length > 0) ArrayPool<double>.Shared.Return(values);
        values = [];
        Histograms = null;
        memory.Return(bytes);
        bytes = 0;
    }

    private void Take(long more)
    {
        memory.Take(more);
        bytes += more;
    }
}
