using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Pharos.Server.Alertmanager;

/// <summary>Answers in the forms of Alertmanager's API v2.</summary>
internal static class AlertmanagerReply
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A JSON body.</summary>
    public static async Task JsonAsync(HttpContext http, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        await using (var json = new Utf8JsonWriter(body, Plain)) write(json);
        body.Write("\n"u8);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.WrittenCount;
        await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }

    /// <summary>An error of the API itself: a bare JSON text.</summary>
    public static Task ErrorAsync(HttpContext http, int status, string message) => JsonAsync(http, json => json.WriteStringValue(message), status);

    /// <summary>An error found before the API: <c>{"code":…,"message":…}</c>. The code says which check failed.</summary>
    public static Task RefuseAsync(HttpContext http, ApiRefusal refusal) => JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteNumber("code", refusal.Code);
        json.WriteString("message", refusal.Message);
        json.WriteEndObject();
    }, refusal.Status);

    public static async Task TextAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(text, Encoding.UTF8, http.RequestAborted);
    }

    /// <summary>RFC 3339 with milliseconds, UTC.</summary>
    public static string Time(DateTimeOffset t) => t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A request that does not fit the API's description.</summary>
/// <param name="Code">Alertmanager's own: 600s for parts of the body, else the status.</param>
internal sealed record ApiRefusal(int Status, int Code, string Message)
{
    public static ApiRefusal Required(string name, string place = "body") => new(422, 602, $"{name} in {place} is required");

    public static ApiRefusal Type(string name, string type, string value, string place = "body") => new(422, 601, $"{name} in {place} must be of type {type}: \"{value}\"");

    public static ApiRefusal Broken(string what, string why) => new(400, 400, $"parsing {what} body from \"\" failed, because {why}");
}

/// <summary>Thrown while a body is read.</summary>
internal sealed class ApiRefusalException(ApiRefusal refusal) : Exception(refusal.Message)
{
    public ApiRefusal Refusal { get; } = refusal;
}
