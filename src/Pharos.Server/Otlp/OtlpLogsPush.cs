using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.Loki;
using Pharos.Wire;
using Pharos.Wire.Otlp;

namespace Pharos.Server.Otlp;

/// <summary>
/// <c>POST /otlp/v1/logs</c>: 204 when all is durable; otherwise a google.rpc.Status in the request's own encoding. What cannot be taken
/// for now is 503 or 429, which exporters retry.
/// </summary>
internal sealed class OtlpLogsPush(LogDistributor sink, ITenantLimits limits, TimeProvider time)
{
    private const int BodyBytesMax = 100 << 20;
    private const long UnpackedBytesMax = 256L << 20;

    private readonly ConcurrentBag<LogBatch> batches = [];

    public async Task HandleAsync(HttpContext http)
    {
        bool json = OtlpAnswer.IsJson(http);
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            sink.TooLarge(http.Tenant(), http.Request.ContentLength ?? BodyBytesMax);
            await OtlpAnswer.StatusAsync(http, json, StatusCodes.Status413PayloadTooLarge, OtlpAnswer.InvalidArgument, $"request body too large: over {BodyBytesMax} bytes");
            return;
        }
        if (!batches.TryTake(out var batch)) batch = new LogBatch();
        try
        {
            OtlpLogsDecoder.Decode(body.Memory, json, http.Request.Headers[HeaderNames.ContentEncoding], UnpackedBytesMax, time.UnixNs(), limits.For(http.Tenant()).Logs.Otlp, batch);
            if (sink.Blocks(http.Tenant(), batch) is var (blocked, why))
            {
                if (blocked == StatusCodes.Status200OK) http.Response.StatusCode = StatusCodes.Status200OK;
                else await OtlpAnswer.StatusAsync(http, json, blocked, OtlpAnswer.ResourceExhausted, why);
                return;
            }
            var result = await sink.AppendAsync(http.Tenant(), batch, http.RequestAborted);
            if (!result.HasErrors)
            {
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }
            bool limit = result.Errors.Any(e => e.Kind == AppendErrorKind.Limit);
            await OtlpAnswer.StatusAsync(
                http, json, limit ? StatusCodes.Status429TooManyRequests : StatusCodes.Status400BadRequest, limit ? OtlpAnswer.ResourceExhausted : OtlpAnswer.InvalidArgument,
                string.Join('\n', result.Errors.Take(10).Select(e => e.Message)));
        }
        catch (WireFormatException e)
        {
            if (e.Kind == WireErrorKind.TooLarge) sink.TooLarge(http.Tenant(), body.Memory.Length);
            int status = e.Kind == WireErrorKind.TooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest;
            await OtlpAnswer.StatusAsync(http, json, status, OtlpAnswer.InvalidArgument, e.Message);
        }
        catch (StoreUnavailableException e)
        {
            await OtlpAnswer.StatusAsync(http, json, StatusCodes.Status503ServiceUnavailable, OtlpAnswer.Unavailable, e.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        finally
        {
            batch.Clear();
            batches.Add(batch);
        }
    }
}
