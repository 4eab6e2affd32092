using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>The router's state as JSON documents of the catalogue. A document that does not read is left out.</summary>
internal static class StateJson
{
    public static string Write(Silence s) => Json.Write(Json.Object(
        ("id", s.Id),
        ("matchers", Json.Array(s.Matchers.Select(m => Json.Object(("op", Matcher.Symbol(m.Op)), ("name", m.Name), ("value", m.Value))))),
        ("startsAt", Time(s.StartsAt)), ("endsAt", Time(s.EndsAt)), ("updatedAt", Time(s.UpdatedAt)),
        ("createdBy", s.CreatedBy), ("comment", s.Comment), ("annotations", Json.Of(s.Annotations))));

    public static Silence? ReadSilence(string text) => Read(text, json => new Silence
    {
        Id = Text(json, "id"),
        Matchers = [.. ((JsonArray)json["matchers"]!).Select(m => new Matcher(ClassicMatcherParser.Operator(Text(m!, "op")), Text(m!, "name"), Text(m!, "value")))],
        StartsAt = Time(json, "startsAt"),
        EndsAt = Time(json, "endsAt"),
        UpdatedAt = Time(json, "updatedAt"),
        CreatedBy = Text(json, "createdBy"),
        Comment = Text(json, "comment"),
        Annotations = Map(json["annotations"]),
    });

    public static string Write(StoredAlert a) => Json.Write(Json.Object(
        ("labels", Json.Of(a.Labels)), ("annotations", Json.Of(a.Annotations)), ("startsAt", Time(a.StartsAt)), ("endsAt", Time(a.EndsAt)),
        ("updatedAt", Time(a.UpdatedAt)), ("generatorURL", a.GeneratorUrl), ("timedOut", a.TimedOut)));

    public static StoredAlert? ReadAlert(string text) => Read(text, json => new StoredAlert(
        Labels.Of(Map(json["labels"])), Labels.Of(Map(json["annotations"])), Time(json, "startsAt"), Time(json, "endsAt"), Time(json, "updatedAt"),
        Text(json, "generatorURL"), json["timedOut"]?.GetValue<bool>() ?? false));

    public static string Write(LogEntry e) => Json.Write(Json.Object(
        ("groupKey", e.GroupKey), ("receiver", e.Receiver), ("integration", e.Integration), ("index", e.Index), ("at", Time(e.At)), ("expiresAt", Time(e.ExpiresAt)),
        ("firing", Prints(e.Firing)), ("resolved", Prints(e.Resolved)), ("state", Json.Of(e.State))));

    public static LogEntry? ReadLogEntry(string text) => Read(text, json => new LogEntry(
        Text(json, "groupKey"), Text(json, "receiver"), Text(json, "integration"), json["index"]!.GetValue<int>(), Time(json, "at"), Time(json, "expiresAt"),
        Prints(json["firing"]), Prints(json["resolved"]), Map(json["state"])));

    public static string Write(TenantConfig config) => Json.Write(Json.Object(("config", config.Text), ("templates", Json.Of(config.Templates))));

    public static TenantConfig? ReadConfig(string text) => Read(text, json => new TenantConfig(Text(json, "config"), Map(json["templates"])));

    public static string Time(DateTimeOffset t) => t.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static T? Read<T>(string text, Func<JsonNode, T> read) where T : class
    {
        try
        {
            return JsonNode.Parse(text) is { } json ? read(json) : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or InvalidCastException or NullReferenceException or ArgumentException)
        {
            return null;
        }
    }

    private static string Text(JsonNode json, string name) => json[name]?.GetValue<string>() ?? "";

    private static DateTimeOffset Time(JsonNode json, string name) =>
        DateTimeOffset.Parse(Text(json, name), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind | DateTimeStyles.AssumeUniversal);

    private static Dictionary<string, string> Map(JsonNode? json)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (json is JsonObject members)
        {
            foreach (var (name, value) in members) map[name] = value?.ToString() ?? "";
        }
        return map;
    }

    private static JsonArray Prints(IEnumerable<ulong> prints) => Json.Array(prints.Order().Select(p => (JsonNode?)p.ToString("x16")));

    private static HashSet<ulong> Prints(JsonNode? json) =>
        json is JsonArray list ? [.. list.Select(p => ulong.Parse(p!.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture))] : [];
}
