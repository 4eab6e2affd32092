using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Alerting.Tests.Conformance;

/// <summary>The cases of the gotemplate folder with the functions and data of notifications.</summary>
[Trait("Category", "Conformance")]
public sealed class TemplateConformance
{
    private static JsonElement Root => JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Conformance("gotemplate"), "cases.json"))).RootElement;

    [Fact]
    public void Every_notification_template_renders_as_expected()
    {
        var root = Root;
        var cases = root.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("flavor").GetString() == "alertmanager").ToList();
        var run = new ConformanceRun("gotemplate");
        foreach (var one in cases) run.Case(one.GetProperty("id").GetString()!, () => Outcome(one, root.GetProperty("samples"), Expected(one)));
        var listed = ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests/Pharos.Alerting.Tests/Conformance/listed.txt"))
            .Where(l => l.Key.StartsWith("gt-", StringComparison.Ordinal)).ToDictionary();
        run.Verify(cases.Count, listed);
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        var root = Root;
        var one = root.GetProperty("cases").EnumerateArray().First(c => c.GetProperty("flavor").GetString() == "alertmanager");
        Assert.NotNull(Outcome(one, root.GetProperty("samples"), "something else"));
    }

    /// <summary>Null: it must fail.</summary>
    private static string? Expected(JsonElement one) => one.TryGetProperty("expect_error", out _) ? null : one.GetProperty("expect").GetString();

    private static string? Outcome(JsonElement one, JsonElement samples, string? expected)
    {
        string output;
        try
        {
            output = Render(one, samples);
        }
        catch (Exception e) when (e is TemplateException or TemplateFunctionException)
        {
            return expected is null ? null : $"failed: {e.Message}";
        }
        if (expected is null) return $"did not fail, gave {GoString.Quote(output)}";
        return output == expected ? null : $"expected {GoString.Quote(expected)}, got {GoString.Quote(output)}";
    }

    private static string Render(JsonElement one, JsonElement samples)
    {
        var time = new ManualTimeProvider();
        string text = one.GetProperty("template").GetString()!;
        bool html = one.TryGetProperty("html", out var h) && h.GetBoolean();
        object? data = one.TryGetProperty("data", out var given) ? Data(given, samples) : null;
        if (data is NotificationData notification)
        {
            var rendering = new NotificationTemplates([], "", time).For(notification);
            return html ? rendering.Html(text) : rendering.Text(text);
        }
        return GoTemplate.Parse("t", text, NotificationFunctions.Create(time), new TemplateOptions { MissingKey = MissingKey.Zero, Html = html }).Execute(data);
    }

    private static object? Data(JsonElement given, JsonElement samples)
    {
        if (given.TryGetProperty("notification", out var n)) return Notification(n.ValueKind == JsonValueKind.String ? samples.GetProperty("notification") : n);
        if (given.TryGetProperty("list_of", out var type))
        {
            var values = given.GetProperty("values").EnumerateArray().Select(v => v.GetString()!);
            return type.GetString() switch
            {
                "string" => values.ToList(),
                "float64" => values.Select(v => double.Parse(v, CultureInfo.InvariantCulture)).ToList(),
                "uint" => values.Select(v => ulong.Parse(v, CultureInfo.InvariantCulture)).ToList(),
                _ => values.Select(v => long.Parse(v, CultureInfo.InvariantCulture)).ToList(),
            };
        }
        if (given.TryGetProperty("map", out var map)) return FromJson(map);
        if (given.TryGetProperty("time", out var time)) return GoTime.From(time.GetDateTimeOffset());
        throw new InvalidOperationException($"unknown data {given}");
    }

    private static NotificationData Notification(JsonElement json) => new()
    {
        Receiver = Text(json, "Receiver"),
        Status = Text(json, "Status"),
        ExternalURL = Text(json, "ExternalURL"),
        GroupLabels = Map(json, "GroupLabels"),
        CommonLabels = Map(json, "CommonLabels"),
        CommonAnnotations = Map(json, "CommonAnnotations"),
        RouteLabels = Map(json, "RouteLabels"),
        Alerts = new AlertList(json.TryGetProperty("Alerts", out var alerts) ? [.. alerts.EnumerateArray().Select(Alert)] : []),
    };

    private static AlertData Alert(JsonElement json) => new()
    {
        Status = Text(json, "Status"),
        Labels = Map(json, "Labels"),
        Annotations = Map(json, "Annotations"),
        StartsAt = Time(json, "StartsAt"),
        EndsAt = Time(json, "EndsAt"),
        GeneratorURL = Text(json, "GeneratorURL"),
        Fingerprint = Text(json, "Fingerprint"),
    };

    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString()! : "";

    private static GoTime Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && !value.GetString()!.StartsWith("0001", StringComparison.Ordinal) ? GoTime.From(value.GetDateTimeOffset()) : default;

    private static KeyValues Map(JsonElement json, string name) => json.TryGetProperty(name, out var map)
        ? new KeyValues(map.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))) : KeyValues.Nil;

    private static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().ToDictionary(p => p.Name, p => FromJson(p.Value)),
        JsonValueKind.Array => json.EnumerateArray().Select(FromJson).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.GetInt64(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}
