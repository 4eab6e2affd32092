using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Builds JSON bodies.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Object(params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        var json = new JsonObject();
        foreach (var (name, value) in members) json[name] = value;
        return json;
    }

    /// <summary>Adds a text unless it is empty.</summary>
    public static JsonObject AddText(this JsonObject json, string name, string? text)
    {
        if (!string.IsNullOrEmpty(text)) json[name] = text;
        return json;
    }

    public static JsonArray Array(IEnumerable<JsonNode?> items) => [.. items];

    public static JsonObject Of(Labels labels)
    {
        var json = new JsonObject();
        foreach (var (name, value) in labels) json[name] = value;
        return json;
    }

    public static JsonObject Of(IEnumerable<KeyValuePair<string, string>> map)
    {
        var json = new JsonObject();
        foreach (var (name, value) in map.OrderBy(m => m.Key, StringComparer.Ordinal)) json[name] = value;
        return json;
    }

    public static string Write(JsonNode json) => json.ToJsonString(Plain);

    /// <summary>RFC 3339 as Go writes it: as many digits of the second as are not zero; null is Go's zero time.</summary>
    public static string Time(DateTimeOffset? instant)
    {
        if (instant is not { } t) return "0001-01-01T00:00:00Z";
        string text = t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture);
        return text + "Z";
    }

    /// <summary>Parses, or null where the text is no JSON.</summary>
    public static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
