using System.Text.Json;

namespace Pharos.Collector.Discovery;

/// <summary>Reads answers of APIs, in which any member may be missing: a missing member is an empty text, an empty list or 0.</summary>
internal static class DiscoveryJson
{
    /// <summary>The member that a path of names leads to; of kind Undefined where there is none.</summary>
    public static JsonElement At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (string name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return default;
        }
        return element;
    }

    /// <summary>A text, or a number or truth value as text.</summary>
    public static string Text(this JsonElement element, params ReadOnlySpan<string> path) => AsText(element.At(path));

    public static bool Flag(this JsonElement element, params ReadOnlySpan<string> path) => element.At(path).ValueKind == JsonValueKind.True;

    public static long Number(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out long value) ? value : 0;

    public static IEnumerable<JsonElement> Items(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var found = element.At(path);
        return found.ValueKind == JsonValueKind.Array ? found.EnumerateArray() : Enumerable.Empty<JsonElement>();
    }

    /// <summary>The members of a list as texts.</summary>
    public static IEnumerable<string> Texts(this JsonElement element, params ReadOnlySpan<string> path) => element.Items(path).Select(AsText);

    public static IEnumerable<JsonProperty> Members(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var found = element.At(path);
        return found.ValueKind == JsonValueKind.Object ? found.EnumerateObject() : Enumerable.Empty<JsonProperty>();
    }

    /// <summary>The members of an object, their values as texts.</summary>
    public static IEnumerable<(string Name, string Value)> Pairs(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.Members(path).Select(m => (m.Name, AsText(m.Value)));

    private static string AsText(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!,
        JsonValueKind.Number => element.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "",
    };
}
