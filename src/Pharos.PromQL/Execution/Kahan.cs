using System.Numerics;
using System.Runtime.CompilerServices;
using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Neumaier's compensated summation.</summary>
internal static class Kahan
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(double x, ref double sum, ref double compensation)
    {
        double t = sum + x;
        if (double.IsInfinity(t)) compensation = 0;
        else if (Math.Abs(sum) >= Math.Abs(x)) compensation += (sum - t) + x;
        else compensation += (x - t) + sum;
        sum = t;
    }

    /// <summary>Adds each value that is there to its sum; a sum that is not there yet becomes the value.</summary>
    public static void Add(ReadOnlySpan<double> values, Span<double> sums, Span<double> compensations)
    {
        int i = 0, width = Vector<double>.Count;
        var absent = new Vector<long>(SampleValue.StaleBits);
        for (; i <= values.Length - width; i += width)
        {
            var x = new Vector<double>(values[i..]);
            var sum = new Vector<double>(sums[i..]);
            var c = new Vector<double>(compensations[i..]);
            var t = sum + x;
            var low = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(Vector.Abs(sum), Vector.Abs(x)), (sum - t) + x, (x - t) + sum);
            var infinite = Vector.Equals(Vector.Abs(t), new Vector<double>(double.PositiveInfinity));
            c = Vector.ConditionalSelect(infinite, Vector<double>.Zero, c + low);
            var missing = Vector.Equals(Vector.AsVectorInt64(x), absent);
            var first = Vector.Equals(Vector.AsVectorInt64(sum), absent);
            Vector.ConditionalSelect(missing, sum, Vector.ConditionalSelect(first, x, t)).CopyTo(sums[i..]);
            Vector.ConditionalSelect(missing, new Vector<double>(compensations[i..]), Vector.ConditionalSelect(first, Vector<double>.Zero, c)).CopyTo(compensations[i..]);
        }
        for (; i < values.Length; i++)
        {
            if (!Column.IsPresent(values[i])) continue;
            if (Column.IsPresent(sums[i])) Add(values[i], ref sums[i], ref compensations[i]);
            else (sums[i], compensations[i]) = (values[i], 0);
        }
    }
}
