using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Otlp;

/// <summary>Answers of the OTLP/HTTP receivers, in the request's own encoding. Source: the OTLP specification, "OTLP/HTTP response".</summary>
internal static class OtlpAnswer
{
    /// <summary>Codes of google.rpc.Status.</summary>
    public const int InvalidArgument = 3, ResourceExhausted = 8, Unavailable = 14;

    public static bool IsJson(HttpContext http) => Is(http, "application/json");

    public static bool IsProtobuf(HttpContext http) => Is(http, "application/x-protobuf");

    /// <summary>A google.rpc.Status: code 1 as a number, message 2 as text.</summary>
    public static async Task StatusAsync(HttpContext http, bool json, int status, int code, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = ContentType(json);
        if (json)
        {
            await http.Response.WriteAsync($"{{\"code\":{code},\"message\":\"{JsonEncodedText.Encode(message)}\"}}", http.RequestAborted);
            return;
        }
        using var answer = new ProtoBuffer();
        answer.Field(1, (ulong)code);
        answer.Field(2, message);
        await http.Response.Body.WriteAsync(answer.WrittenMemory, http.RequestAborted);
    }

    /// <summary>200 with an ExportMetricsServiceResponse: <c>partial_success</c> says what was left out and why; empty where nothing was.</summary>
    public static async Task MetricsAsync(HttpContext http, bool json, long rejectedPoints, string message)
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = ContentType(json);
        if (json)
        {
            string partial = rejectedPoints == 0 && message.Length == 0 ? ""
                : $"\"partialSuccess\":{{\"rejectedDataPoints\":\"{rejectedPoints}\",\"errorMessage\":\"{JsonEncodedText.Encode(message)}\"}}";
            await http.Response.WriteAsync($"{{{partial}}}", http.RequestAborted);
            return;
        }
        using var answer = new ProtoBuffer();
        if (rejectedPoints > 0 || message.Length > 0)
        {
            int partial = answer.Begin(1);
            answer.Field(1, rejectedPoints);
            answer.Field(2, message);
            answer.End(partial);
        }
        await http.Response.Body.WriteAsync(answer.WrittenMemory, http.RequestAborted);
    }

    private static string ContentType(bool json) => json ? "application/json" : "application/x-protobuf";

    private static bool Is(HttpContext http, string type) =>
        MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var media) && media.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase);
}
