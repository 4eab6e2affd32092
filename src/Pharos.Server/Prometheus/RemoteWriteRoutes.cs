using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.RemoteWrite;
using Pharos.Wire.Compression;

namespace Pharos.Server.Prometheus;

/// <summary>What one remote write request, and all of them together, may cost.</summary>
internal sealed record RemoteWriteReceiverOptions
{
    /// <summary>Largest body as sent. Default 32 MiB.</summary>
    public int BodyBytesMax { get; init; } = 32 << 20;

    /// <summary>Largest body once decompressed, checked before it is. Default 32 MiB, Prometheus's own.</summary>
    public int DecodedBytesMax { get; init; } = 32 << 20;

    /// <summary>Decompressed bytes of all requests in work; more are answered 503. Default 512 MiB.</summary>
    public long InflightBytesMax { get; init; } = 512L << 20;

    /// <summary>Whether a tenant's start timestamps of version 2 reach the sink. Default: no.</summary>
    public Func<TenantId, bool> StartTimestamps { get; init; } = _ => false;

    /// <summary>Whether a tenant's request of version 1 is counted before it is decoded, for <see cref="RefuseOverRate"/>. Default: no.</summary>
    public Func<TenantId, bool> CountsFirst { get; init; } = _ => false;

    /// <summary>The answer to a request of so many float samples that is not to be decoded; null where it is. Default: every one is decoded.</summary>
    public Func<TenantId, int, AppendResult?> RefuseOverRate { get; init; } = (_, _) => null;
}

/// <summary>
/// Remote write 1 and 2: <c>POST /api/v1/push</c> (Mimir) and <c>/api/v1/write</c> (Prometheus).
/// 204 when all is durable; 202 when another replica's samples were taken instead; 400 names what was not taken (the rest is stored) or where the body is broken; 413 over the size limit;
/// 415 for another message or encoding; 429 over a limit; 503 with Retry-After when the store cannot write.
/// </summary>
internal sealed class RemoteWriteRoutes
{
    private static readonly string[] Both = ["/api/v1/push", "/api/v1/write"];

    private readonly IMetricSink sink;
    private readonly RemoteWriteReceiverOptions options;
    private readonly ConcurrentBag<Worker> workers = [];
    private readonly PushMetrics counters;
    private long inflightBytes;

    private RemoteWriteRoutes(IMetricSink sink, Instruments instruments, RemoteWriteReceiverOptions options)
    {
        this.sink = sink;
        this.options = options;
        counters = new PushMetrics(instruments);
    }

    /// <param name="paths">Null: both paths; <c>pharos prometheus</c> maps <c>/api/v1/write</c> alone, and only when enabled.</param>
    public static void Map(
        IEndpointRouteBuilder routes,
        IMetricSink sink,
        Instruments instruments,
        RemoteWriteReceiverOptions? options = null,
        IReadOnlyList<string>? paths = null)
    {
        var receiver = new RemoteWriteRoutes(sink, instruments, options ?? new RemoteWriteReceiverOptions());
        foreach (string path in paths ?? Both) routes.MapPost(path, receiver.PushAsync);
    }

    private async Task PushAsync(HttpContext http)
    {
        var tenant = http.Tenant();
        counters.Requests.With(tenant.Name).Add(1);
        if (!TryVersion(http.Request, out var version, out string refusal))
        {
            await Answer(http, StatusCodes.Status415UnsupportedMediaType, refusal);
            return;
        }
        // A sender of version 2 takes a receiver whose answer has no counts for one that did not understand it.
        if (version == RemoteWriteVersion.V2) WrittenHeaders(http, new AppendResult(0, 0, 0, []));
        using var body = await PooledBody.ReadAsync(http, options.BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await Answer(http, StatusCodes.Status413PayloadTooLarge, $"the request body is larger than {options.BodyBytesMax} bytes; send smaller batches (max_samples_per_send)");
            return;
        }
        if (!SnappyBlock.TryReadLength(body.Span, out long decodedLength, out _))
        {
            await Answer(http, StatusCodes.Status400BadRequest, "the body is not a snappy block (block format, not framed)");
            return;
        }
        if (decodedLength > options.DecodedBytesMax)
        {
            await Answer(http, StatusCodes.Status400BadRequest,
                $"the body decompresses to {decodedLength} bytes, at most {options.DecodedBytesMax} are taken; send smaller batches (max_samples_per_send)");
            return;
        }
        if (Interlocked.Add(ref inflightBytes, decodedLength) > options.InflightBytesMax)
        {
            Interlocked.Add(ref inflightBytes, -decodedLength);
            http.Response.Headers.RetryAfter = "1";
            await Answer(http, StatusCodes.Status503ServiceUnavailable, $"requests in work hold more than {options.InflightBytesMax} bytes; send again later");
            return;
        }
        counters.Inflight.Add(1);
        if (!workers.TryTake(out var worker)) worker = new Worker();
        try
        {
            await TakeAsync(http, tenant, version, body, worker);
        }
        finally
        {
            worker.Batch.Clear();
            workers.Add(worker);
            counters.Inflight.Add(-1);
            Interlocked.Add(ref inflightBytes, -decodedLength);
        }
    }

    private async Task TakeAsync(HttpContext http, TenantId tenant, RemoteWriteVersion version, PooledBody body, Worker worker)
    {
        byte[] decoded = [];
        AppendResult? refused = null;
        int floats = 0;
        try
        {
            decoded = SnappyBlock.Decode(body.Span, options.DecodedBytesMax, out int length);
            var message = decoded.AsSpan(0, length);
            if (version == RemoteWriteVersion.V1 && options.CountsFirst(tenant) && RemoteWriteCount.TryFloats(message, out floats)) refused = options.RefuseOverRate(tenant, floats);
            if (refused is not null) worker.Decoder.Forget();
            else if (version == RemoteWriteVersion.V1) worker.Decoder.DecodeV1(message, worker.Batch);
            else worker.Decoder.DecodeV2(message, worker.Batch, options.StartTimestamps(tenant));
        }
        catch (WireFormatException e)
        {
            await Answer(http, StatusCodes.Status400BadRequest, $"the body is not a {(version == RemoteWriteVersion.V1 ? RemoteWriteHeaders.MessageV1 : RemoteWriteHeaders.MessageV2)}: {e.Message}");
            return;
        }
        finally
        {
            if (decoded.Length > 0) ArrayPool<byte>.Shared.Return(decoded);
        }
        counters.Received.With(tenant.Name).Add(refused is null ? worker.Batch.Samples.Length + worker.Batch.Histograms.Count : floats);
        AppendResult result;
        try
        {
            result = refused ?? (worker.Batch.IsEmpty ? new AppendResult(0, 0, 0, []) : await sink.AppendAsync(tenant, worker.Batch, http.RequestAborted));
        }
        catch (StoreUnavailableException e)
        {
            http.Response.Headers.RetryAfter = "5";
            await Answer(http, StatusCodes.Status503ServiceUnavailable, e.Message);
            return;
        }
        if (version == RemoteWriteVersion.V2) WrittenHeaders(http, result);
        IReadOnlyList<AppendError> errors = worker.Decoder.Rejected.Count == 0 ? result.Errors : [.. worker.Decoder.Rejected, .. result.Errors];
        if (errors.Count == 0)
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        counters.Discard(tenant, worker.Decoder.Rejected);
        int status = StatusCodes.Status400BadRequest;
        if (errors.Any(e => e.Kind == AppendErrorKind.Limit)) status = StatusCodes.Status429TooManyRequests;
        if (errors.Any(e => e.Kind == AppendErrorKind.Unavailable)) status = StatusCodes.Status503ServiceUnavailable;
        if (errors.All(e => e.Kind == AppendErrorKind.Duplicate)) status = StatusCodes.Status202Accepted;
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable) http.Response.Headers.RetryAfter = "1";
        await Answer(http, status, string.Join('\n', errors.Take(20).Select(e => e.Samples > 1 ? $"{e.Message} ({e.Samples} samples)" : e.Message)));
    }

    private static bool TryVersion(HttpRequest request, out RemoteWriteVersion version, out string refusal)
    {
        version = RemoteWriteVersion.V1;
        refusal = "";
        string encoding = request.Headers.ContentEncoding.ToString();
        if (encoding.Length > 0 && !encoding.Equals("snappy", StringComparison.OrdinalIgnoreCase))
        {
            refusal = $"Content-Encoding \"{encoding}\" is not taken; send snappy (block format)";
            return false;
        }
        // Early senders gave no content type at all; Prometheus takes them as version 1.
        if (string.IsNullOrEmpty(request.ContentType)) return true;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var media)
            || !media.MediaType.Equals("application/x-protobuf", StringComparison.OrdinalIgnoreCase))
        {
            refusal = $"Content-Type \"{request.ContentType}\" is not taken; send application/x-protobuf";
            return false;
        }
        string proto = media.Parameters.FirstOrDefault(p => p.Name.Equals("proto", StringComparison.OrdinalIgnoreCase))?.Value.ToString().Trim('"') ?? "";
        switch (proto)
        {
            case "" or RemoteWriteHeaders.MessageV1: return true;
            case RemoteWriteHeaders.MessageV2:
                version = RemoteWriteVersion.V2;
                return true;
            default:
                refusal = $"the message \"{proto}\" is not taken; send {RemoteWriteHeaders.MessageV1} or {RemoteWriteHeaders.MessageV2}";
                return false;
        }
    }

    private static void WrittenHeaders(HttpContext http, AppendResult result)
    {
        http.Response.Headers[RemoteWriteHeaders.SamplesWritten] = result.Samples.ToString();
        http.Response.Headers[RemoteWriteHeaders.HistogramsWritten] = result.Histograms.ToString();
        http.Response.Headers[RemoteWriteHeaders.ExemplarsWritten] = result.Exemplars.ToString();
    }

    private static async Task Answer(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(message + "\n", http.RequestAborted);
    }

    /// <summary>Buffers of one request at a time, kept for the next.</summary>
    private sealed class Worker
    {
        public MetricBatch Batch { get; } = new();

        public RemoteWriteDecoder Decoder { get; } = new();
    }
}
