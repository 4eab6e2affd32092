using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.LocalPrometheus;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>Reads the remote-write clients of the ruler, and shows them without their secrets.</summary>
internal static partial class RulerClientReader
{
    /// <summary>A client that stands by itself; null where it has mistakes, which are findings.</summary>
    public static RulerRemoteClient? Read(YamlNode node, LimitReader reader)
    {
        Warn(node, reader.Reading);
        var source = YamlOverlay.Absolute(node, reader.Folder, reader.Reading);
        return ReadWhole(source, reader.Reading);
    }

    /// <summary>A client with something laid over it; as it was where that has mistakes.</summary>
    public static RulerRemoteClient Over(RulerRemoteClient client, YamlNode own, LimitReader reader)
    {
        Warn(own, reader.Reading);
        var over = YamlOverlay.Over(client.Source, YamlOverlay.Absolute(own, reader.Folder, reader.Reading), reader.Reading);
        return ReadWhole(over, reader.Reading) ?? client;
    }

    /// <summary>False where a part of a client has mistakes, which are findings.</summary>
    public static bool Check(YamlNode part, LimitReader reader)
    {
        var url = new YamlNode { Kind = YamlKind.Scalar, Style = YamlStyle.Quoted, Value = "http://localhost/" };
        return Over(new RulerRemoteClient(YamlOverlay.Wrap(url, ["url"]), null!), part, reader).Target is not null;
    }

    /// <summary>Writes what was read, each secret and each header as <c>&lt;secret&gt;</c>.</summary>
    /// <param name="part">Only this node of it; null: all of it.</param>
    public static void WriteShown(Utf8JsonWriter json, YamlNode client, YamlNode? part = null)
    {
        // Reading it once more tells where its secrets are; what is wrong with it was said before.
        var reading = new YamlReading("", "");
        ReadWhole(client, reading);
        Write(json, part ?? client, reading);
    }

    /// <summary>A node as JSON, each secret that was read in it as <c>&lt;secret&gt;</c>, and logins in addresses as <c>xxxxx</c>.</summary>
    public static string Masked(YamlNode node, YamlReading reading)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, LimitSetting.Shown)) Write(json, node, reading);
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void Warn(YamlNode written, YamlReading reading)
    {
        foreach (var (key, _) in written.Pairs)
        {
            if (key.Value == "name") reading.Warn(key, "name has no effect: a client is named by the tenant and its id");
            else if (key.Value is "send_exemplars" or "metadata_config") reading.Warn(key, $"{key.Value} has no effect: rules make neither exemplars nor metadata");
        }
    }

    private static RulerRemoteClient? ReadWhole(YamlNode source, YamlReading reading)
    {
        int errors = reading.Findings.Count(f => f.Severity == Severity.Error);
        var section = new YamlSection(source, "the client", reading);
        foreach (var (name, value) in section.Value("headers")?.Pairs ?? [])
        {
            reading.MarkSecret(value);
            if (name.Value.Trim().Equals(RequestTenant.Header, StringComparison.OrdinalIgnoreCase))
                reading.Error(name, $"{RequestTenant.Header} names the tenant whose rules recorded, and cannot be another", "take it out; add_org_id_header says whether it is sent");
        }
        var target = RemoteWriteSection.Read(section, "/");
        return target is null || reading.Findings.Count(f => f.Severity == Severity.Error) > errors ? null : new RulerRemoteClient(source, target);
    }

    [GeneratedRegex("://[^/, ]*@")]
    private static partial Regex UserInfo();

    private static void Write(Utf8JsonWriter json, YamlNode node, YamlReading reading)
    {
        switch (node.Kind)
        {
            case YamlKind.Mapping:
                json.WriteStartObject();
                foreach (var (key, value) in node.Pairs)
                {
                    json.WritePropertyName(key.Value);
                    Write(json, value, reading);
                }
                json.WriteEndObject();
                break;
            case YamlKind.Sequence:
                json.WriteStartArray();
                foreach (var item in node.Items) Write(json, item, reading);
                json.WriteEndArray();
                break;
            default:
                if (reading.IsSecret(node)) json.WriteStringValue(node.Value.Contains("://", StringComparison.Ordinal) ? UserInfo().Replace(node.Value, "://xxxxx@") : "<secret>");
                else if (node.IsNull) json.WriteNullValue();
                else if (node is { Style: YamlStyle.Plain, Value: "true" or "false" }) json.WriteBooleanValue(node.Value == "true");
                else if (node.Style == YamlStyle.Plain && long.TryParse(node.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) json.WriteNumberValue(number);
                else json.WriteStringValue(node.Value);
                break;
        }
    }
}
