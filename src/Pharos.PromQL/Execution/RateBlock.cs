using System.Numerics;
using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>
/// What rate, increase and delta need of some windows, in columns, so that their growths are extended several at a time, in the
/// operations and their order of <see cref="RateWindow.Factor"/>.
/// </summary>
internal sealed class RateBlock
{
    /// <summary>Windows of a block; whole vectors of any width.</summary>
    public const int StepsMax = 128;

    private readonly double[] toStart = new double[StepsMax];
    private readonly double[] toEnd = new double[StepsMax];
    private readonly double[] spans = new double[StepsMax];
    private readonly double[] distances = new double[StepsMax];
    private readonly double[] growths = new double[StepsMax];
    private readonly double[] firsts = new double[StepsMax];
    private readonly double[] results = new double[StepsMax];

    /// <summary>A window with at least two samples. Times in milliseconds.</summary>
    /// <param name="between">Samples less one.</param>
    public void Set(int i, long toStartMs, long toEndMs, long spanMs, int between, double growth, double first)
    {
        toStart[i] = toStartMs;
        toEnd[i] = toEndMs;
        spans[i] = spanMs;
        distances[i] = between;
        growths[i] = growth;
        firsts[i] = first;
    }

    /// <summary>A window without a result.</summary>
    public void Leave(int i) => distances[i] = 0;

    /// <param name="rangeSeconds">Width of the windows for a rate, 0 for the growth itself.</param>
    public void Extrapolate(Span<double> into, bool counter, double rangeSeconds)
    {
        var thousand = new Vector<double>(1000.0);
        var range = new Vector<double>(rangeSeconds);
        var absent = Vector.AsVectorDouble(new Vector<long>(SampleValue.StaleBits));
        for (int i = 0; i < into.Length; i += Vector<double>.Count)
        {
            var start = new Vector<double>(toStart, i) / thousand;
            var end = new Vector<double>(toEnd, i) / thousand;
            var span = new Vector<double>(spans, i) / thousand;
            var between = new Vector<double>(distances, i);
            var growth = new Vector<double>(growths, i);
            var average = span / between;
            var threshold = average * new Vector<double>(1.1);
            var half = average / new Vector<double>(2.0);
            start = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(start, threshold), half, start);
            if (counter)
            {
                var first = new Vector<double>(firsts, i);
                var rises = Vector.GreaterThan(growth, Vector<double>.Zero) & Vector.GreaterThanOrEqual(first, Vector<double>.Zero);
                var toZero = Vector.ConditionalSelect(rises, span * (first / growth), start);
                start = Vector.ConditionalSelect(Vector.LessThan(toZero, start), toZero, start);
            }
            end = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(end, threshold), half, end);
            var factor = (span + start + end) / span;
            if (rangeSeconds != 0) factor /= range;
            var there = Vector.GreaterThan(between, Vector<double>.Zero);
            Vector.ConditionalSelect(there, growth * factor, absent).CopyTo(results, i);
        }
        results.AsSpan(0, into.Length).CopyTo(into);
    }
}
