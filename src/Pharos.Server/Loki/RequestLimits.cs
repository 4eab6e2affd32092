using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>
/// The limits of one request: the tenant's, and where the tenant may, stricter ones of <c>X-Loki-Query-Limits</c>. Source: Loki's queryLimits.
/// </summary>
internal static class RequestLimits
{
    public const string Header = "X-Loki-Query-Limits";

    /// <exception cref="QueryException">The header cannot be read.</exception>
    public static TenantLimits Of(HttpContext http, ITenantLimits limits)
    {
        var allowed = limits.For(http.Tenant());
        string text = http.Request.Headers[Header].ToString();
        if (text.Length == 0 || !allowed.Logs.PerRequestLimits) return allowed;
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("an object is expected");
            foreach (var property in json.RootElement.EnumerateObject()) allowed = Apply(allowed, property.Name, property.Value);
            return allowed;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new QueryException(QueryErrorKind.BadData, $"{Header} cannot be read: {e.Message}");
        }
    }

    private static TenantLimits Apply(TenantLimits limits, string name, JsonElement value)
    {
        var logs = limits.Logs;
        return name switch
        {
            "maxQueryLength" => limits with { LogQueryLengthMax = Least(limits.LogQueryLengthMax, Duration(value)) },
            "maxQueryLookback" => limits with { QueryLookbackMax = Least(limits.QueryLookbackMax, Duration(value)) },
            "queryTimeout" => limits with { QueryTimeout = Least(limits.QueryTimeout, Duration(value)) },
            "maxEntriesLimitPerQuery" => limits with { LogQueryEntriesMax = (int)Least(limits.LogQueryEntriesMax, value.GetInt32()) },
            "maxQueryRange" => limits with { Logs = logs with { RangeMax = Least(logs.RangeMax, Duration(value)) } },
            "maxQueryBytesRead" => limits with { Logs = logs with { QueryBytesMax = Least(logs.QueryBytesMax, Size(value)) } },
            "requiredLabels" => limits with { Logs = logs with { RequiredLabels = [.. logs.RequiredLabels.Union(value.EnumerateArray().Select(l => l.GetString() ?? ""))] } },
            "requiredNumberLabels" => limits with { Logs = logs with { LabelsMin = Math.Max(logs.LabelsMin, value.GetInt32()) } },
            _ => throw new FormatException($"unknown limit \"{name}\""),
        };
    }

    private static TimeSpan Duration(JsonElement value) =>
        PromDuration.TryParse(value.GetString() ?? "", out var duration, out string? error) ? duration : throw new FormatException(error);

    private static long Size(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number) return value.GetInt64();
        return ByteSize.TryParse(value.GetString(), out long bytes) ? bytes : throw new FormatException($"\"{value.GetString()}\" is no size");
    }

    /// <summary>The smaller of two limits, of which zero is none.</summary>
    private static long Least(long a, long b) => a <= 0 ? b : b <= 0 ? a : Math.Min(a, b);

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => new(Least(a.Ticks, b.Ticks));
}
