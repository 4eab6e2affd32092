using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Alerting;
using Pharos.Core;

namespace Pharos.Server.Alertmanager;

/// <summary>Reads the bodies of API v2 and finds what does not fit its description.</summary>
internal static class AlertmanagerBodies
{
    public const int BodyBytesMax = 32 << 20;

    /// <summary>The body as JSON; null where it is empty.</summary>
    /// <exception cref="ApiRefusalException">Not JSON, or not said to be.</exception>
    public static async Task<JsonDocument?> ReadAsync(HttpContext http, string what)
    {
        string type = http.Request.ContentType ?? "";
        string media = type.Split(';')[0].Trim();
        if (media.Length == 0) media = "application/octet-stream";
        if (!media.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            throw new ApiRefusalException(new ApiRefusal(415, 415, $"unsupported media type \"{type}\", only [application/json] are allowed"));
        using var body = await Http.PooledBody.ReadAsync(http, BodyBytesMax, http.RequestAborted)
            ?? throw new ApiRefusalException(new ApiRefusal(413, 413, $"the body is larger than {BodyBytesMax} bytes; post fewer alerts at once"));
        if (body.Memory.IsEmpty) return null;
        try
        {
            return JsonDocument.Parse(body.Memory.ToArray());
        }
        catch (JsonException e)
        {
            throw new ApiRefusalException(ApiRefusal.Broken(what, e.Message));
        }
    }

    public static List<Alert> Alerts(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Null) return [];
        if (root.ValueKind != JsonValueKind.Array) throw Broken("alerts", "the body is no list of alerts");
        var alerts = new List<Alert>(root.GetArrayLength());
        int i = 0;
        foreach (var item in root.EnumerateArray()) alerts.Add(One(item, i++));
        return alerts;
    }

    public static Silence Silence(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Broken("silence", "the body is no silence");
        string? Text(string name) => Member(root, name) is { } v ? String("silence", name, v) : null;
        string comment = Text("comment") ?? throw Required("comment");
        string createdBy = Text("createdBy") ?? throw Required("createdBy");
        var ends = Time("silence", root, "endsAt") ?? throw Required("endsAt");
        var matchers = Member(root, "matchers") ?? throw Required("matchers");
        if (matchers.ValueKind != JsonValueKind.Array) throw Broken("silence", "matchers is no list");
        if (matchers.GetArrayLength() == 0) throw new ApiRefusalException(new ApiRefusal(422, 612, "matchers in body should have at least 1 items"));
        int i = 0;
        var list = matchers.EnumerateArray().Select(m => Matcher(m, i++)).ToList();
        var starts = Time("silence", root, "startsAt") ?? throw Required("startsAt");
        return new Silence
        {
            Id = Text("id") ?? "",
            Matchers = [.. list.Select(m => m())],
            StartsAt = starts,
            EndsAt = ends,
            CreatedBy = createdBy,
            Comment = comment,
            Annotations = Member(root, "annotations") is { } a ? Map("silence", "annotations", a) : new Dictionary<string, string>(),
        };
    }

    private static Alert One(JsonElement item, int index)
    {
        if (item.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null)) throw Broken("alerts", $"item {index} is no alert");
        if (item.ValueKind == JsonValueKind.Null || Member(item, "labels") is not { } labels) throw Required($"{index}.labels");
        string url = Member(item, "generatorURL") is { } g ? String("alerts", "generatorURL", g) : "";
        if (url.Length > 0 && url[0] != '/' && !Uri.TryCreate(url, UriKind.Absolute, out _))
            throw new ApiRefusalException(ApiRefusal.Type($"{index}.generatorURL", "uri", url));
        return new Alert
        {
            Labels = Labels.Of(Map("alerts", "labels", labels)),
            Annotations = Member(item, "annotations") is { } annotations ? Labels.Of(Map("alerts", "annotations", annotations)) : Labels.Empty,
            StartsAt = Time("alerts", item, "startsAt"),
            EndsAt = Time("alerts", item, "endsAt"),
            GeneratorUrl = url,
        };
    }

    /// <summary>Checked now, built later: a bad expression is the API's error, not the description's.</summary>
    private static Func<Matcher> Matcher(JsonElement item, int index)
    {
        if (item.ValueKind != JsonValueKind.Object) throw Broken("silence", $"matchers[{index}] is no matcher");
        if (Member(item, "isRegex") is not { } isRegex) throw Required($"matchers.{index}.isRegex");
        if (Member(item, "name") is not { } name) throw Required($"matchers.{index}.name");
        if (Member(item, "value") is not { } value) throw Required($"matchers.{index}.value");
        bool regex = Bool("isRegex", isRegex), equal = Member(item, "isEqual") is not { } e || Bool("isEqual", e);
        string nameText = String("silence", "name", name), valueText = String("silence", "value", value);
        var op = (regex, equal) switch
        {
            (false, true) => MatchOp.Equal,
            (false, false) => MatchOp.NotEqual,
            (true, true) => MatchOp.Regex,
            _ => MatchOp.NotRegex,
        };
        return () => new Matcher(op, nameText, valueText);
    }

    private static JsonElement? Member(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string String(string what, string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Broken(what, $"{name} is no text");

    private static bool Bool(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Broken("silence", $"{name} is neither true nor false"),
    };

    private static Dictionary<string, string> Map(string what, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Broken(what, $"{name} is no object");
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            map[member.Name] = member.Value.ValueKind == JsonValueKind.Null ? "" : String(what, $"{name}.{member.Name}", member.Value);
        }
        return map;
    }

    /// <summary>Null where it is absent or Go's zero time.</summary>
    private static DateTimeOffset? Time(string what, JsonElement item, string name)
    {
        if (Member(item, name) is not { } value) return null;
        string text = String(what, name, value);
        if (text.Length == 0 || text.StartsWith("0001-01-01T00:00:00", StringComparison.Ordinal)) return null;
        if (text.Length >= 10 && char.IsAsciiDigit(text[0])
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time;
        throw Broken(what, $"{name}: \"{text}\" is no time; write it as 2006-01-02T15:04:05Z");
    }

    private static ApiRefusalException Broken(string what, string why) => new(ApiRefusal.Broken(what, why));

    private static ApiRefusalException Required(string name) => new(ApiRefusal.Required(name));
}
