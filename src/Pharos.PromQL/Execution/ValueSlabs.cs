using System.Buffers;

namespace Pharos.PromQL.Execution;

/// <summary>
/// Values of many columns in few pooled arrays, which grow with what is asked for, so that a query that holds many columns at once makes
/// little garbage. Used by one thread at a time; columns may go on any thread.
/// </summary>
internal sealed class ValueSlabs : IDisposable
{
    private const int LeastValues = 1 << 10, MostValues = 1 << 16;

    private ValueSlab? current;
    private int size = LeastValues;

    /// <summary>Room for values of one column, in whatever state; given back by <see cref="ValueSlab.Release"/>.</summary>
    public ValueSlab Take(int count, out int offset)
    {
        if (count > MostValues / 4)
        {
            // A slab of its own.
            var own = new ValueSlab(count);
            own.TryTake(count, out offset);
            own.Release();
            return own;
        }
        if (current is not null && current.TryTake(count, out offset)) return current;
        if (current is not null) size = Math.Min(size * 2, MostValues);
        current?.Release();
        current = new ValueSlab(Math.Max(size, count));
        current.TryTake(count, out offset);
        return current;
    }

    /// <summary>Hands out no more; what was handed out stays.</summary>
    public void Dispose()
    {
        current?.Release();
        current = null;
    }
}

/// <summary>One array of <see cref="ValueSlabs"/>; goes back to its pool with the last column that has values in it.</summary>
internal sealed class ValueSlab(int values)
{
    private double[] array = ArrayPool<double>.Shared.Rent(values);
    private int used;

    // Of its slabs and of columns.
    private int holders = 1;

    public double[] Array => array;

    public bool TryTake(int count, out int offset)
    {
        offset = used;
        if (array.Length - used < count) return false;
        used += count;
        Interlocked.Increment(ref holders);
        return true;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref holders) > 0) return;
        ArrayPool<double>.Shared.Return(array);
        array = [];
    }
}
