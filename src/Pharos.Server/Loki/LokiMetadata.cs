using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Labels, series, sizes: answers from stream labels and block headers alone.</summary>
internal sealed class LokiMetadata(ILogQueryable store, TimeProvider time)
{
    private const int PointsMax = 11_000;

    private static readonly HashSet<string> AlwaysShown = new(StringComparer.Ordinal) { "cluster", "namespace", "instance", "pod" };

    public Task LabelsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var streams = await StreamsAsync(http);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            foreach (var label in stream) names.Add(label.Name);
        }
        await LokiAnswers.NamesAsync(http, names);
    });

    public Task ValuesAsync(HttpContext http, string name) => LokiAnswers.GuardAsync(http, async () =>
    {
        var streams = await StreamsAsync(http);
        var values = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            if (stream.TryGetValue(name, out string? value)) values.Add(value);
        }
        await LokiAnswers.NamesAsync(http, values);
    });

    public Task SeriesAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time);
        var selectors = request.All("match[]").Concat(request.All("match")).Select(LogQl.Selector).ToList();
        if (selectors.Any(s => s.Count == 0)) selectors = [];
        var streams = store.Streams(http.Tenant(), selectors, start, end + 1, http.RequestAborted);
        await LokiAnswers.SuccessAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var stream in streams) LokiAnswers.Labels(json, stream);
            json.WriteEndArray();
        });
    });

    public Task StatsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time);
        var volumes = store.Volumes(http.Tenant(), LogQl.MatchersOf(request.Required("query")), start, end, http.RequestAborted);
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("streams"u8, volumes.Count);
            json.WriteNumber("chunks"u8, volumes.Sum(v => v.Volume.Chunks));
            json.WriteNumber("entries"u8, volumes.Sum(v => v.Volume.Entries));
            json.WriteNumber("bytes"u8, volumes.Sum(v => v.Volume.Bytes));
            json.WriteEndObject();
        });
    });

    public Task VolumeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time);
        var totals = Totals(http, request, start, end);
        await ResultAsync(http, "vector", json =>
        {
            foreach (var (labels, bytes) in totals)
            {
                json.WriteStartObject();
                json.WritePropertyName("metric"u8);
                LokiAnswers.Labels(json, labels);
                json.WritePropertyName("value"u8);
                LokiAnswers.Point(json, end / 1_000_000, bytes);
                json.WriteEndObject();
            }
        });
    });

    public Task VolumeRangeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time);
        long step = request.Step(start, end);
        if ((end - start) / step > PointsMax) throw new QueryException(QueryErrorKind.BadData, "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
        var kept = Totals(http, request, start, end).Select(t => t.Labels).ToList();
        var points = kept.ToDictionary(l => l, _ => new List<(long Ms, long Bytes)>());
        for (long at = start; at < end; at += step)
        {
            foreach (var (labels, bytes) in Totals(http, request, at, Math.Min(end, at + step)))
            {
                if (points.TryGetValue(labels, out var list)) list.Add((Math.Min(end, at + step) / 1_000_000, bytes));
            }
        }
        await ResultAsync(http, "matrix", json =>
        {
            foreach (var labels in kept)
            {
                json.WriteStartObject();
                json.WritePropertyName("metric"u8);
                LokiAnswers.Labels(json, labels);
                json.WriteStartArray("values"u8);
                foreach (var (ms, bytes) in points[labels]) LokiAnswers.Point(json, ms, bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
        });
    });

    public Task DetectedLabelsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var streams = await StreamsAsync(http);
        var values = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            foreach (var (name, value) in stream)
            {
                if (!values.TryGetValue(name, out var set)) values[name] = set = new HashSet<string>(StringComparer.Ordinal);
                set.Add(value);
            }
        }
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("detectedLabels"u8);
            foreach (var (name, set) in values)
            {
                if (!AlwaysShown.Contains(name) && set.All(v => double.TryParse(v, out _) || Guid.TryParse(v, out _))) continue;
                json.WriteStartObject();
                json.WriteString("label"u8, name);
                json.WriteNumber("cardinality"u8, set.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    });

    private async Task<IReadOnlyList<Labels>> StreamsAsync(HttpContext http)
    {
        var request = await LokiRequest.ReadAsync(http);
        // Label names change slowly: without a range, look back further than queries do.
        var (start, end) = request.Range(time, TimeSpan.FromHours(6));
        var matchers = request["query"] is { Length: > 0 } query ? LogQl.Selector(query) : [];
        return store.Streams(http.Tenant(), matchers.Count == 0 ? [] : [matchers], start, end + 1, http.RequestAborted);
    }

    /// <summary>Bytes by what the request groups by, the largest first.</summary>
    private List<(Labels Labels, long Bytes)> Totals(HttpContext http, LokiRequest request, long start, long end)
    {
        var matchers = LogQl.Selector(request.Required("query"));
        var targets = (request["targetLabels"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        bool byName = (request["aggregateBy"] ?? "series") switch
        {
            "series" => false,
            "labels" => true,
            var other => throw new QueryException(QueryErrorKind.BadData, $"invalid aggregation option \"{other}\": use series or labels"),
        };
        string[] names = targets.Length > 0 ? targets : byName ? [] : [.. matchers.Select(m => m.Name).Distinct(StringComparer.Ordinal)];
        var totals = new Dictionary<Labels, long>();
        foreach (var (stream, volume) in store.Volumes(http.Tenant(), matchers, start, end, http.RequestAborted))
        {
            if (!byName)
            {
                var group = stream.Only(names);
                if (!group.IsEmpty) totals[group] = totals.GetValueOrDefault(group) + volume.Bytes;
                continue;
            }
            foreach (var label in stream)
            {
                string name = label.Name;
                if (names.Length > 0 && !names.Contains(name)) continue;
                var group = NameOnly(name);
                totals[group] = totals.GetValueOrDefault(group) + volume.Bytes;
            }
        }
        return [.. totals.OrderByDescending(t => t.Value).ThenBy(t => t.Key).Take(request.Whole("limit", 100)).Select(t => (t.Key, t.Value))];
    }

    /// <summary>A label with an empty value: how Loki names a label in volumes by label.</summary>
    private static Labels NameOnly(string name)
    {
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(name);
        byte[] encoded = new byte[LabelCodec.SizeOf(utf8.Length) + LabelCodec.SizeOf(0)];
        int at = LabelCodec.WriteString(encoded, utf8);
        LabelCodec.WriteString(encoded.AsSpan(at), []);
        return Labels.FromEncoded(encoded);
    }

    private static Task ResultAsync(HttpContext http, string type, Action<Utf8JsonWriter> result) => LokiAnswers.SuccessAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("resultType"u8, type);
        json.WriteStartArray("result"u8);
        result(json);
        json.WriteEndArray();
        LokiStatistics.Write(json, new LogQlStatistics(default, 0, default));
        json.WriteEndObject();
    });
}
