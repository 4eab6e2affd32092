using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Http;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Prometheus;

/// <summary>
/// <c>/federate?match[]=…</c>: the newest sample of each matching series, with its own time, for another Prometheus to scrape. Text, or
/// protobuf with native histograms where the <c>Accept</c> header prefers that.
/// </summary>
internal sealed class FederateRoutes(IMetricQueryable store, TimeSpan lookback, TimeProvider time, Func<Labels> externalLabels)
{
    /// <param name="lookback">How far back a sample still counts as current.</param>
    /// <param name="externalLabels">Those of this process, as of now; empty for none.</param>
    public static void Map(IEndpointRouteBuilder routes, IMetricQueryable store, TimeSpan lookback, TimeProvider time, Func<Labels> externalLabels) =>
        routes.MapGet("/federate", new FederateRoutes(store, lookback, time, externalLabels).FederateAsync);

    private async Task FederateAsync(HttpContext http)
    {
        List<VectorSample> newest;
        try
        {
            newest = Newest(http);
        }
        catch (QueryException e)
        {
            http.Response.StatusCode = e.Kind == QueryErrorKind.BadData ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError;
            await http.Response.WriteAsync(e.Message + "\n", http.RequestAborted);
            return;
        }
        if (PrefersProtobuf(http.Request))
        {
            http.Response.ContentType = ProtobufWriter.ContentType;
            WriteProtobuf(newest, http.Response.BodyWriter);
        }
        else
        {
            http.Response.ContentType = ExpositionWriter.TextContentType;
            WriteText(newest, http.Response.BodyWriter);
        }
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    /// <summary>By name, then by labels. Series that have ended are left out.</summary>
    private List<VectorSample> Newest(HttpContext http)
    {
        long now = time.UnixMs();
        var range = new TimeRange(now - (long)lookback.TotalMilliseconds + 1, now);
        var found = new Dictionary<Labels, VectorSample>();
        using var samples = new SampleColumns();
        foreach (string? selector in http.Request.Query["match[]"])
        {
            foreach (var series in store.Select(http.Tenant(), PromQlLanguage.ParseSelector(selector ?? ""), range, SelectHints.None, http.RequestAborted))
            {
                if (found.ContainsKey(series.Labels)) continue;
                samples.Clear();
                series.Read(range, samples);
                int last = samples.Count - 1;
                if (last < 0) continue;
                var histogram = samples.HasHistograms ? samples.Histograms[last] : null;
                if (histogram?.IsStale ?? SampleValue.IsStale(samples.Values[last])) continue;
                found[series.Labels] = new VectorSample(series.Labels, samples.Timestamps[last], samples.Values[last], histogram);
            }
        }
        return [.. found.Values.OrderBy(s => s.Labels.Name, StringComparer.Ordinal).ThenBy(s => s.Histogram is not null).ThenBy(s => s.Labels)];
    }

    private void WriteText(List<VectorSample> newest, IBufferWriter<byte> output)
    {
        var outside = externalLabels();
        var text = new ExpositionText(output, ExpositionFormat.Text);
        string family = "";
        // Text has no native histograms.
        foreach (var sample in newest.Where(s => s.Histogram is null))
        {
            if (sample.Labels.Name != family)
            {
                family = sample.Labels.Name;
                text.Type(Encoding.UTF8.GetBytes(family), MetricType.Unknown);
            }
            text.Sample(WithInstance(ExternalLabels.AddTo(sample.Labels, outside)), sample.Value, sample.TimestampMs);
        }
        text.End();
    }

    private void WriteProtobuf(List<VectorSample> newest, IBufferWriter<byte> output)
    {
        var outside = externalLabels();
        using var protobuf = new ProtobufWriter(output);
        foreach (var sample in newest)
        {
            byte[] labels = WithInstance(ExternalLabels.AddTo(sample.Labels, outside));
            if (sample.Histogram is null) protobuf.Sample(sample.Labels.Name, labels, sample.Value, sample.TimestampMs);
            // The message has no custom buckets.
            else if (!sample.Histogram.UsesCustomBuckets) protobuf.Sample(sample.Labels.Name, labels, sample.Histogram, sample.TimestampMs);
        }
        protobuf.End();
    }

    /// <summary>Label bytes that always hold an instance, empty where the series has none: else the scraper would write its own target there.</summary>
    private static byte[] WithInstance(Labels labels)
    {
        if (labels.Has("instance")) return labels.Encoded.ToArray();
        var bytes = new ArrayBufferWriter<byte>(labels.Encoded.Length + 10);
        bool written = false;
        foreach (var label in labels)
        {
            if (!written && label.NameUtf8.SequenceCompareTo("instance"u8) > 0) written = Write(bytes, "instance"u8, default);
            Write(bytes, label.NameUtf8, label.ValueUtf8);
        }
        if (!written) Write(bytes, "instance"u8, default);
        return bytes.WrittenSpan.ToArray();
    }

    private static bool Write(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        to.Advance(LabelCodec.WriteString(to.GetSpan(name.Length + 5), name));
        to.Advance(LabelCodec.WriteString(to.GetSpan(value.Length + 5), value));
        return true;
    }

    private static bool PrefersProtobuf(HttpRequest request)
    {
        double text = 0, protobuf = -1;
        foreach (var accepted in request.GetTypedHeaders().Accept)
        {
            double weight = accepted.Quality ?? 1;
            if (accepted.MediaType.Equals("application/vnd.google.protobuf", StringComparison.OrdinalIgnoreCase) && Is(accepted, "proto", "io.prometheus.client.MetricFamily") && Is(accepted, "encoding", "delimited"))
                protobuf = Math.Max(protobuf, weight);
            else if (accepted.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase)) text = Math.Max(text, weight);
        }
        return protobuf > 0 && protobuf >= text;

        static bool Is(MediaTypeHeaderValue media, string name, string value) => media.Parameters.Any(p => p.Name == name && p.Value == value);
    }
}
