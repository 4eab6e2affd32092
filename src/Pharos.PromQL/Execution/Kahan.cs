using System.Runtime.CompilerServices;

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
}
