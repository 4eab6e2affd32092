using Pharos.Core;

namespace Pharos.Metrics.Append;

/// <summary>Error codes and words, Mimir's own where it has them, so that runbooks and searches still work.</summary>
internal static class Refusals
{
    public const string OutOfOrder = "sample-out-of-order";
    public const string TooOld = "sample-timestamp-too-old";
    public const string Duplicate = "sample-duplicate-timestamp";
    public const string TooFarInFuture = "too-far-in-future";
    public const string TooFarInPast = "too-far-in-past";
    public const string SeriesPerUser = "max-series-per-user";
    public const string SeriesPerMetric = "max-series-per-metric";
    public const string ActiveSeries = "max-active-series";
    public const string SeriesBudget = "series-budget";
    public const string ChurnBudget = "churn-budget";
    public const string MetadataPerUser = "max-metadata-per-user";
    public const string MetadataPerMetric = "max-metadata-per-metric";
    public const string IngestionRate = "tenant-max-ingestion-rate";
    public const string LabelNames = "max-label-names-per-series";
    public const string InfoLabelNames = "max-label-names-per-info-series";
    public const string MetricNameInvalid = "metric-name-invalid";
    public const string LabelNameTooLong = "label-name-too-long";
    public const string LabelValueTooLong = "label-value-too-long";
    public const string LabelInvalid = "label-invalid";
    public const string DuplicateLabel = "duplicate-label-names";
    public const string MissingName = "missing-metric-name";
    public const string InvalidHistogram = "invalid-native-histogram";
    public const string ExemplarOutOfOrder = "exemplar-out-of-order";
    public const string ExemplarTooLong = "exemplar-labels-too-long";

    public static string Sample(string code, long timestampMs, Labels series)
    {
        string why = code switch
        {
            OutOfOrder => "because another sample with a more recent timestamp has already been ingested and out-of-order samples are not allowed",
            Duplicate => "because another sample with the same timestamp, but a different value, has already been ingested",
            TooFarInFuture => "because its timestamp is too far in the future",
            TooFarInPast => "because its timestamp is too far in the past",
            _ => "because its timestamp is too old",
        };
        string mend = code switch
        {
            OutOfOrder or TooOld => "; to take late samples, set out_of_order_time_window",
            TooFarInFuture => "; check the sender's clock, or raise creation_grace_period",
            TooFarInPast => "; check the sender's clock, or raise past_grace_period",
            _ => "",
        };
        return $"the sample has been rejected {why} (err-mimir-{code}). The affected sample has timestamp "
            + $"{UnixTime.FromMs(Clamp(timestampMs)):yyyy-MM-ddTHH:mm:ss.fffZ} and is from series {Short(series)}{mend}";
    }

    public static string SeriesLimit(int limit, Labels series) =>
        $"per-user series limit of {limit} exceeded (err-mimir-{SeriesPerUser}). The new series {Short(series)} was not taken; "
        + "to adjust the limit, set max_global_series_per_user, or find what makes so many series at /api/v1/status/tsdb";

    public static string MetricLimit(int limit, Labels series) =>
        $"per-metric series limit of {limit} exceeded (err-mimir-{SeriesPerMetric}). The new series {Short(series)} was not taken; "
        + "to adjust the limit, set max_global_series_per_metric";

    public static string ActiveLimit(int limit, Labels series) =>
        $"per-user active series limit of {limit} exceeded (err-mimir-{ActiveSeries}). The new series {Short(series)} was not taken; "
        + "to adjust the limit, set max_active_series_per_user";

    public static string MetadataLimit(string code, int limit, string family) => code == MetadataPerUser
        ? $"per-user metric metadata limit of {limit} exceeded (err-mimir-{MetadataPerUser}). The metadata of {family} was not taken; to adjust the limit, set max_global_metadata_per_user"
        : $"per-metric metadata limit of {limit} exceeded (err-mimir-{MetadataPerMetric}). The metadata of {family} was not taken; to adjust the limit, set max_global_metadata_per_metric";

    public static string Rate(double rate, long burst, int samples) =>
        $"the request has been rejected because the tenant exceeded the ingestion rate limit, set to {rate} items/s with a maximum allowed burst of {burst}; "
        + $"the request had {samples} (err-mimir-{IngestionRate}). To adjust the limits, set ingestion_rate and ingestion_burst_size";

    /// <summary>What is wrong with a histogram; null where it is good.</summary>
    public static string? CheckHistogram(Histogram histogram)
    {
        if (histogram.IsStale) return null;
        if (histogram.Schema is not (>= -4 and <= 8 or Histogram.CustomBucketsSchema)) return $"schema {histogram.Schema} is not known";
        double positive = Side(histogram.PositiveSpans, histogram.PositiveBuckets, out string? error);
        if (error is not null) return "positive side: " + error;
        double negative = Side(histogram.NegativeSpans, histogram.NegativeBuckets, out error);
        if (error is not null) return "negative side: " + error;
        if (histogram.ZeroCount < 0 || histogram.Count < 0) return "a count is negative";
        if (histogram.UsesCustomBuckets)
        {
            for (int i = 1; i < histogram.CustomValues.Length; i++)
            {
                if (!(histogram.CustomValues[i - 1] < histogram.CustomValues[i])) return "custom bounds do not rise";
            }
            if (histogram.PositiveBuckets.Length > histogram.CustomValues.Length + 1) return "more buckets than custom bounds allow";
            if (histogram.NegativeBuckets.Length > 0) return "custom buckets have no negative side";
        }
        // Observations of NaN count but fall into no bucket.
        double total = positive + negative + histogram.ZeroCount;
        if (!histogram.IsFloat && (double.IsNaN(histogram.Sum) ? total > histogram.Count : !total.Equals(histogram.Count)))
            return $"{total} observations in buckets, and a count of {histogram.Count}";
        return null;
    }

    private static double Side(BucketSpan[] spans, double[] buckets, out string? error)
    {
        error = null;
        ulong length = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            if (i > 0 && spans[i].Offset < 0) error = $"span {i + 1} has the negative offset {spans[i].Offset}";
            length += spans[i].Length;
        }
        if (length != (ulong)buckets.Length) error = $"spans need {length} buckets, have {buckets.Length}";
        double sum = 0;
        foreach (double bucket in buckets)
        {
            if (bucket < 0 || double.IsNaN(bucket)) error = $"a bucket's count is {bucket}";
            sum += bucket;
        }
        return sum;
    }

    public static string Short(Labels series)
    {
        string text = Format(series);
        return text.Length <= 400 ? text : text[..400] + "…";
    }

    /// <summary><c>name{label="value"}</c></summary>
    private static string Format(Labels series)
    {
        var rest = series.Without(Labels.MetricName);
        return rest.IsEmpty ? series.Name : series.Name + rest;
    }

    private static long Clamp(long ms) => Math.Clamp(ms, -62135596800000, 253402300799999);
}
