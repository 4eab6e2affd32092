using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Metrics.Tools;
using Pharos.Server.Http;

namespace Pharos.Server.Mimir;

/// <summary>
/// Mimir's block upload: <c>/api/v1/upload/block/{block}/start</c>, <c>/files?path=</c>, <c>/finish</c> and <c>/check</c>.
/// A finished block is verified first, and is part of answers when check says complete.
/// </summary>
internal sealed class BlockUploadRoutes
{
    private const int MetaBytesMax = 1 << 20;

    private readonly MetricStore store;
    private readonly ITenantLimits limits;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<TenantId, BlockUpload> uploads = [];

    private BlockUploadRoutes(MetricStore store, ITenantLimits limits, TimeProvider time) => (this.store, this.limits, this.time) = (store, limits, time);

    public static void Map(IEndpointRouteBuilder routes, MetricStore store, ITenantLimits limits, TimeProvider time)
    {
        var upload = new BlockUploadRoutes(store, limits, time);
        const string path = "/api/v1/upload/block/{block}";
        routes.MapPost(path + "/start", http => upload.RunAsync(http, upload.StartAsync));
        routes.MapPost(path + "/files", http => upload.RunAsync(http, upload.FileAsync));
        routes.MapPost(path + "/finish", http => upload.RunAsync(http, upload.FinishAsync));
        routes.MapGet(path + "/check", http => upload.RunAsync(http, upload.CheckAsync));
    }

    private async Task RunAsync(HttpContext http, Func<HttpContext, string, BlockUpload, Task> work)
    {
        var tenant = http.Tenant();
        try
        {
            if (!limits.For(tenant).BlockUpload) throw new BlockUploadException(400, "block upload is disabled; set compactor_block_upload_enabled");
            await work(http, (string)http.Request.RouteValues["block"]!, uploads.GetOrAdd(tenant, t => new BlockUpload(store.FolderOf(t), time)));
        }
        catch (BlockUploadException wrong)
        {
            await AnswerAsync(http, wrong.Status, wrong.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            http.Response.Headers.RetryAfter = "30";
            await AnswerAsync(http, StatusCodes.Status503ServiceUnavailable, failure.Message);
        }
    }

    private async Task StartAsync(HttpContext http, string block, BlockUpload upload)
    {
        using var body = await PooledBody.ReadAsync(http, MetaBytesMax, http.RequestAborted)
            ?? throw new BlockUploadException(413, $"the body, a meta.json, is larger than {MetaBytesMax} bytes");
        upload.Start(block, body.Memory.ToArray(), Rules(http.Tenant()));
    }

    private Task FileAsync(HttpContext http, string block, BlockUpload upload)
    {
        string path = http.Request.Query["path"].ToString();
        if (path.Length == 0) throw new BlockUploadException(400, "missing or invalid file path");
        if (http.Request.ContentLength == 0) throw new BlockUploadException(400, "file cannot be empty");
        // The sizes in meta.json bound what is read.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        return upload.PutFileAsync(block, path, http.Request.Body, http.RequestAborted);
    }

    private async Task FinishAsync(HttpContext http, string block, BlockUpload upload)
    {
        var tenant = http.Tenant();
        // A sender that gives up waiting does not stop it; check tells how it went.
        bool taken = await Task.Run(() => upload.Finish(block, Rules(tenant), CancellationToken.None));
        if (taken) await store.TakeInAsync(tenant, CancellationToken.None);
    }

    private async Task CheckAsync(HttpContext http, string block, BlockUpload upload)
    {
        var (state, error) = upload.StateOf(block);
        if (state == UploadState.Unknown) throw new BlockUploadException(404, "block doesn't exist");
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("result"u8, state switch
        {
            UploadState.Uploading => "uploading",
            UploadState.Validating => "validating",
            UploadState.Failed => "failed",
            _ => "complete",
        });
        if (error.Length > 0) json.WriteString("error"u8, error);
        json.WriteEndObject();
    }

    private UploadRules Rules(TenantId tenant)
    {
        var own = limits.For(tenant);
        long oldest = own.MetricRetention > TimeSpan.Zero ? time.UnixMs() - (long)own.MetricRetention.TotalMilliseconds : long.MinValue;
        return new UploadRules(own.BlockUploadValidates, own.BlockUploadReadsChunks, own.BlockUploadBytesMax, oldest);
    }

    private static Task AnswerAsync(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(message + "\n");
    }
}
