using System.Text.Json;
using System.Text.Json.Serialization;
using Pharos.Collector.Discovery;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Configuration records as text, for comparing by content.</summary>
internal static class ConfigText
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new LabelsText(), new DiscoveryText() } };

    public static string Of(object record) => JsonSerializer.Serialize(record, record.GetType(), Options);

    private sealed class LabelsText : JsonConverter<Labels>
    {
        public override Labels Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("configuration is compared, never read back");

        public override void Write(Utf8JsonWriter writer, Labels value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    /// <summary>A discovery with all that its own kind has.</summary>
    private sealed class DiscoveryText : JsonConverter<DiscoveryOptions>
    {
        public override DiscoveryOptions Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("configuration is compared, never read back");

        public override void Write(Utf8JsonWriter writer, DiscoveryOptions value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value, value.GetType(), options);
    }
}
