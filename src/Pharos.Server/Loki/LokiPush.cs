using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.Loki;

namespace Pharos.Server.Loki;

/// <summary><c>POST /loki/api/v1/push</c>: 204 when all is durable; otherwise the errors as text, and what was good is stored.</summary>
internal sealed class LokiPush(ILogSink sink)
{
    /// <summary>Largest body as sent (Loki: max_recv_msg_size).</summary>
    private const int BodyBytesMax = 100 << 20;

    private const int ErrorsShownMax = 10;

    private readonly ConcurrentBag<LogBatch> batches = [];

    public Task HandleAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"request body too large: over {BodyBytesMax} bytes");
            return;
        }
        if (!batches.TryTake(out var batch)) batch = new LogBatch();
        try
        {
            await AppendAsync(http, body.Memory, batch);
        }
        catch (WireFormatException e)
        {
            int status = e.Kind == WireErrorKind.TooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest;
            await LokiAnswers.ErrorAsync(http, status, e.Message);
        }
        finally
        {
            batch.Clear();
            batches.Add(batch);
        }
    });

    private async Task AppendAsync(HttpContext http, ReadOnlyMemory<byte> body, LogBatch batch)
    {
        var decoded = LokiPushDecoder.Decode(
            body, http.Request.Headers[HeaderNames.ContentType], http.Request.Headers[HeaderNames.ContentEncoding], LokiPushOptions.Default, batch);
        if (decoded.Streams == 0 && decoded.Errors.Count == 0)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status422UnprocessableEntity, "error at least one valid stream is required for ingestion");
            return;
        }
        var result = await sink.AppendAsync(http.Tenant(), batch, http.RequestAborted);
        var errors = decoded.Errors.Concat(result.Errors).ToList();
        if (errors.Count == 0)
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        // A limit asks the sender to try again, which stores what was good once more: it is then a duplicate and dropped.
        int status = errors.Any(e => e.Kind == AppendErrorKind.Limit) ? StatusCodes.Status429TooManyRequests : StatusCodes.Status400BadRequest;
        string text = string.Join('\n', errors.Take(ErrorsShownMax).Select(e => e.Message));
        if (errors.Count > ErrorsShownMax) text += $"\n… and {errors.Count - ErrorsShownMax} more";
        await LokiAnswers.ErrorAsync(http, status, text);
    }
}
