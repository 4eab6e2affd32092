using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.Compression;
using Pharos.Wire.Influx;

namespace Pharos.Server.Prometheus;

/// <summary>
/// InfluxDB line protocol: <c>/api/v1/push/influx/write</c> (Mimir), <c>/api/v2/write</c> and <c>/write</c> (InfluxDB 2 and 1).
/// 204 when all is durable; 400 names the lines that were left out, while the others are stored; 413, 429 and 503 as for remote write.
/// </summary>
internal sealed class InfluxRoutes(IMetricSink sink, TimeProvider time, Instruments instruments)
{
    private const int BodyBytesMax = 100 << 20;
    private const long UnpackedBytesMax = 100L << 20;

    private readonly PushMetrics counters = new(instruments);
    private readonly ConcurrentBag<Worker> workers = [];

    /// <summary>Bodies unpacked at one time: it is work for the processor, and it bounds the memory that small bodies can grow to.</summary>
    private readonly SemaphoreSlim decoding = new(Math.Max(2, Environment.ProcessorCount));

    public static void Map(IEndpointRouteBuilder routes, IMetricSink sink, TimeProvider time, Instruments instruments)
    {
        var receiver = new InfluxRoutes(sink, time, instruments);
        foreach (string path in (string[])["/api/v1/push/influx/write", "/api/v2/write", "/write"]) routes.MapPost(path, receiver.PushAsync);
    }

    private async Task PushAsync(HttpContext http)
    {
        counters.Requests.With(http.Tenant().Name).Add(1);
        string? asked = http.Request.Query["precision"];
        if (InfluxDecoder.PrecisionOf(asked) is not { } precision)
        {
            await ErrorAsync(http, StatusCodes.Status400BadRequest, "invalid", $"precision \"{asked}\" is not known; use ns, us, ms, s, m or h");
            return;
        }
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, "request too large", $"the request body is larger than {BodyBytesMax} bytes");
            return;
        }
        if (!workers.TryTake(out var worker)) worker = new Worker();
        counters.Inflight.Add(1);
        try
        {
            await DecodeAsync(http, body, precision, worker);
            await TakeAsync(http, worker);
        }
        catch (WireFormatException e)
        {
            int status = e.Kind switch { WireErrorKind.TooLarge => StatusCodes.Status413PayloadTooLarge, WireErrorKind.Unsupported => StatusCodes.Status415UnsupportedMediaType, _ => StatusCodes.Status400BadRequest };
            await ErrorAsync(http, status, "invalid", e.Message);
        }
        catch (StoreUnavailableException e)
        {
            http.Response.Headers.RetryAfter = "5";
            await ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "unavailable", e.Message);
        }
        finally
        {
            counters.Inflight.Add(-1);
            worker.Batch.Clear();
            workers.Add(worker);
        }
    }

    private async Task DecodeAsync(HttpContext http, PooledBody body, InfluxPrecision precision, Worker worker)
    {
        await decoding.WaitAsync(http.RequestAborted);
        try
        {
            using var opened = PackedBody.Open(body.Memory, http.Request.Headers[HeaderNames.ContentEncoding], UnpackedBytesMax);
            worker.Decoder.Decode(opened.Message.Span, precision, time.UnixMs(), worker.Batch);
        }
        finally
        {
            decoding.Release();
        }
    }

    private async Task TakeAsync(HttpContext http, Worker worker)
    {
        var tenant = http.Tenant();
        counters.Received.With(tenant.Name).Add(worker.Batch.Samples.Length);
        var result = worker.Batch.IsEmpty ? new AppendResult(0, 0, 0, []) : await sink.AppendAsync(tenant, worker.Batch, http.RequestAborted);
        // What another replica has sent already is not missing.
        AppendError[] errors = [.. worker.Decoder.Rejected, .. result.Errors.Where(e => e.Kind != AppendErrorKind.Duplicate)];
        counters.Discard(tenant, worker.Decoder.Rejected);
        if (errors.Length == 0)
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        if (errors.FirstOrDefault(e => e.Kind != AppendErrorKind.BadData) is { } later)
        {
            http.Response.Headers.RetryAfter = "1";
            bool limit = later.Kind == AppendErrorKind.Limit;
            await ErrorAsync(http, limit ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable, limit ? "too many requests" : "unavailable", later.Message);
            return;
        }
        string text = string.Join('\n', errors.Take(30).Select(e => e.Message));
        await ErrorAsync(http, StatusCodes.Status400BadRequest, "invalid", $"partial write: {text} dropped={errors.Sum(e => (long)e.Samples)}");
    }

    /// <summary>An error in the shape of InfluxDB 1 (<c>error</c>) and 2 (<c>code</c>, <c>message</c>) at once.</summary>
    private static async Task ErrorAsync(HttpContext http, int status, string code, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        var text = JsonEncodedText.Encode(message);
        await http.Response.WriteAsync($"{{\"code\":\"{code}\",\"message\":\"{text}\",\"error\":\"{text}\"}}", http.RequestAborted);
    }

    /// <summary>Buffers of one request at a time, kept for the next.</summary>
    private sealed class Worker
    {
        public MetricBatch Batch { get; } = new();

        public InfluxDecoder Decoder { get; } = new();
    }
}
