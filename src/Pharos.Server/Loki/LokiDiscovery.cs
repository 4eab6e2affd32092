using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.LogQL.Discovery;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Detected fields and patterns: answers from a sample of lines.</summary>
internal sealed class LokiDiscovery(LogServices services)
{
    /// <summary>Lines that a pattern query looks at: the newest ones of the range.</summary>
    private const int PatternLinesMax = 5000;

    private const int PatternsShownMax = 300;

    public Task FieldsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        int limit = Limit(request);
        var fields = (await DetectAsync(http, request, limit)).Fields;
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("fields"u8);
            foreach (var field in fields.Take(limit))
            {
                json.WriteStartObject();
                json.WriteString("label"u8, field.Name);
                json.WriteString("type"u8, field.Type);
                json.WriteNumber("cardinality"u8, field.Values.Count);
                if (field.Parsers.Count == 0)
                {
                    json.WriteNull("parsers"u8);
                }
                else
                {
                    json.WriteStartArray("parsers"u8);
                    foreach (string parser in field.Parsers) json.WriteStringValue(parser);
                    json.WriteEndArray();
                }
                if (field.JsonPath.Count > 0)
                {
                    json.WriteStartArray("jsonPath"u8);
                    foreach (string name in field.JsonPath) json.WriteStringValue(name);
                    json.WriteEndArray();
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteNumber("limit"u8, limit);
            json.WriteEndObject();
        });
    });

    public Task FieldValuesAsync(HttpContext http, string name) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        int limit = Limit(request);
        var field = (await DetectAsync(http, request, limit)).Fields.FirstOrDefault(f => f.Name == name);
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("values"u8);
            foreach (string value in field?.Values.Order(StringComparer.Ordinal).Take(limit) ?? []) json.WriteStringValue(value);
            json.WriteEndArray();
            json.WriteNumber("limit"u8, limit);
            json.WriteEndObject();
        });
    });

    public Task PatternsAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(services.Time, services.Limits.For(http.Tenant()));
        long stepSeconds = Math.Max(10, request.Step(start, end) / 1_000_000_000);
        var miner = new PatternMiner(stepSeconds);
        foreach (var entry in await LinesAsync(http, request.Required("query"), start, end, PatternLinesMax))
            miner.Add(entry.TimestampNs, entry.Line, entry.Metadata["detected_level"]);
        await LokiAnswers.SuccessAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var pattern in miner.Patterns.Take(PatternsShownMax))
            {
                json.WriteStartObject();
                json.WriteString("pattern"u8, pattern.Text);
                if (pattern.Level.Length > 0) json.WriteString("level"u8, pattern.Level);
                json.WriteStartArray("samples"u8);
                foreach (var (second, count) in pattern.Counts.OrderBy(c => c.Key))
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(second);
                    json.WriteNumberValue(count);
                    json.WriteEndArray();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    });

    private static int Limit(LokiRequest request) => request.Positive("limit", request.Positive("field_limit", 1000));

    private async Task<DetectedFields> DetectAsync(HttpContext http, LokiRequest request, int limit)
    {
        var (start, end) = request.Range(services.Time, services.Limits.For(http.Tenant()));
        var fields = new DetectedFields { ValuesMax = Math.Max(1, limit) };
        foreach (var entry in await LinesAsync(http, request.Required("query"), start, end, request.Positive("line_limit", 100))) fields.Add(entry);
        return fields;
    }

    private async Task<IReadOnlyList<LogQlEntry>> LinesAsync(HttpContext http, string query, long start, long end, int lines)
    {
        if (LogQl.IsMetric(query)) throw new QueryException(QueryErrorKind.BadData, "a log query is wanted here, not a metric query");
        var result = await services.Queries.RangeAsync(http.Tenant(), RequestLimits.Of(http, services.Limits), new LogQlRangeQuery
        {
            Text = query,
            StartNs = start,
            EndNs = end,
            Limit = lines,
        }, useCache: true, http.RequestAborted);
        return result.Entries;
    }
}
