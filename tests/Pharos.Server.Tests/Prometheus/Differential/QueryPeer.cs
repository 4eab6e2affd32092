using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Prometheus.Differential;

/// <summary>One sample: a float is one number, a histogram its count, its sum and four numbers for each bucket.</summary>
internal readonly record struct AnswerPoint(long TimestampMs, double[] Numbers);

/// <summary>An answer in a comparable form. <see cref="Error"/> is <c>status errorType: message</c>; null for a success.</summary>
internal sealed record Answer(string? Error, SortedDictionary<string, List<AnswerPoint>> Series, IReadOnlyList<string> Annotations)
{
    /// <summary>Status and type of the error, without its words.</summary>
    public string? ErrorType => Error?[..Error.IndexOf(':', StringComparison.Ordinal)];
}

/// <summary>A server that speaks the Prometheus API, written to and asked over HTTP.</summary>
internal sealed class QueryPeer(Uri address) : IDisposable
{
    private readonly HttpClient client = new() { BaseAddress = address };

    public async Task WriteAsync(byte[] request)
    {
        using var content = new ByteArrayContent(request);
        content.Headers.Add("Content-Type", RemoteWriteHeaders.ContentType(RemoteWriteVersion.V1));
        content.Headers.Add("Content-Encoding", "snappy");
        using var message = new HttpRequestMessage(HttpMethod.Post, "/api/v1/write") { Content = content };
        message.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(RemoteWriteVersion.V1));
        using var response = await client.SendAsync(message);
        Assert.True(response.IsSuccessStatusCode, $"{address}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    public Task<Answer> InstantAsync(string query, long timestampMs) => AskAsync("/api/v1/query", ("query", query), ("time", Seconds(timestampMs)));

    public Task<Answer> RangeAsync(string query, long startMs, long endMs, long stepMs) =>
        AskAsync("/api/v1/query_range", ("query", query), ("start", Seconds(startMs)), ("end", Seconds(endMs)), ("step", Seconds(stepMs)));

    public void Dispose() => client.Dispose();

    private async Task<Answer> AskAsync(string path, params (string Name, string Value)[] parameters)
    {
        using var form = new FormUrlEncodedContent(parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)));
        using var response = await client.PostAsync(path, form);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStreamAsync());
        var root = document.RootElement;
        if (root.GetProperty("status").GetString() != "success")
            return new Answer($"{(int)response.StatusCode} {root.GetProperty("errorType").GetString()}: {root.GetProperty("error").GetString()}", [], []);
        var series = new SortedDictionary<string, List<AnswerPoint>>(StringComparer.Ordinal);
        var data = root.GetProperty("data");
        var result = data.GetProperty("result");
        switch (data.GetProperty("resultType").GetString())
        {
            case "scalar":
                series[""] = [Point(result)];
                break;
            case "vector":
                foreach (var sample in result.EnumerateArray())
                    series.Add(Key(sample), [Point(sample.TryGetProperty("value", out var value) ? value : sample.GetProperty("histogram"))]);
                break;
            case "matrix":
                foreach (var line in result.EnumerateArray()) series.Add(Key(line), [.. Points(line, "values"), .. Points(line, "histograms")]);
                break;
        }
        return new Answer(null, series, [.. Texts(root, "warnings"), .. Texts(root, "infos")]);
    }

    private static IEnumerable<string> Texts(JsonElement root, string name) =>
        root.TryGetProperty(name, out var texts) ? texts.EnumerateArray().Select(t => t.GetString()!) : [];

    private static string Key(JsonElement sample) =>
        Labels.Of(sample.GetProperty("metric").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))).ToString();

    private static IEnumerable<AnswerPoint> Points(JsonElement line, string name) =>
        line.TryGetProperty(name, out var points) ? points.EnumerateArray().Select(Point) : [];

    private static AnswerPoint Point(JsonElement pair)
    {
        long at = (long)Math.Round(pair[0].GetDouble() * 1000);
        var value = pair[1];
        if (value.ValueKind == JsonValueKind.String) return new AnswerPoint(at, [Number(value)]);
        var numbers = new List<double> { Number(value.GetProperty("count")), Number(value.GetProperty("sum")) };
        if (value.TryGetProperty("buckets", out var buckets))
        {
            foreach (var bucket in buckets.EnumerateArray()) numbers.AddRange([bucket[0].GetDouble(), Number(bucket[1]), Number(bucket[2]), Number(bucket[3])]);
        }
        return new AnswerPoint(at, [.. numbers]);
    }

    private static double Number(JsonElement text) => text.GetString() switch
    {
        "NaN" => double.NaN,
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        var number => double.Parse(number!, CultureInfo.InvariantCulture),
    };

    private static string Seconds(long ms) => (ms / 1000.0).ToString("R", CultureInfo.InvariantCulture);
}
