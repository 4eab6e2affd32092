using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.Prometheus;
using Pharos.Wire;
using Pharos.Wire.Otlp;

namespace Pharos.Server.Otlp;

/// <summary>
/// OTLP/HTTP metrics: <c>/otlp/v1/metrics</c> (Mimir) and <c>/api/v1/otlp/v1/metrics</c> (Prometheus). 200 when all that is good is
/// durable, with <c>partial_success</c> where points were left out; 400 where the body cannot be read; 413 over the size limit; 415 for
/// another content type; 429 over a rate limit and 503 when the store cannot write, both with Retry-After.
/// </summary>
internal sealed class OtlpMetricsRoutes
{
    private const int BodyBytesMax = 100 << 20;

    /// <summary>Mimir: max_otlp_request_size.</summary>
    private const long UnpackedBytesMax = 100L << 20;

    private const int ErrorsShownMax = 10;

    private readonly IMetricSink sink;
    private readonly Func<TenantId, OtlpSettings> settings;
    private readonly TimeSpan lookback;
    private readonly TimeProvider time;
    private readonly PushMetrics counters;
    private readonly ConcurrentDictionary<TenantId, OtlpStreams> streams = [];
    private readonly ConcurrentBag<Worker> workers = [];

    /// <summary>Bodies unpacked at one time: it is work for the processor, and it bounds the memory that small bodies can grow to.</summary>
    private readonly SemaphoreSlim decoding = new(Math.Max(2, Environment.ProcessorCount));

    private OtlpMetricsRoutes(IMetricSink sink, Func<TenantId, OtlpSettings> settings, TimeSpan lookback, TimeProvider time, Instruments instruments)
    {
        this.sink = sink;
        this.settings = settings;
        this.lookback = lookback;
        this.time = time;
        counters = new PushMetrics(instruments);
    }

    /// <param name="settings">A tenant's; asked for at every request.</param>
    /// <param name="lookback">The query engine's.</param>
    public static void Map(
        IEndpointRouteBuilder routes, IMetricSink sink, Func<TenantId, OtlpSettings> settings, TimeSpan lookback, TimeProvider time, Instruments instruments,
        params IReadOnlyList<string> paths)
    {
        var receiver = new OtlpMetricsRoutes(sink, settings, lookback, time, instruments);
        foreach (string path in paths) routes.MapPost(path, receiver.PushAsync);
    }

    private async Task PushAsync(HttpContext http)
    {
        counters.Requests.With(http.Tenant().Name).Add(1);
        bool json = OtlpAnswer.IsJson(http);
        if (!json && !OtlpAnswer.IsProtobuf(http))
        {
            await OtlpAnswer.StatusAsync(http, json, StatusCodes.Status415UnsupportedMediaType, OtlpAnswer.InvalidArgument, $"Content-Type \"{http.Request.ContentType}\" is not taken; send application/x-protobuf or application/json");
            return;
        }
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await OtlpAnswer.StatusAsync(http, json, StatusCodes.Status413PayloadTooLarge, OtlpAnswer.InvalidArgument, $"the request body is larger than {BodyBytesMax} bytes; send smaller batches");
            return;
        }
        if (!workers.TryTake(out var worker)) worker = new Worker();
        counters.Inflight.Add(1);
        try
        {
            await TakeAsync(http, json, body.Memory, worker);
        }
        catch (WireFormatException e)
        {
            int status = e.Kind switch { WireErrorKind.TooLarge => StatusCodes.Status413PayloadTooLarge, WireErrorKind.Unsupported => StatusCodes.Status415UnsupportedMediaType, _ => StatusCodes.Status400BadRequest };
            await OtlpAnswer.StatusAsync(http, json, status, OtlpAnswer.InvalidArgument, e.Message);
        }
        catch (StoreUnavailableException e)
        {
            await RetryAsync(http, json, StatusCodes.Status503ServiceUnavailable, OtlpAnswer.Unavailable, e.Message, worker);
        }
        finally
        {
            counters.Inflight.Add(-1);
            worker.Batch.Clear();
            workers.Add(worker);
        }
    }

    private async Task TakeAsync(HttpContext http, bool json, ReadOnlyMemory<byte> body, Worker worker)
    {
        var tenant = http.Tenant();
        var ofTenant = streams.GetOrAdd(tenant, _ => new OtlpStreams(time));
        await decoding.WaitAsync(http.RequestAborted);
        try
        {
            worker.Decoder.Decode(
                body, json, http.Request.Headers[HeaderNames.ContentEncoding], UnpackedBytesMax, settings(tenant), lookback, ofTenant, worker.Batch);
        }
        finally
        {
            decoding.Release();
        }
        counters.Received.With(tenant.Name).Add(worker.Batch.Samples.Length + worker.Batch.Histograms.Count);
        var result = worker.Batch.IsEmpty ? new AppendResult(0, 0, 0, []) : await sink.AppendAsync(tenant, worker.Batch, http.RequestAborted);
        counters.Discard(tenant, worker.Decoder.Rejected);
        if (result.Errors.FirstOrDefault(e => e.Kind is AppendErrorKind.Limit or AppendErrorKind.Unavailable) is { } later)
        {
            bool limit = later.Kind == AppendErrorKind.Limit;
            await RetryAsync(
                http, json, limit ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable,
                limit ? OtlpAnswer.ResourceExhausted : OtlpAnswer.Unavailable, later.Message, worker);
            return;
        }
        // What another replica has sent already is not missing.
        AppendError[] errors = [.. worker.Decoder.Rejected, .. result.Errors.Where(e => e.Kind != AppendErrorKind.Duplicate)];
        // The store counts samples, and a histogram is several: never more points than were sent.
        await OtlpAnswer.MetricsAsync(http, json, Math.Min(worker.Decoder.Points, errors.Sum(e => (long)e.Samples)), Text(errors));
    }

    private static string Text(IEnumerable<AppendError> errors) =>
        string.Join('\n', errors.Take(ErrorsShownMax).Select(e => e.Samples > 1 ? $"{e.Message} ({e.Samples} times)" : e.Message));

    private static Task RetryAsync(HttpContext http, bool json, int status, int code, string message, Worker worker)
    {
        worker.Decoder.Undo();
        http.Response.Headers.RetryAfter = status == StatusCodes.Status503ServiceUnavailable ? "5" : "1";
        return OtlpAnswer.StatusAsync(http, json, status, code, message);
    }

    /// <summary>Buffers of one request at a time, kept for the next.</summary>
    private sealed class Worker
    {
        public MetricBatch Batch { get; } = new();

        public OtlpMetricsDecoder Decoder { get; } = new();
    }
}
