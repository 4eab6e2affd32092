using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>Writes one point as the series that it stands for.</summary>
/// <param name="starts">Whether the batch gets the points' start timestamps.</param>
internal sealed class OtlpSeriesWriter(MetricBatch batch, bool starts)
{
    private byte[] name = new byte[256];

    /// <param name="family">The metric's name.</param>
    /// <param name="labels">The point's labels, encoded.</param>
    /// <param name="counts">The point's values only rise, from 0 at its start.</param>
    /// <returns>Why the point cannot be taken; null where it was.</returns>
    public string? Write(
        OtlpMetricKind kind, ReadOnlySpan<byte> family, OtlpLabels labels, OtlpPoint point, List<OtlpExemplar> exemplars,
        CounterResetHint hint, bool customBuckets, bool counts)
    {
        switch (kind)
        {
            case OtlpMetricKind.Gauge or OtlpMetricKind.Sum:
                if (point.Value is null && !point.IsStale) return "it has no value";
                int series = Sample(labels.Series(family), point, point.Value ?? 0, counts && kind == OtlpMetricKind.Sum);
                if (kind == OtlpMetricKind.Sum) Exemplars(series, point, exemplars);
                return null;
            case OtlpMetricKind.Histogram when !customBuckets: return Classic(family, labels, point, exemplars, counts);
            case OtlpMetricKind.Histogram or OtlpMetricKind.ExponentialHistogram:
                if (kind == OtlpMetricKind.Histogram && BucketFault(point) is { } wrong) return wrong;
                var histogram = kind == OtlpMetricKind.Histogram ? OtlpHistograms.Custom(point, hint, out string? fault) : OtlpHistograms.Exponential(point, hint, out fault);
                if (histogram is null) return fault;
                Native(labels.Series(family), point, histogram, exemplars, counts);
                return null;
            default: return Summary(family, labels, point, counts);
        }
    }

    private void Native(ReadOnlySpan<byte> encoded, OtlpPoint point, Histogram histogram, List<OtlpExemplar> exemplars, bool counts)
    {
        int series = batch.AddSeries(encoded);
        batch.AddHistogram(series, Ms(point.TimeNs), histogram);
        if (starts && counts && !histogram.IsStale) batch.AddHistogramStart(Ms(point.StartNs));
        Exemplars(series, point, exemplars);
    }

    private string? Classic(ReadOnlySpan<byte> family, OtlpLabels labels, OtlpPoint point, List<OtlpExemplar> exemplars, bool counts)
    {
        if (BucketFault(point) is { } fault) return fault;
        if (point.Sum is { } sum) Sample(labels.Series(Name(family, "_sum"u8)), point, sum, counts);
        Sample(labels.Series(Name(family, "_count"u8)), point, point.Count, counts);
        ulong below = 0;
        double from = double.NegativeInfinity;
        Span<byte> text = stackalloc byte[GoFloat.FixedBytesMax];
        for (int i = 0; i < point.Bounds.Count && i < point.BucketCounts.Count; i++)
        {
            below += point.BucketCounts[i];
            int length = GoFloat.FormatFixed(point.Bounds[i], text);
            int series = Sample(labels.Series(Name(family, "_bucket"u8), "le"u8, text[..length]), point, below, counts);
            Exemplars(series, point, exemplars, from, point.Bounds[i]);
            from = point.Bounds[i];
        }
        int last = Sample(labels.Series(Name(family, "_bucket"u8), "le"u8, "+Inf"u8), point, point.Count, counts);
        Exemplars(last, point, exemplars, from, double.PositiveInfinity);
        return null;
    }

    private static string? BucketFault(OtlpPoint point)
    {
        if (point.BucketCounts.Count != 0 && point.BucketCounts.Count != point.Bounds.Count + 1)
            return $"it has {point.BucketCounts.Count} bucket counts for {point.Bounds.Count} bounds; there must be one more than bounds";
        for (int i = 0; i < point.Bounds.Count; i++)
        {
            if (double.IsNaN(point.Bounds[i]) || (i > 0 && point.Bounds[i] <= point.Bounds[i - 1])) return "its bounds do not rise";
        }
        return null;
    }

    private string? Summary(ReadOnlySpan<byte> family, OtlpLabels labels, OtlpPoint point, bool counts)
    {
        Sample(labels.Series(Name(family, "_sum"u8)), point, point.Sum ?? 0, counts);
        Sample(labels.Series(Name(family, "_count"u8)), point, point.Count, counts);
        Span<byte> text = stackalloc byte[GoFloat.FixedBytesMax];
        foreach (var (quantile, value) in point.Quantiles)
        {
            int length = GoFloat.FormatFixed(quantile, text);
            Sample(labels.Series(family, "quantile"u8, text[..length]), point, value, counts: false);
        }
        return null;
    }

    private int Sample(ReadOnlySpan<byte> encoded, OtlpPoint point, double value, bool counts)
    {
        int series = batch.AddSeries(encoded);
        batch.AddSample(series, Ms(point.TimeNs), point.IsStale ? SampleValue.Stale : value);
        if (starts && counts && !point.IsStale) batch.AddSampleStart(Ms(point.StartNs));
        return series;
    }

    private void Exemplars(int series, OtlpPoint point, List<OtlpExemplar> exemplars, double above = double.NegativeInfinity, double upTo = double.PositiveInfinity)
    {
        foreach (var exemplar in exemplars)
        {
            if (!(exemplar.Value <= upTo) || (exemplar.Value <= above && above > double.NegativeInfinity)) continue;
            batch.Exemplars.Add(new BatchExemplar(series, Ms(exemplar.TimeNs == 0 ? point.TimeNs : exemplar.TimeNs), exemplar.Value, LabelsOf(exemplar)));
        }
    }

    /// <summary>Trace and span; the attributes beside them only where all stay within OpenMetrics' 128 characters.</summary>
    private static Labels LabelsOf(OtlpExemplar exemplar)
    {
        var builder = new LabelsBuilder();
        int runes = 0;
        foreach (var attribute in exemplar.Attributes)
        {
            string value = OtlpText.Of(attribute.Value);
            builder.Set(attribute.Key, value);
            runes += attribute.Key.EnumerateRunes().Count() + value.EnumerateRunes().Count();
        }
        if (exemplar.TraceId.Length > 0) runes += "trace_id".Length + exemplar.TraceId.Length;
        if (exemplar.SpanId.Length > 0) runes += "span_id".Length + exemplar.SpanId.Length;
        if (runes > 128) builder.Reset();
        return builder.Remove("").Set("trace_id", exemplar.TraceId).Set("span_id", exemplar.SpanId).ToLabels();
    }

    private ReadOnlySpan<byte> Name(ReadOnlySpan<byte> family, ReadOnlySpan<byte> suffix)
    {
        int length = family.Length + suffix.Length;
        if (length > name.Length) name = new byte[length * 2];
        family.CopyTo(name);
        suffix.CopyTo(name.AsSpan(family.Length));
        return name.AsSpan(0, length);
    }

    private static long Ms(long ns) => ns / 1_000_000;
}
