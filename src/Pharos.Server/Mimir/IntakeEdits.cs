using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Histograms;

namespace Pharos.Server.Mimir;

/// <summary>
/// The limits that change what is pushed: labels taken off, long values cut, histograms reduced, help texts cut, exemplars left out.
/// </summary>
/// <param name="replicated">The request came from an elected replica: the label that names it goes.</param>
internal readonly struct IntakeEdits(TenantLimits limits, bool replicated)
{
    public const string MetadataNameMissing = "metadata-missing-metric-name";
    public const string MetadataNameTooLong = "metric-name-too-long";
    public const string MetadataUnitTooLong = "unit-too-long";
    private const string TooManyBuckets = "max-native-histogram-buckets";
    private const string NotReducible = "not-reducible-native-histogram";

    /// <summary>Length of <c>(hash:…)</c>.</summary>
    private const int HashBytes = 71;

    /// <summary>Errors of one kind that are said in words.</summary>
    private const int WordsMax = 5;

    /// <summary>Whether the labels of any request may change.</summary>
    public bool ChangeLabels => replicated || limits.DropLabels.Count > 0 || (limits.LongLabelValue != LongLabelValue.Error && limits.LabelValueBytesMax > 0);

    public bool AreNeeded(MetricBatch batch)
    {
        if (ChangeLabels) return true;
        if (batch.Histograms.Count > 0 && (!limits.NativeHistograms || limits.HistogramBucketsMax > 0)) return true;
        if (limits.ExemplarsPerSeriesPerRequestMax > 0 && batch.Exemplars.Count > limits.ExemplarsPerSeriesPerRequestMax) return true;
        foreach (var about in batch.Metadata)
        {
            if (IsLong(about) || about.Family.Length == 0) return true;
        }
        return false;
    }

    /// <summary>Copies a request with its changes.</summary>
    /// <returns>What was left out with an error.</returns>
    public List<AppendError> Apply(MetricBatch from, MetricBatch into)
    {
        var errors = new List<AppendError>();
        var buffer = new ArrayBufferWriter<byte>(1024);
        for (int series = 0; series < from.SeriesCount; series++)
        {
            buffer.ResetWrittenCount();
            Edit(from.LabelsOf(series), buffer);
            into.AddSeries(buffer.WrittenSpan);
        }
        var starts = new StartCursor(from.Starts);
        for (int i = 0; i < from.Samples.Length; i++)
        {
            into.AddSample(from.Samples[i].Series, from.Samples[i].TimestampMs, from.Samples[i].Value);
            into.AddSampleStart(starts.Of(i));
        }
        starts = new StartCursor(from.HistogramStarts);
        for (int i = 0; i < from.Histograms.Count && limits.NativeHistograms; i++)
        {
            var sample = from.Histograms[i];
            if (Reduced(sample.Histogram) is { } histogram)
            {
                into.AddHistogram(sample.Series, sample.TimestampMs, histogram);
                into.AddHistogramStart(starts.Of(i));
            }
            else AddError(errors, limits.ReduceHistograms ? NotReducible : TooManyBuckets, BucketsError(from, sample));
        }
        AddExemplars(from, into);
        foreach (var about in from.Metadata)
        {
            if (Checked(about, errors) is { } good) into.Metadata.Add(good);
        }
        return errors;
    }

    private void Edit(ReadOnlySpan<byte> labels, ArrayBufferWriter<byte> into)
    {
        for (int offset = 0; offset < labels.Length;)
        {
            var name = LabelCodec.ReadString(labels, ref offset);
            var value = LabelCodec.ReadString(labels, ref offset);
            if (IsDropped(name)) continue;
            Write(into, name);
            if (limits.LongLabelValue != LongLabelValue.Error && limits.LabelValueBytesMax > 0 && value.Length > limits.LabelValueBytesMax) Write(into, Shortened(value));
            else Write(into, value);
        }
    }

    private bool IsDropped(ReadOnlySpan<byte> name)
    {
        if (replicated && IsNamed(name, limits.HaReplicaLabel)) return true;
        foreach (string dropped in limits.DropLabels)
        {
            if (IsNamed(name, dropped)) return true;
        }
        return false;

        static bool IsNamed(ReadOnlySpan<byte> utf8, string name) => Ascii.Equals(utf8, name) || (!Ascii.IsValid(utf8) && Encoding.UTF8.GetString(utf8) == name);
    }

    private byte[] Shortened(ReadOnlySpan<byte> value)
    {
        string hash = $"(hash:{Convert.ToHexStringLower(SHA256.HashData(value))})";
        int keep = limits.LongLabelValue == LongLabelValue.Truncate ? Math.Max(0, limits.LabelValueBytesMax - HashBytes) : 0;
        // Not in the middle of a character.
        while (keep > 0 && (value[keep] & 0xc0) == 0x80) keep--;
        return [.. value[..keep], .. Encoding.ASCII.GetBytes(hash)];
    }

    /// <summary>The histogram with as many buckets as are allowed; null where that cannot be.</summary>
    private Histogram? Reduced(Histogram histogram)
    {
        if (limits.HistogramBucketsMax <= 0) return histogram;
        while (histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length > limits.HistogramBucketsMax)
        {
            if (!limits.ReduceHistograms || histogram.UsesCustomBuckets || histogram.Schema <= HistogramRules.SchemaMin) return null;
            histogram = HistogramRules.ReduceTo(histogram, histogram.Schema - 1);
        }
        return histogram;
    }

    private string BucketsError(MetricBatch batch, in BatchHistogram sample)
    {
        int buckets = sample.Histogram.PositiveBuckets.Length + sample.Histogram.NegativeBuckets.Length;
        string code = limits.ReduceHistograms ? NotReducible : TooManyBuckets;
        return $"received a native histogram sample with too many buckets{(limits.ReduceHistograms ? " that cannot be reduced" : "")}, timestamp: {sample.TimestampMs} "
            + $"series: {Labels.FromEncoded(batch.LabelsOf(sample.Series))}, buckets: {buckets}, limit: {limits.HistogramBucketsMax} (err-mimir-{code}). To adjust the limit, set max_native_histogram_buckets";
    }

    private void AddExemplars(MetricBatch from, MetricBatch into)
    {
        if (limits.ExemplarsPerSeriesPerRequestMax <= 0)
        {
            into.Exemplars.AddRange(from.Exemplars);
            return;
        }
        int most = limits.ExemplarsPerSeriesPerRequestMax;
        foreach (var series in from.Exemplars.GroupBy(e => e.Series)) into.Exemplars.AddRange(series.OrderBy(e => e.TimestampMs).TakeLast(most));
    }

    private bool IsLong(MetricMetadata about) =>
        limits.MetadataBytesMax > 0
        && (Encoding.UTF8.GetByteCount(about.Family) > limits.MetadataBytesMax || Encoding.UTF8.GetByteCount(about.Unit) > limits.MetadataBytesMax
            || Encoding.UTF8.GetByteCount(about.Help) > limits.MetadataBytesMax);

    private MetricMetadata? Checked(MetricMetadata about, List<AppendError> errors)
    {
        if (about.Family.Length == 0)
        {
            AddError(errors, MetadataNameMissing, $"received a metric metadata with no metric name (err-mimir-{MetadataNameMissing})");
            return null;
        }
        if (!IsLong(about)) return about;
        if (Encoding.UTF8.GetByteCount(about.Family) > limits.MetadataBytesMax)
        {
            AddError(errors, MetadataNameTooLong, $"received a metric metadata whose metric name length exceeds the limit of {limits.MetadataBytesMax}, metric name: '{Start(about.Family)}' (err-mimir-{MetadataNameTooLong}). To adjust the limit, set max_metadata_length");
            return null;
        }
        if (Encoding.UTF8.GetByteCount(about.Unit) > limits.MetadataBytesMax)
        {
            AddError(errors, MetadataUnitTooLong, $"received a metric metadata whose unit name length exceeds the limit of {limits.MetadataBytesMax}, unit: '{Start(about.Unit)}' metric name: '{Start(about.Family)}' (err-mimir-{MetadataUnitTooLong}). To adjust the limit, set max_metadata_length");
            return null;
        }
        byte[] help = Encoding.UTF8.GetBytes(about.Help);
        int keep = limits.MetadataBytesMax;
        while (keep > 0 && keep < help.Length && (help[keep] & 0xc0) == 0x80) keep--;
        return about with { Help = Encoding.UTF8.GetString(help, 0, Math.Min(keep, help.Length)) };
    }

    private static void AddError(List<AppendError> errors, string code, string message)
    {
        if (errors.Count(e => e.Code == code) < WordsMax)
        {
            errors.Add(new AppendError(AppendErrorKind.BadData, code, message));
            return;
        }
        int last = errors.FindLastIndex(e => e.Code == code);
        errors[last] = errors[last] with { Samples = errors[last].Samples + 1 };
    }

    private static string Start(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static void Write(ArrayBufferWriter<byte> into, ReadOnlySpan<byte> text) =>
        into.Advance(LabelCodec.WriteString(into.GetSpan(LabelCodec.SizeOf(text.Length)), text));
}
