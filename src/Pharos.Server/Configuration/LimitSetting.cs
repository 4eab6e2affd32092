using System.Text.Encodings.Web;
using System.Text.Json;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>One limit of a tenant: the name it has in a configuration, how it is read, and how its value is written back.</summary>
/// <param name="Meaning">For docs/server.md: what it limits, in which unit.</param>
internal sealed record LimitSetting(
    string Name, string Meaning, Func<TenantLimits, YamlNode, LimitReader, TenantLimits> Read, Action<TenantLimits, Utf8JsonWriter> WriteValue)
{
    public static LimitSetting Whole(string name, string meaning, Func<TenantLimits, long> get, Func<TenantLimits, long, TenantLimits> set, long max = int.MaxValue) =>
        new(name, meaning, (l, n, r) => set(l, r.Whole(n, max)), (l, json) => json.WriteNumberValue(get(l)));

    public static LimitSetting Number(string name, string meaning, Func<TenantLimits, double> get, Func<TenantLimits, double, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Number(n)), (l, json) => json.WriteNumberValue(get(l)));

    public static LimitSetting Duration(string name, string meaning, Func<TenantLimits, TimeSpan> get, Func<TenantLimits, TimeSpan, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Duration(n)), (l, json) => json.WriteStringValue(PromDuration.Format(get(l))));

    public static LimitSetting Size(string name, string meaning, Func<TenantLimits, long> get, Func<TenantLimits, long, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Size(n)), (l, json) => json.WriteStringValue(get(l) == 0 ? "0" : $"{get(l)}B"));

    public static LimitSetting Switch(string name, string meaning, Func<TenantLimits, bool> get, Func<TenantLimits, bool, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Choice(n, ("true", true), ("false", false))), (l, json) => json.WriteBooleanValue(get(l)));

    public static LimitSetting Text(string name, string meaning, Func<TenantLimits, string> get, Func<TenantLimits, string, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Text(n)), (l, json) => json.WriteStringValue(get(l)));

    public static LimitSetting Texts(string name, string meaning, Func<TenantLimits, IReadOnlyList<string>> get, Func<TenantLimits, IReadOnlyList<string>, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Texts(n)), (l, json) =>
        {
            json.WriteStartArray();
            foreach (string text in get(l)) json.WriteStringValue(text);
            json.WriteEndArray();
        });

    /// <summary>The value for a table of settings: as in YAML.</summary>
    public string ValueText(TenantLimits limits)
    {
        using var element = Value(limits);
        return element.RootElement.ValueKind == JsonValueKind.String ? element.RootElement.GetString()! : element.RootElement.GetRawText();
    }

    /// <summary>JSON that is read as YAML by people: nothing in it needs escapes for a page.</summary>
    public static JsonWriterOptions Shown { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private JsonDocument Value(TenantLimits limits)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Shown)) WriteValue(limits, json);
        return JsonDocument.Parse(bytes.ToArray());
    }
}
