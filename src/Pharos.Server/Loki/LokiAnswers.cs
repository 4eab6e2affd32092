using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Pharos.Core;

namespace Pharos.Server.Loki;

/// <summary>How Loki answers: JSON, and errors as plain text.</summary>
internal static class LokiAnswers
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Runs a handler; what it throws becomes Loki's error answer.</summary>
    public static async Task GuardAsync(HttpContext http, Func<Task> handler)
    {
        try
        {
            await handler();
        }
        catch (QueryException e)
        {
            int status = e.Kind switch
            {
                QueryErrorKind.TooMany => StatusCodes.Status429TooManyRequests,
                QueryErrorKind.Timeout => StatusCodes.Status504GatewayTimeout,
                QueryErrorKind.Canceled => StatusCodes.Status499ClientClosedRequest,
                QueryErrorKind.Internal => StatusCodes.Status500InternalServerError,
                _ => StatusCodes.Status400BadRequest,
            };
            await ErrorAsync(http, status, e.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (StoreUnavailableException e)
        {
            await ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, e.Message);
        }
    }

    public static Task ErrorAsync(HttpContext http, int status, string text)
    {
        if (http.Response.HasStarted) return Task.CompletedTask;
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return http.Response.WriteAsync(text + "\n", http.RequestAborted);
    }

    public static async Task JsonAsync(HttpContext http, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        await using (var json = new Utf8JsonWriter(http.Response.BodyWriter, Options)) write(json);
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    /// <summary><c>{"status":"success","data":…}</c></summary>
    public static Task SuccessAsync(HttpContext http, Action<Utf8JsonWriter>? data) => JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("status"u8, "success"u8);
        if (data is not null)
        {
            json.WritePropertyName("data"u8);
            data(json);
        }
        json.WriteEndObject();
    });

    /// <summary>A list of names; left out where it is empty, as Loki does.</summary>
    public static Task NamesAsync(HttpContext http, IReadOnlyCollection<string> names) => SuccessAsync(http, names.Count == 0 ? null : json =>
    {
        json.WriteStartArray();
        foreach (string name in names) json.WriteStringValue(name);
        json.WriteEndArray();
    });

    public static void Labels(Utf8JsonWriter json, Labels labels)
    {
        json.WriteStartObject();
        Pairs(json, labels);
        json.WriteEndObject();
    }

    public static void Pairs(Utf8JsonWriter json, Labels labels)
    {
        foreach (var (name, value) in labels) json.WriteString(name, value);
    }

    public static void Warnings(Utf8JsonWriter json, IReadOnlyList<string> warnings)
    {
        json.WriteStartArray("warnings"u8);
        foreach (string warning in warnings) json.WriteStringValue(warning);
        json.WriteEndArray();
    }

    /// <summary>Text from a line: bytes that are no UTF-8 show as replacement characters.</summary>
    public static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> utf8)
    {
        if (Utf8.IsValid(utf8)) json.WriteStringValue(utf8);
        else json.WriteStringValue(Encoding.UTF8.GetString(utf8));
    }

    /// <summary><c>[seconds,"value"]</c></summary>
    public static void Point(Utf8JsonWriter json, long timestampMs, double value)
    {
        json.WriteStartArray();
        json.WriteRawValue(Seconds(timestampMs), skipInputValidation: true);
        json.WriteStringValue(Number(value));
        json.WriteEndArray();
    }

    public static string Seconds(long timestampMs) => timestampMs % 1000 == 0
        ? (timestampMs / 1000).ToString(CultureInfo.InvariantCulture)
        : (timestampMs / 1000m).ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>A number without exponent, as Prometheus writes sample values.</summary>
    public static string Number(double value)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int e = text.IndexOf('E');
        if (e < 0) return text;
        int exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        bool negative = text[0] == '-';
        string mantissa = text[(negative ? 1 : 0)..e];
        int point = mantissa.IndexOf('.');
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int place = (point < 0 ? mantissa.Length : point) + exponent;
        string plain = place <= 0 ? "0." + new string('0', -place) + digits
            : place >= digits.Length ? digits.PadRight(place, '0')
            : digits[..place] + "." + digits[place..];
        return negative ? "-" + plain : plain;
    }
}
