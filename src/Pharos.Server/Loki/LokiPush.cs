using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Wire;
using Pharos.Wire.Loki;

namespace Pharos.Server.Loki;

/// <summary><c>POST /loki/api/v1/push</c> and <c>/api/prom/push</c>: 204 when all is durable; otherwise the errors as text, and what was good is stored.</summary>
internal sealed class LokiPush(LogDistributor sink)
{
    /// <summary>Largest body as sent (Loki: max_recv_msg_size).</summary>
    private const int BodyBytesMax = 100 << 20;

    private const int ErrorsShownMax = 10;

    private static readonly LokiPushOptions Legacy = new() { Legacy = true };

    private readonly ConcurrentBag<LogBatch> batches = [];

    /// <param name="legacy">JSON is that of <c>/api/prom</c>.</param>
    public Task HandleAsync(HttpContext http, bool legacy) => LokiAnswers.GuardAsync(http, async () =>
    {
        using var body = await PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted);
        if (body is null)
        {
            sink.TooLarge(http.Tenant(), http.Request.ContentLength ?? BodyBytesMax);
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"request body too large: over {BodyBytesMax} bytes");
            return;
        }
        if (!batches.TryTake(out var batch)) batch = new LogBatch();
        try
        {
            await AppendAsync(http, body.Memory, batch, legacy ? Legacy : LokiPushOptions.Default);
        }
        catch (WireFormatException e)
        {
            if (e.Kind == WireErrorKind.TooLarge) sink.TooLarge(http.Tenant(), body.Memory.Length);
            int status = e.Kind == WireErrorKind.TooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest;
            await LokiAnswers.ErrorAsync(http, status, e.Message);
        }
        finally
        {
            batch.Clear();
            batches.Add(batch);
        }
    });

    private async Task AppendAsync(HttpContext http, ReadOnlyMemory<byte> body, LogBatch batch, LokiPushOptions options)
    {
        var decoded = LokiPushDecoder.Decode(
            body, http.Request.Headers[HeaderNames.ContentType], http.Request.Headers[HeaderNames.ContentEncoding], options, batch);
        if (decoded.Streams == 0 && decoded.Errors.Count == 0)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status422UnprocessableEntity, "error at least one valid stream is required for ingestion");
            return;
        }
        sink.LeftOut(http.Tenant(), decoded.Errors);
        if (sink.Blocks(http.Tenant(), batch) is var (blocked, why))
        {
            // Told to be silent, the answer is as if all had been taken.
            if (blocked == StatusCodes.Status200OK) http.Response.StatusCode = StatusCodes.Status200OK;
            else await LokiAnswers.ErrorAsync(http, blocked, why);
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
