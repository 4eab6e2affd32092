namespace Pharos.Core;

public enum CounterResetHint : byte
{
    Unknown = 0,
    Reset = 1,
    NotReset = 2,
    Gauge = 3,
}

/// <summary>A run of neighbouring buckets. Offset counts from the end of the run before (the first: from bucket 0).</summary>
public readonly record struct BucketSpan(int Offset, uint Length);

/// <summary>
/// A native histogram with absolute bucket counts. Schemas −4…8 are exponential (base 2^(2^−schema)),
/// <see cref="CustomBucketsSchema"/> has explicit upper bounds in <see cref="CustomValues"/>.
/// Never changed after it was handed on.
/// </summary>
public sealed class Histogram
{
    public const int CustomBucketsSchema = -53;

    public CounterResetHint ResetHint { get; init; }
    public int Schema { get; init; }
    public double ZeroThreshold { get; init; }
    public double ZeroCount { get; init; }
    public double Count { get; init; }

    /// <summary>Sum of observations; holds the stale marker's bits where the series has ended.</summary>
    public double Sum { get; init; }

    public BucketSpan[] PositiveSpans { get; init; } = [];
    public BucketSpan[] NegativeSpans { get; init; } = [];

    /// <summary>Absolute (not delta) counts, as many as the spans' lengths add up to.</summary>
    public double[] PositiveBuckets { get; init; } = [];
    public double[] NegativeBuckets { get; init; } = [];

    /// <summary>Upper bounds, rising, without +Inf; only for <see cref="CustomBucketsSchema"/>.</summary>
    public double[] CustomValues { get; init; } = [];

    /// <summary>True where counts were sent as floats; false where they are whole numbers and stored as such.</summary>
    public bool IsFloat { get; init; }

    public bool UsesCustomBuckets => Schema == CustomBucketsSchema;

    public bool IsStale => SampleValue.IsStale(Sum);

    public static Histogram StaleMarker { get; } = new() { Sum = SampleValue.Stale };
}
