using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.Otlp;

namespace Pharos.Server.Loki;

/// <summary>
/// <c>POST /otlp/v1/logs</c>: 204 when all is durable; otherwise a google.rpc.Status in the request's own encoding. What cannot be taken
/// for now is 503 or 429, which exporters retry.
/// </summary>
internal sealed class OtlpLogsPush(ILogSink sink, TimeProvider time)
{
    private const int BodyBytesMax = 100 << 20;
    private const long UnpackedBytesMax = 256L << 20;
    private const int InvalidArgument = 3, ResourceExhausted = 8, Unavailable = 14;

    private readonly ConcurrentBag<LogBatch> batches = [];

    public async Task HandleAsync(HttpContext http)
    {
        bool json = (http.Request.ContentType ?? "").StartsWith("application/json", StringComparison.OrdinalIgnoreCase);
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await StatusAsync(http, json, StatusCodes.Status413PayloadTooLarge, InvalidArgument, $"request body too large: over {BodyBytesMax} bytes");
            return;
        }
        if (!batches.TryTake(out var batch)) batch = new LogBatch();
        try
        {
            OtlpLogsDecoder.Decode(body.Memory, json, http.Request.Headers[HeaderNames.ContentEncoding], UnpackedBytesMax, time.UnixNs(), batch);
            var result = await sink.AppendAsync(http.Tenant(), batch, http.RequestAborted);
            if (!result.HasErrors)
            {
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }
            bool limit = result.Errors.Any(e => e.Kind == AppendErrorKind.Limit);
            await StatusAsync(
                http, json, limit ? StatusCodes.Status429TooManyRequests : StatusCodes.Status400BadRequest, limit ? ResourceExhausted : InvalidArgument,
                string.Join('\n', result.Errors.Take(10).Select(e => e.Message)));
        }
        catch (WireFormatException e)
        {
            int status = e.Kind == WireErrorKind.TooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest;
            await StatusAsync(http, json, status, InvalidArgument, e.Message);
        }
        catch (StoreUnavailableException e)
        {
            await StatusAsync(http, json, StatusCodes.Status503ServiceUnavailable, Unavailable, e.Message);
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

    private static Task StatusAsync(HttpContext http, bool json, int status, int code, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = json ? "application/json" : "application/x-protobuf";
        if (json) return http.Response.WriteAsync($"{{\"code\":{code},\"message\":\"{JsonEncodedText.Encode(message)}\"}}", http.RequestAborted);
        // google.rpc.Status: code 1 as a varint, message 2 as text.
        byte[] text = Encoding.UTF8.GetBytes(message);
        using var answer = new MemoryStream();
        answer.Write([0x08, (byte)code, 0x12]);
        uint length = (uint)text.Length;
        for (; length >= 0x80; length >>= 7) answer.WriteByte((byte)(length | 0x80));
        answer.WriteByte((byte)length);
        answer.Write(text);
        return http.Response.Body.WriteAsync(answer.ToArray(), http.RequestAborted).AsTask();
    }
}
