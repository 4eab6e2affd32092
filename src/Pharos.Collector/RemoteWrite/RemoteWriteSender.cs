using System.Net;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Queueing;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.RemoteWrite;

/// <summary>Sends one batch after another to one endpoint until each is taken or refused. Not safe for several threads.</summary>
internal sealed class RemoteWriteSender(
    HttpClient client, RemoteWriteEndpointOptions options, string name, TimeProvider time, RemoteWriteInstruments metrics, ILogger logger) : IDisposable
{
    private readonly RemoteWriteEncoder encoder = new();

    public void Dispose() => encoder.Dispose();

    /// <summary>Completes when the receiver has the samples or has refused them for good, or when they are given up.</summary>
    /// <param name="ambiguous">
    /// True where the receiver may have some of the samples already (a restart, a lost answer): a refusal then may be about those alone,
    /// so the batch is halved until only what is really refused is dropped.
    /// </param>
    /// <param name="reasonToGiveUp">Asked before each try; anything but null ends it.</param>
    public async Task SendAsync(MetricBatch batch, bool ambiguous, Func<string?> reasonToGiveUp, CancellationToken cancel)
    {
        int samples = batch.Samples.Length + batch.Histograms.Count;
        var body = encoder.Encode(batch, options.Version).ToArray();
        var backoff = new Backoff(options.BackoffMin, options.BackoffMax);
        for (int attempt = 0; ; attempt++)
        {
            if (reasonToGiveUp() is { } reason)
            {
                metrics.Dropped(reason, samples);
                return;
            }
            var (outcome, error, retryAfter) = await TryAsync(body, attempt, cancel);
            if (outcome == Outcome.Taken)
            {
                if (attempt > 0) RemoteWriteLog.Recovered(logger, name);
                Count(batch, body.Length);
                return;
            }
            if (outcome == Outcome.Refused)
            {
                if (ambiguous && samples > 1)
                {
                    using var first = new MetricBatch();
                    using var second = new MetricBatch();
                    Halve(batch, first, second);
                    await SendAsync(first, true, reasonToGiveUp, cancel);
                    await SendAsync(second, true, reasonToGiveUp, cancel);
                    return;
                }
                metrics.Failed.Add(samples);
                if (batch.Metadata.Count > 0 && samples == 0) metrics.MetadataFailed.Add(batch.Metadata.Count);
                RemoteWriteLog.Refused(logger, name, samples, error);
                return;
            }
            ambiguous = true;
            metrics.Retried.Add(samples);
            if (attempt % 10 == 0) RemoteWriteLog.Retrying(logger, name, error);
            await Task.Delay(backoff.Next(retryAfter), time, cancel);
        }
    }

    private async Task<(Outcome, string Error, TimeSpan? RetryAfter)> TryAsync(byte[] body, int attempt, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, options.Url) { Content = new ByteArrayContent(body) };
            // Not through the typed header: it would write a space after the semicolon, which Prometheus takes for another parameter.
            request.Content.Headers.TryAddWithoutValidation("Content-Type", RemoteWriteHeaders.ContentType(options.Version));
            request.Content.Headers.ContentEncoding.Add("snappy");
            request.Headers.TryAddWithoutValidation(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(options.Version));
            request.Headers.TryAddWithoutValidation("User-Agent", "Pharos/0.1");
            if (attempt > 0) request.Headers.TryAddWithoutValidation("Retry-Attempt", attempt.ToString());
            using var timeout = new CancellationTokenSource(options.Timeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            metrics.Took(time.GetElapsedTime(started));
            if (response.IsSuccessStatusCode)
            {
                // A receiver of version 1 finds nothing it knows in a message of version 2, and says so with success.
                return options.Version == RemoteWriteVersion.V2 && !response.Headers.Contains(RemoteWriteHeaders.SamplesWritten)
                    ? (Outcome.Refused, $"the receiver does not speak remote write 2 (no {RemoteWriteHeaders.SamplesWritten} header); set protobuf_message to {RemoteWriteHeaders.MessageV1}", null)
                    : (Outcome.Taken, "", null);
            }
            string answer = await FirstLineAsync(response.Content, both.Token);
            string error = $"server returned HTTP status {(int)response.StatusCode} {response.ReasonPhrase}: {answer}";
            bool again = (int)response.StatusCode >= 500 || (response.StatusCode == HttpStatusCode.TooManyRequests && options.RetryOnHttp429);
            return (again ? Outcome.Again : Outcome.Refused, error, again ? Backoff.RetryAfter(response.Headers, time) : null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (Outcome.Again, $"no answer within {PromDuration.Format(options.Timeout)}", null);
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
        {
            // No connection, or credentials that cannot be had now: a file that must not be read, a token that is refused.
            return (Outcome.Again, e.Message, null);
        }
    }

    private void Count(MetricBatch batch, int bytes)
    {
        metrics.Samples.Add(batch.Samples.Length);
        metrics.Histograms.Add(batch.Histograms.Count);
        metrics.Exemplars.Add(batch.Exemplars.Count);
        if (batch.SeriesCount == 0) metrics.Metadata.Add(batch.Metadata.Count);
        else metrics.Bytes.Add(bytes);
        long newest = long.MinValue;
        foreach (ref readonly var sample in batch.Samples) newest = Math.Max(newest, sample.TimestampMs);
        if (newest / 1000.0 > metrics.HighestSent.Value) metrics.HighestSent.Set(newest / 1000.0);
    }

    private static void Halve(MetricBatch batch, MetricBatch first, MetricBatch second)
    {
        int half = (batch.Samples.Length + batch.Histograms.Count) / 2, taken = 0;
        var places = new Dictionary<(MetricBatch, int), int>();
        var starts = new StartCursor(batch.Starts);
        for (int i = 0; i < batch.Samples.Length; i++)
        {
            var sample = batch.Samples[i];
            var to = taken++ < half ? first : second;
            to.AddSample(Place(to, sample.Series), sample.TimestampMs, sample.Value);
            to.AddSampleStart(starts.Of(i));
        }
        starts = new StartCursor(batch.HistogramStarts);
        for (int i = 0; i < batch.Histograms.Count; i++)
        {
            var histogram = batch.Histograms[i];
            var to = taken++ < half ? first : second;
            to.AddHistogram(Place(to, histogram.Series), histogram.TimestampMs, histogram.Histogram);
            to.AddHistogramStart(starts.Of(i));
        }
        foreach (var exemplar in batch.Exemplars) second.Exemplars.Add(exemplar with { Series = Place(second, exemplar.Series) });
        second.Metadata.AddRange(batch.Metadata);

        int Place(MetricBatch to, int series)
        {
            if (!places.TryGetValue((to, series), out int place)) places[(to, series)] = place = to.AddSeries(batch.LabelsOf(series));
            return place;
        }
    }

    private static async Task<string> FirstLineAsync(HttpContent content, CancellationToken cancel)
    {
        await using var stream = await content.ReadAsStreamAsync(cancel);
        var buffer = new byte[512];
        int length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return System.Text.Encoding.UTF8.GetString(buffer, 0, length).Split('\n')[0].Trim();
    }

    private enum Outcome
    {
        Taken,
        Refused,
        Again,
    }
}
