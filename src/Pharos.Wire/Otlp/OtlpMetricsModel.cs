namespace Pharos.Wire.Otlp;

internal enum OtlpMetricKind
{
    None,
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// <summary>How the points of a metric follow each other. Values are those of the wire.</summary>
internal enum OtlpTemporality
{
    Unspecified = 0,
    Delta = 1,
    Cumulative = 2,
}

/// <summary>A metric without its points.</summary>
internal sealed record OtlpMetric
{
    public string Name { get; set; } = "";
    public string Description { get; set; } = "";
    public string Unit { get; set; } = "";
    public OtlpMetricKind Kind { get; set; }
    public OtlpTemporality Temporality { get; set; }
    public bool Monotonic { get; set; }
}

/// <summary>A point of any kind; times in Unix nanoseconds, 0 where not set. Which members mean something depends on the metric's kind.</summary>
internal sealed class OtlpPoint
{
    public List<OtlpAttribute> Attributes { get; } = [];
    public long StartNs { get; set; }
    public long TimeNs { get; set; }
    public uint Flags { get; set; }

    /// <summary>Of a gauge or a sum; null where the point holds no number.</summary>
    public double? Value { get; set; }

    /// <summary>Observations of a histogram or a summary.</summary>
    public ulong Count { get; set; }
    public double? Sum { get; set; }

    /// <summary>Counts of an explicit histogram's buckets, not cumulative; one more than bounds, or none.</summary>
    public List<ulong> BucketCounts { get; } = [];
    public List<double> Bounds { get; } = [];

    public int Scale { get; set; }
    public ulong ZeroCount { get; set; }
    public double ZeroThreshold { get; set; }
    public OtlpBuckets Positive { get; } = new();
    public OtlpBuckets Negative { get; } = new();

    public List<(double Quantile, double Value)> Quantiles { get; } = [];
    public List<OtlpExemplar> Exemplars { get; } = [];

    /// <summary>The flag NoRecordedValue: the series has ended here.</summary>
    public bool IsStale => (Flags & 1) != 0;

    /// <summary>Makes it empty again. Decoders use one point for all of a request.</summary>
    public void Clear()
    {
        (StartNs, TimeNs, Flags, Value) = (0, 0, 0, null);
        (Count, Sum, Scale, ZeroCount, ZeroThreshold) = (0, null, 0, 0, 0);
        Attributes.Clear();
        BucketCounts.Clear();
        Bounds.Clear();
        Positive.Clear();
        Negative.Clear();
        Quantiles.Clear();
        Exemplars.Clear();
    }
}

/// <summary>One side of an exponential histogram: bucket i counts values in (base^(Offset+i), base^(Offset+i+1)].</summary>
internal sealed class OtlpBuckets
{
    public int Offset { get; set; }
    public List<ulong> Counts { get; } = [];

    public void Clear()
    {
        Offset = 0;
        Counts.Clear();
    }
}

internal sealed class OtlpExemplar
{
    public List<OtlpAttribute> Attributes { get; } = [];
    public long TimeNs { get; set; }
    public double Value { get; set; }

    /// <summary>In hexadecimal, empty where not set.</summary>
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
}

/// <summary>Takes metrics as a decoder finds them: a resource's attributes, its scopes, their metrics, their points, the resource's end.</summary>
internal interface IOtlpMetricVisitor
{
    void Resource(List<OtlpAttribute> attributes);

    void Scope(OtlpScope scope);

    void Metric(OtlpMetric metric);

    /// <param name="point">Holds only during the call.</param>
    void Point(OtlpPoint point);

    /// <summary>A point of the metric at hand that cannot be read; the others go on.</summary>
    void BadPoint(string reason);

    void EndResource();
}
