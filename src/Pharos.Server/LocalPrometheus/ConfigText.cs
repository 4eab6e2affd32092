using System.Text.Json;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Configuration records as text, for comparing by content.</summary>
internal static class ConfigText
{
    public static string Of(object record) => JsonSerializer.Serialize(record, record.GetType(), Options);

    private static readonly JsonSerializerOptions Options = new() { IncludeFields = true };
}
