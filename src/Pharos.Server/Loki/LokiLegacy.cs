using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Queries of Loki's first API, <c>/api/prom/query</c>: lines only, streams with their labels as text.</summary>
internal sealed class LokiLegacy(LogServices services)
{
    public Task QueryAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(services.Time, services.Limits.For(http.Tenant()));
        string text = request.Required("query");
        if (LogQl.IsMetric(text)) throw new QueryException(QueryErrorKind.BadData, "legacy endpoints only support streams result type");
        if (request["regexp"] is { Length: > 0 } regexp) text += " |~ " + GoString.Quote(regexp);
        var result = await services.Queries.RangeAsync(http.Tenant(), RequestLimits.Of(http, services.Limits), new LogQlRangeQuery
        {
            Text = text,
            StartNs = start,
            EndNs = end,
            Limit = request.Limit(),
            Backward = request.Backward,
        }, useCache: true, http.RequestAborted);
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("streams"u8);
            LokiStreams.WriteLegacy(json, result.Entries);
            LokiStatistics.Write(json, result.Statistics, "logResult");
            json.WriteEndObject();
        });
    });
}
