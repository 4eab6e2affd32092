using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Fleet;
using Pharos.Server.Http;
using Pharos.Wire;

namespace Pharos.Server.Fleet;

/// <summary>One unary method of the Connect protocol: JSON or protobuf in and out, gzip both ways, errors as JSON.</summary>
internal static class ConnectEndpoint
{
    /// <summary>Largest request, before and after decompression, bytes.</summary>
    private const int BodyBytesMax = 16 << 20;

    /// <param name="safe">The method has no side effects: GET is answered too.</param>
    public static void Map(
        IEndpointRouteBuilder routes, string service, string method, Shape request, Func<TenantId, Message, Message> work, bool safe = false)
    {
        string path = $"/{service}/{method}";
        routes.MapPost(path, http => PostAsync(http, request, work));
        if (safe) routes.MapGet(path, http => GetAsync(http, request, work));
    }

    private static async Task PostAsync(HttpContext http, Shape request, Func<TenantId, Message, Message> work)
    {
        string type = (http.Request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant();
        if (type is not ("application/json" or "application/proto"))
        {
            http.Response.Headers["Accept-Post"] = "application/json, application/proto";
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        byte[]? body;
        try
        {
            body = await BodyAsync(http.Request);
        }
        catch (InvalidDataException)
        {
            await ErrorAsync(http, "invalid_argument", "the body is not valid gzip");
            return;
        }
        if (body is null)
        {
            await ErrorAsync(http, "resource_exhausted", $"the request is larger than {BodyBytesMax} bytes");
            return;
        }
        await AnswerAsync(http, request, type == "application/proto", body, work);
    }

    private static async Task GetAsync(HttpContext http, Shape request, Func<TenantId, Message, Message> work)
    {
        string encoding = http.Request.Query["encoding"].ToString();
        if (encoding is not ("json" or "proto"))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        string text = http.Request.Query["message"].ToString();
        byte[] body;
        try
        {
            body = http.Request.Query["base64"] == "1"
                ? Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='))
                : System.Text.Encoding.UTF8.GetBytes(text);
        }
        catch (FormatException)
        {
            await ErrorAsync(http, "invalid_argument", "message is not valid base64");
            return;
        }
        await AnswerAsync(http, request, encoding == "proto", body, work);
    }

    private static async Task AnswerAsync(HttpContext http, Shape request, bool proto, byte[] body, Func<TenantId, Message, Message> work)
    {
        Message answer;
        try
        {
            var message = proto ? ProtoMessages.Read(request, body) : JsonMessages.Read(request, body);
            answer = work(http.Tenant(), message);
        }
        catch (Exception bad) when (bad is FormatException or WireFormatException)
        {
            await ErrorAsync(http, "invalid_argument", bad.Message);
            return;
        }
        catch (FleetException refused)
        {
            await ErrorAsync(http, Code(refused.Code), refused.Message);
            return;
        }
        catch (StoreUnavailableException failure)
        {
            await ErrorAsync(http, "unavailable", failure.Message);
            return;
        }
        http.Response.ContentType = proto ? "application/proto" : "application/json";
        var bytes = proto ? ProtoMessages.Write(answer) : JsonMessages.Write(answer);
        if (bytes.Length > 1024 && http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new GZipStream(http.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
            await gzip.WriteAsync(bytes, http.RequestAborted);
            return;
        }
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    private static async Task<byte[]?> BodyAsync(HttpRequest request)
    {
        await using var stream = request.Headers.ContentEncoding.ToString().Equals("gzip", StringComparison.OrdinalIgnoreCase)
            ? new GZipStream(request.Body, CompressionMode.Decompress)
            : request.Body;
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0)
        {
            if (body.Length + read > BodyBytesMax) return null;
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }

    private static string Code(FleetErrorCode code) => code switch
    {
        FleetErrorCode.NotFound => "not_found",
        FleetErrorCode.AlreadyExists => "already_exists",
        FleetErrorCode.FailedPrecondition => "failed_precondition",
        FleetErrorCode.ResourceExhausted => "resource_exhausted",
        _ => "invalid_argument",
    };

    private static async Task ErrorAsync(HttpContext http, string code, string message)
    {
        http.Response.StatusCode = code switch
        {
            "not_found" => StatusCodes.Status404NotFound,
            "already_exists" => StatusCodes.Status409Conflict,
            "resource_exhausted" => StatusCodes.Status429TooManyRequests,
            "unavailable" => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status400BadRequest,
        };
        http.Response.ContentType = "application/json";
        using var buffer = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("code", code);
            writer.WriteString("message", message);
            writer.WriteEndObject();
        }
        await http.Response.Body.WriteAsync(buffer.ToArray(), http.RequestAborted);
    }
}
