using System.Net.Http.Headers;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.EndToEnd.Tests.Support;

/// <summary>Remote write and queries, as clients of Prometheus send them.</summary>
internal static class MetricsOverHttp
{
    /// <summary>Sends a batch by remote write 1.</summary>
    /// <param name="path"><c>/api/v1/push</c> of Mimir, or <c>/api/v1/write</c> of Prometheus.</param>
    public static async Task<HttpResponseMessage> PushAsync(HttpClient http, MetricBatch batch, string path = "/api/v1/push")
    {
        using var encoder = new RemoteWriteEncoder();
        using var content = new ByteArrayContent(encoder.Encode(batch, RemoteWriteVersion.V1).ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
        content.Headers.Add("Content-Encoding", "snappy");
        return await http.PostAsync(path, content);
    }

    public static async Task<JsonElement> JsonAsync(HttpClient http, string path)
    {
        using var answer = JsonDocument.Parse(await http.GetStringAsync(path));
        return answer.RootElement.Clone();
    }

    /// <summary>An instant query's series: labels other than the name, and value.</summary>
    public static async Task<List<JsonElement>> ResultAsync(HttpClient http, string query) =>
        [.. (await JsonAsync(http, "/api/v1/query?query=" + Uri.EscapeDataString(query))).GetProperty("data").GetProperty("result").EnumerateArray()];

    /// <summary>A range query's answer as lines, sorted: labels and points exactly as the server wrote them.</summary>
    public static async Task<List<string>> RangeAsync(HttpClient http, string query, long startMs, long endMs, int stepSeconds)
    {
        string url = FormattableString.Invariant(
            $"/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={startMs / 1000}&end={endMs / 1000}&step={stepSeconds}");
        var lines = new List<string>();
        foreach (var series in (await JsonAsync(http, url)).GetProperty("data").GetProperty("result").EnumerateArray())
        {
            var labels = series.GetProperty("metric").EnumerateObject().OrderBy(l => l.Name, StringComparer.Ordinal).Select(l => $"{l.Name}={l.Value}");
            string values = series.TryGetProperty("values", out var floats) ? floats.GetRawText() : "";
            string histograms = series.TryGetProperty("histograms", out var natives) ? natives.GetRawText() : "";
            lines.Add($"{{{string.Join(',', labels)}}} {values}{histograms}");
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }
}
