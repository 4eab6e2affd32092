using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Templates.Formatting;

namespace Pharos.Templates.Tests.Conformance;

/// <summary>One case of the gotemplate folder, and how it is run.</summary>
public sealed record GoTemplateCase(string Id, string Flavor, string Template, bool Html, string? Expect, bool ExpectError, JsonElement Json)
{
    private const string ExternalUrl = "http://testhost:9090/path/prefix";
    private const long EvaluationMs = 1353755652000;

    private static readonly string RuleVariables =
        "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

    public static (List<GoTemplateCase> Cases, JsonElement Samples) Load(string file)
    {
        var root = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        var cases = root.GetProperty("cases").EnumerateArray().Select(c => new GoTemplateCase(
            c.GetProperty("id").GetString()!,
            c.GetProperty("flavor").GetString()!,
            c.GetProperty("template").GetString()!,
            c.TryGetProperty("html", out var html) && html.GetBoolean(),
            c.TryGetProperty("expect", out var expect) ? expect.GetString() : null,
            c.TryGetProperty("expect_error", out var error) && error.GetBoolean(),
            c)).ToList();
        return (cases, root.GetProperty("samples"));
    }

    /// <summary>Null where the outcome is the expected one, else what came out.</summary>
    public string? Run(JsonElement samples)
    {
        string output;
        try
        {
            output = Render(samples);
        }
        catch (TemplateException e)
        {
            return ExpectError ? null : $"expected {Quote(Expect)}, failed: {e.Message}";
        }
        if (ExpectError) return $"expected an error, got {Quote(output)}";
        return output == Expect ? null : $"expected {Quote(Expect)}, got {Quote(output)}";
    }

    private string Render(JsonElement samples)
    {
        bool language = Flavor == "language";
        var options = new TemplateOptions { MissingKey = language ? MissingKey.NoValue : MissingKey.Zero, Html = Html };
        object? data = Json.TryGetProperty("data", out var given) ? Data(given, samples, out bool isAlert) : Nothing(out isAlert);
        string text = isAlert ? RuleVariables + Template : Template;
        var functions = Flavor switch
        {
            "rule" => PrometheusTemplateFunctions.Create(ExternalUrl, EvaluationMs, _ => QueryResult()),
            "language" => TemplateFunctions.None,
            _ => throw new InvalidOperationException($"no functions for flavor {Flavor}"),
        };
        return GoTemplate.Parse("test", text, functions, options).Execute(data);
    }

    private static object? Nothing(out bool isAlert)
    {
        isAlert = false;
        return null;
    }

    private List<VectorSample> QueryResult() => !Json.TryGetProperty("query_result", out var result)
        ? []
        : [.. result.EnumerateArray().Select(s => new VectorSample(
            Labels(s.GetProperty("labels")), EvaluationMs, Number(s.GetProperty("value").GetString()!), null))];

    private static object? Data(JsonElement given, JsonElement samples, out bool isAlert)
    {
        isAlert = false;
        if (given.TryGetProperty("list_of", out var type))
        {
            var values = given.GetProperty("values").EnumerateArray().Select(v => v.GetString()!);
            return type.GetString() switch
            {
                "string" => values.ToList(),
                "float64" => values.Select(Number).ToList(),
                "uint" or "uint64" => values.Select(v => ulong.Parse(v, CultureInfo.InvariantCulture)).ToList(),
                _ => values.Select(v => long.Parse(v, CultureInfo.InvariantCulture)).ToList(),
            };
        }
        if (given.TryGetProperty("json", out var json)) return FromJson(json.ValueKind == JsonValueKind.String ? samples.GetProperty("json") : json, whole: false);
        if (given.TryGetProperty("map", out var map)) return FromJson(map, whole: true);
        if (given.TryGetProperty("time", out var time)) return GoTime.From(time.GetDateTimeOffset());
        if (given.TryGetProperty("alert", out var alert))
        {
            isAlert = true;
            return new RuleTemplateData(
                Labels(alert.GetProperty("labels")),
                Labels(alert.GetProperty("externalLabels")),
                alert.GetProperty("externalURL").GetString()!,
                Number(alert.GetProperty("value").GetString()!));
        }
        throw new InvalidOperationException($"unknown data {given}");
    }

    private static object? FromJson(JsonElement json, bool whole) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().ToDictionary(p => p.Name, p => FromJson(p.Value, whole)),
        JsonValueKind.Array => json.EnumerateArray().Select(e => FromJson(e, whole)).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => whole ? json.GetInt64() : json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static Labels Labels(JsonElement json) =>
        Core.Labels.Of(json.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!)));

    private static double Number(string text) => FloatVerbs.TryParse(text, out double value) ? value : throw new FormatException(text);

    private static string Quote(string? text) => text is null ? "nothing" : GoString.Quote(text);
}
