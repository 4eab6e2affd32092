using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Prometheus;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The file that <c>query_log_file</c> names: a line of JSON for each PromQL query, as Prometheus writes it. Safe for several threads.</summary>
internal sealed partial class QueryLog(TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private volatile JsonLineFile? file;

    /// <summary>Goes on in a file, from its end, opening it anew also where it is the same: it may have been moved away. Empty: no more.</summary>
    public void Open(string path)
    {
        var before = file;
        file = path.Length == 0 ? null : new JsonLineFile(path, reason => Broken(logger, path, reason));
        before?.Dispose();
    }

    public void Write(FinishedQuery query) => file?.Write(json =>
    {
        json.WriteString("time"u8, time.GetUtcNow().UtcDateTime);
        json.WriteString("level"u8, "INFO"u8);
        json.WriteString("msg"u8, "promql query logged"u8);
        json.WriteStartObject("params"u8);
        json.WriteString("end"u8, Time(query.EndMs));
        json.WriteString("query"u8, query.Query);
        json.WriteString("start"u8, Time(query.StartMs));
        json.WriteNumber("step"u8, query.StepMs / 1000);
        json.WriteEndObject();
        if (query.Error is { } error) json.WriteString("error"u8, error);
        if (query.Statistics is { } statistics) QueryStatisticsJson.Write(json, statistics);
        json.WriteString("spanID"u8, Spans.Current?.SpanId.ToHexString() ?? "0000000000000000");
        if (query.Origin is not { } origin) return;
        json.WriteStartObject("httpRequest"u8);
        json.WriteString("clientIP"u8, origin.ClientAddress);
        json.WriteString("method"u8, origin.Method);
        json.WriteString("path"u8, origin.Path);
        json.WriteEndObject();
    });

    public ValueTask DisposeAsync()
    {
        Open("");
        return ValueTask.CompletedTask;
    }

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ms, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()))
        .UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    [LoggerMessage(7104, LogLevel.Warning, "The query log {Path} cannot be written: {Reason}")]
    private static partial void Broken(ILogger logger, string path, string reason);
}
