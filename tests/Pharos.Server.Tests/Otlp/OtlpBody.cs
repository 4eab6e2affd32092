using Pharos.Wire.Protobuf;

namespace Pharos.Server.Tests.Otlp;

/// <summary>Writes an <c>ExportMetricsServiceRequest</c> of one resource and one scope in protobuf, by the field numbers of opentelemetry-proto.</summary>
internal sealed class OtlpBody : IDisposable
{
    private const uint Gauge = 5;
    private const uint Sum = 7;
    private const uint Histogram = 9;
    private const uint ExponentialHistogram = 10;
    private const uint Summary = 11;
    private const ulong Cumulative = 2;

    private readonly ProtoBuffer to = new();
    private readonly int resourceMetrics;
    private readonly int scopeMetrics;

    public OtlpBody((string Name, string Value)[] resource, string scope, string version)
    {
        resourceMetrics = to.Begin(1);
        int part = to.Begin(1);
        Attributes(1, resource);
        to.End(part);
        scopeMetrics = to.Begin(2);
        part = to.Begin(1);
        to.Field(1, scope);
        to.Field(2, version);
        to.End(part);
    }

    public void Dispose() => to.Dispose();

    /// <summary>The whole request. Nothing can be added behind it.</summary>
    public byte[] Finish()
    {
        to.End(scopeMetrics);
        to.End(resourceMetrics);
        return to.Written.ToArray();
    }

    public void AddGauge(string name, string unit, params OtlpNumber[] points) => Add(name, unit, Gauge, points, Number, false);

    public void AddSum(string name, string unit, bool monotonic, params OtlpNumber[] points) => Add(name, unit, Sum, points, Number, true, monotonic);

    public void AddHistogram(string name, string unit, params OtlpBuckets[] points) => Add(name, unit, Histogram, points, p =>
    {
        Times(p.AtMs);
        Fixed(4, (ulong)p.Counts.Sum(c => (long)c));
        to.Field(5, p.Sum);
        foreach (ulong count in p.Counts) Fixed(6, count);
        foreach (double bound in p.Bounds) to.Field(7, bound);
        Attributes(9, p.Attributes);
    }, true);

    /// <param name="scale">Buckets grow by 2 to the power of 2 to the power of −scale.</param>
    /// <param name="counts">Of positive buckets, from index 0.</param>
    public void AddExponential(string name, string unit, long atMs, int scale, ulong zeros, ulong[] counts, double sum) => Add(name, unit, ExponentialHistogram, new[] { 0 }, _ =>
    {
        Times(atMs);
        Fixed(4, zeros + (ulong)counts.Sum(c => (long)c));
        to.Field(5, sum);
        to.ZigZagField(6, scale);
        Fixed(7, zeros);
        int buckets = to.Begin(8);
        to.ZigZagField(1, 0);
        foreach (ulong count in counts) to.Field(2, count);
        to.End(buckets);
    }, true);

    public void AddSummary(string name, string unit, long atMs, ulong count, double sum, params (double Quantile, double Value)[] quantiles) => Add(name, unit, Summary, new[] { 0 }, _ =>
    {
        Times(atMs);
        Fixed(4, count);
        to.Field(5, sum);
        foreach (var (quantile, value) in quantiles)
        {
            int one = to.Begin(6);
            to.Field(1, quantile);
            to.Field(2, value);
            to.End(one);
        }
    }, false);

    private void Add<T>(string name, string unit, uint kind, T[] points, Action<T> write, bool temporality, bool monotonic = false)
    {
        int metric = to.Begin(2);
        to.Field(1, name);
        to.Field(3, unit);
        int data = to.Begin(kind);
        foreach (var point in points)
        {
            int one = to.Begin(1);
            write(point);
            to.End(one);
        }
        if (temporality) to.Field(2, Cumulative);
        if (monotonic) to.Field(3, 1UL);
        to.End(data);
        to.End(metric);
    }

    private void Number(OtlpNumber point)
    {
        Times(point.AtMs);
        if (point.Whole is { } whole) Fixed(6, unchecked((ulong)whole));
        else to.Field(4, point.Value);
        Attributes(7, point.Attributes);
        if (point.NotRecorded) to.Field(8, 1UL);
    }

    private void Times(long atMs)
    {
        Fixed(2, (ulong)(atMs - 60_000) * 1_000_000);
        Fixed(3, (ulong)atMs * 1_000_000);
    }

    private void Attributes(uint field, (string Name, string Value)[] attributes)
    {
        foreach (var (name, value) in attributes)
        {
            int one = to.Begin(field);
            to.Field(1, name);
            int any = to.Begin(2);
            to.Field(1, value);
            to.End(any);
            to.End(one);
        }
    }

    private void Fixed(uint field, ulong value) => to.Field(field, BitConverter.UInt64BitsToDouble(value));
}

/// <summary>A point of a gauge or a sum.</summary>
/// <param name="Whole">Where it is sent as a whole number; else <paramref name="Value"/> is sent.</param>
internal sealed record OtlpNumber(long AtMs, double Value = 0, long? Whole = null, bool NotRecorded = false, params (string Name, string Value)[] Attributes);

/// <summary>A point of a histogram; one count more than bounds.</summary>
internal sealed record OtlpBuckets(long AtMs, ulong[] Counts, double[] Bounds, double Sum, params (string Name, string Value)[] Attributes);
