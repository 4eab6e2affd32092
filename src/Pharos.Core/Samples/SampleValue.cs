namespace Pharos.Core;

/// <summary>The two special values of a float sample. Compare bits, never <see cref="double.IsNaN"/>.</summary>
public static class SampleValue
{
    /// <summary>Bits of the marker that says a series has ended.</summary>
    public const long StaleBits = 0x7ff0000000000002;

    /// <summary>Bits of an ordinary NaN.</summary>
    public const long NormalNaNBits = 0x7ff8000000000001;

    public static double Stale { get; } = BitConverter.Int64BitsToDouble(StaleBits);

    public static double NormalNaN { get; } = BitConverter.Int64BitsToDouble(NormalNaNBits);

    public static bool IsStale(double value) => BitConverter.DoubleToInt64Bits(value) == StaleBits;
}

/// <summary>A float sample: Unix milliseconds and a value.</summary>
public readonly record struct Sample(long TimestampMs, double Value);
