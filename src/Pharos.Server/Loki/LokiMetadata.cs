using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Labels and series: answers from stream labels alone.</summary>
internal sealed class LokiMetadata(ILogQueryable store, ITenantLimits limits, TimeProvider time)
{
    private static readonly HashSet<string> AlwaysShown = new(StringComparer.Ordinal) { "cluster", "namespace", "instance", "pod" };

    public Task LabelsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var (matchers, start, end) = await WhatAsync(http);
        await LokiAnswers.NamesAsync(http, store.LabelNames(http.Tenant(), matchers, start, end, http.RequestAborted));
    });

    public Task ValuesAsync(HttpContext http, string name) => LokiAnswers.GuardAsync(http, async () =>
    {
        var (matchers, start, end) = await WhatAsync(http);
        await LokiAnswers.NamesAsync(http, store.LabelValues(http.Tenant(), name, matchers, start, end, http.RequestAborted));
    });

    public Task SeriesAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time, limits.For(http.Tenant()));
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

    public Task DetectedLabelsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var (matchers, start, end) = await WhatAsync(http);
        var streams = store.Streams(http.Tenant(), [matchers], start, end, http.RequestAborted);
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
                if (!AlwaysShown.Contains(name) && set.All(v => double.TryParse(v, System.Globalization.CultureInfo.InvariantCulture, out _) || Guid.TryParse(v, out _))) continue;
                json.WriteStartObject();
                json.WriteString("label"u8, name);
                json.WriteNumber("cardinality"u8, set.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    });

    /// <summary>Which streams a request means; times in Unix nanoseconds, the end exclusive.</summary>
    private async Task<(IReadOnlyList<Matcher> Matchers, long StartNs, long EndNs)> WhatAsync(HttpContext http)
    {
        var request = await LokiRequest.ReadAsync(http);
        // Label names change slowly: without a range, look back further than queries do.
        var (start, end) = request.Range(time, limits.For(http.Tenant()), TimeSpan.FromHours(6));
        var matchers = request["query"] is { Length: > 0 } query ? LogQl.Selector(query) : [];
        return (matchers, start, end + 1);
    }
}
